"""What people call instead of us, each as its documentation says, for one frame at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visualizer.mel.filterbank import analysis_window, mel_filterbank
from visualizer.mel.front_end import FrontEnd

Frames = NDArray[np.float32]
FrameCall = Callable[[Frames], object]


def peers(config: FrontEnd) -> dict[str, Callable[[], FrameCall]]:
    """How to make each peer for a front-end like the article's; ImportError where it is missing.

    All take (1, win_length) and give that frame's magnitudes summed by mel filters, each with its
    own library's filters.
    """
    return {
        "librosa, as people call it": lambda: _librosa(config),
        "librosa, filters kept": lambda: _librosa_kept(config),
        "torchaudio MelSpectrogram": lambda: _torchaudio(config),
        "the seed's function, eager": lambda: _seed(config, torch.device("cpu")),
        "the seed's function, compiled": lambda: _seed_compiled(config, torch.device("cpu")),
        "numpy float32": lambda: _numpy(config),
        "scipy float32": lambda: _scipy(config),
        "kaldi-native-fbank": lambda: _kaldi_native_fbank(config),
    }


def gpu_peers(config: FrontEnd) -> dict[str, Callable[[], FrameCall]]:
    """The article's own setting, where there is a GPU."""
    gpu = torch.device("cuda")
    return {
        "the seed's function, eager, on the GPU": lambda: _seed(config, gpu),
        "the seed's function, compiled, on the GPU": lambda: _seed_compiled(config, gpu),
    }


def _librosa_filters(config: FrontEnd) -> dict[str, Any]:
    return {
        "sr": config.sample_rate,
        "n_fft": config.n_fft,
        "n_mels": config.n_rows,
        "fmin": config.f_min,
        "fmax": config.f_max,
        "htk": config.mel_scale == "htk",
    }


def _librosa(config: FrontEnd) -> FrameCall:
    import librosa

    return lambda frames: librosa.feature.melspectrogram(
        y=frames[0],
        hop_length=config.hop_length,
        center=False,
        power=config.power,
        **_librosa_filters(config),
    )


def _librosa_kept(config: FrontEnd) -> FrameCall:
    import librosa

    filters = librosa.filters.mel(
        **_librosa_filters(config),
    )
    return lambda frames: (
        filters
        @ np.abs(
            librosa.stft(frames[0], n_fft=config.n_fft, hop_length=config.hop_length, center=False)
        )
    )


def _torchaudio(config: FrontEnd) -> FrameCall:
    import torchaudio

    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=config.sample_rate,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        center=False,
        power=config.power,
        n_mels=config.n_rows,
        f_min=config.f_min,
        f_max=config.f_max,
        mel_scale=config.mel_scale,
        norm=config.norm,
    )
    return lambda frames: transform(torch.from_numpy(frames)).numpy()


def _seed_function(
    config: FrontEnd, device: torch.device
) -> Callable[[torch.Tensor], torch.Tensor]:
    """torch.stft and melscale_fbanks with window and filters kept, as the article has it."""
    import torchaudio

    window = torch.hann_window(config.win_length, device=device)
    filters = torchaudio.functional.melscale_fbanks(
        config.n_freqs,
        config.f_min,
        config.f_max,
        config.n_rows,
        config.sample_rate,
        norm=config.norm,
        mel_scale=config.mel_scale,
    ).to(device)

    def mel(frame: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(
            frame,
            config.n_fft,
            config.hop_length,
            window=window,
            center=False,
            return_complex=True,
        ).abs()
        columns: torch.Tensor = spectrum.transpose(-1, -2) @ filters
        return columns

    return mel


def _seed(config: FrontEnd, device: torch.device) -> FrameCall:
    mel = _seed_function(config, device)
    return lambda frames: mel(torch.from_numpy(frames).to(device)).cpu().numpy()


def _seed_compiled(config: FrontEnd, device: torch.device) -> FrameCall:
    mel = torch.compile(_seed_function(config, device), mode="reduce-overhead")
    return lambda frames: mel(torch.from_numpy(frames).to(device)).cpu().numpy()


def _numpy(config: FrontEnd) -> FrameCall:
    window, filters = _float32(config)
    return lambda frames: np.abs(np.fft.rfft(frames[0] * window)) @ filters


def _scipy(config: FrontEnd) -> FrameCall:
    import scipy.fft

    window, filters = _float32(config)
    return lambda frames: np.abs(scipy.fft.rfft(frames[0] * window)) @ filters


def _kaldi_native_fbank(config: FrontEnd) -> FrameCall:
    """Its online extractor, given an hop and asked for a frame; its transform has 2^n points."""
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
    options.mel_opts.num_bins = config.n_rows
    options.mel_opts.low_freq = config.f_min
    options.mel_opts.high_freq = config.f_max
    options.use_log_fbank = False
    extractor = kaldi_native_fbank.OnlineFbank(options)
    extractor.accept_waveform(config.sample_rate, np.zeros(config.win_length, np.float32))

    def call(frames: Frames) -> object:
        extractor.accept_waveform(config.sample_rate, frames[0, -config.hop_length :])
        return extractor.get_frame(extractor.num_frames_ready - 1)

    return call


def _float32(config: FrontEnd) -> tuple[Frames, Frames]:
    return (
        analysis_window(config).astype(np.float32),
        mel_filterbank(config).astype(np.float32),
    )
