"""What is timed: our kernels, and what people call instead, each as its documentation says.

Each case is a name and a function that makes what is called with frames, (n, win_length) float32.
The peers take one frame and give its magnitudes summed by mel filters, each with its own library's
filters; a maker raises ImportError where that library is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel import artifacts
from visualizer.mel.artifacts import Artifact
from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.flat import MelConfig
from visualizer.mel.kernels import CudaGraphKernel, EagerKernel, HostKernel
from visualizer.mel.timing import noise_frames

Frames = NDArray[np.float32]
FrameCall = Callable[[Frames], object]
TensorCall = Callable[[torch.Tensor], torch.Tensor]

FFT_ALONE = "the FFT call alone"


def kernels(config: MelConfig, folder: Path) -> dict[str, Callable[[int], FrameCall]]:
    """Return how to make each kernel for n rows; compiled ones are kept in `folder`.

    The first that can be made is the one that the others are compared with.
    """
    found: dict[str, Callable[[int], FrameCall]] = {
        "compiled": lambda n: _compiled(Artifact(config, n, folder)),
        "eager": lambda n: EagerKernel(config),
    }
    if torch.cuda.is_available():
        found["cuda-graph"] = lambda n: CudaGraphKernel(config, n, torch.device("cuda"))
    return found | {FFT_ALONE: lambda n: _fft_alone(torch.from_numpy(noise_frames(config, n)))}


def peers(config: MelConfig) -> dict[str, Callable[[], FrameCall]]:
    """Return how to make each peer for a front-end like the article's."""
    found: dict[str, Callable[[], FrameCall]] = {
        "librosa, as people call it": lambda: _librosa(config),
        "librosa, filters kept": lambda: _librosa_kept(config),
        "torchaudio MelSpectrogram": lambda: _torchaudio(config),
        "numpy float32": lambda: _spectrum_times_filters(np.fft.rfft, config),
        "scipy float32": lambda: _scipy(config),
        "kaldi-native-fbank": lambda: _kaldi_native_fbank(config),
    }
    # On a GPU it is in the article's own setting.
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        article = f"the article's function on {device}"
        found[f"{article}, eager"] = partial(_article, config, device)
        found[f"{article}, compiled"] = partial(_article_compiled, config, device)
    return found


def _compiled(artifact: Artifact) -> HostKernel:
    with torch.inference_mode(False):
        return artifacts.obtain(artifact)


def _fft_alone(windowed: torch.Tensor) -> FrameCall:
    return lambda _: torch.fft.rfft(windowed)


def _librosa_filters(config: MelConfig) -> dict[str, Any]:
    return {
        "sr": config.sample_rate,
        "n_fft": config.n_fft,
        "n_mels": config.n_mels,
        "fmin": config.f_min,
        "fmax": config.f_max,
        "htk": config.mel_scale == "htk",
    }


def _librosa(config: MelConfig) -> FrameCall:
    from librosa.feature import melspectrogram

    settings = _librosa_filters(config) | {"hop_length": config.hop_length, "power": config.power}
    return lambda frames: melspectrogram(y=frames[0], center=False, **settings)


def _librosa_kept(config: MelConfig) -> FrameCall:
    import librosa

    filters = librosa.filters.mel(**_librosa_filters(config))
    stft = partial(librosa.stft, n_fft=config.n_fft, hop_length=config.hop_length, center=False)
    return lambda frames: filters @ np.abs(stft(frames[0]))


def _torchaudio(config: MelConfig) -> FrameCall:
    import torchaudio

    settings = _torchaudio_filters(config) | {
        "hop_length": config.hop_length,
        "n_fft": config.n_fft,
    }
    mel = torchaudio.transforms.MelSpectrogram(power=config.power, center=False, **settings)
    return _from_numpy(mel, "cpu")


def _torchaudio_filters(config: MelConfig) -> dict[str, Any]:
    names = ("sample_rate", "n_mels", "f_min", "f_max", "mel_scale", "norm")
    return {name: getattr(config, name) for name in names}


def _article_function(config: MelConfig, device: str) -> TensorCall:
    """torch.stft and melscale_fbanks with window and filters kept: this project grew from it."""
    import torchaudio

    window = torch.hann_window(config.win_length, device=device)
    settings = _torchaudio_filters(config)
    filters = torchaudio.functional.melscale_fbanks(config.n_freqs, **settings).to(device)
    stft = partial(torch.stft, n_fft=config.n_fft, hop_length=config.hop_length, window=window)

    def mel(frame: torch.Tensor) -> torch.Tensor:
        spectrum = stft(frame, center=False, return_complex=True)
        columns: torch.Tensor = spectrum.abs().transpose(-1, -2) @ filters
        return columns

    return mel


def _article(config: MelConfig, device: str) -> FrameCall:
    return _from_numpy(_article_function(config, device), device)


def _article_compiled(config: MelConfig, device: str) -> FrameCall:
    compiled = torch.compile(_article_function(config, device), mode="reduce-overhead")
    return _from_numpy(compiled, device)


def _from_numpy(call: TensorCall, device: str) -> FrameCall:
    return lambda frames: call(torch.from_numpy(frames).to(device)).cpu().numpy()


def _spectrum_times_filters(rfft: Callable[[Frames], Any], config: MelConfig) -> FrameCall:
    window = analysis_window(config).astype(np.float32)
    filters = mel_filterbank(config).astype(np.float32)
    return lambda frames: np.abs(rfft(frames[0] * window)) @ filters


def _scipy(config: MelConfig) -> FrameCall:
    from scipy.fft import rfft

    return _spectrum_times_filters(rfft, config)


def _kaldi_native_fbank(config: MelConfig) -> FrameCall:
    """Its online extractor, given a hop and asked for a frame; its transform has 2^n points."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = config.sample_rate
    options.frame_opts.frame_length_ms = 1e3 * config.win_length / config.sample_rate
    options.frame_opts.frame_shift_ms = 1e3 * config.hop_s
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hann"
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.preemph_coeff = 0.0
    options.use_power = config.power == 2
    options.mel_opts.num_bins = config.n_mels
    options.mel_opts.low_freq = config.f_min
    options.mel_opts.high_freq = config.f_max
    options.use_log_fbank = False
    extractor = kaldi_native_fbank.OnlineFbank(options)
    extractor.accept_waveform(config.sample_rate, np.zeros(config.win_length, np.float32))

    def call(frames: Frames) -> object:
        extractor.accept_waveform(config.sample_rate, frames[0, -config.hop_length :])
        return extractor.get_frame(extractor.num_frames_ready - 1)

    return call
