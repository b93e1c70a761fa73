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

from visualizer.mel.arrays import BatchArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.kernels.timing import noise_frames
from visualizer.mel.kernels.torch_kernels import CudaGraphKernel, EagerKernel

Frames = NDArray[np.float32]
FrameCall = Callable[[Frames], object]
TensorCall = Callable[[torch.Tensor], torch.Tensor]

FFT_ALONE = "the FFT call alone"

RATE_HZ = 16_000
_N_FFT, _HOP, _N_MELS, _F_MIN, _F_MAX = 800, 200, 80, 55.0, 7600.0
_STFT: dict[str, Any] = {"n_fft": _N_FFT, "hop_length": _HOP, "center": False}
_FILTERS: dict[str, Any] = {
    "sample_rate": RATE_HZ,
    "n_mels": _N_MELS,
    "f_min": _F_MIN,
    "f_max": _F_MAX,
    "mel_scale": "htk",
    "norm": "slaney",
}
"""The article's setting, as the peers are told it; the preset simli has it for our kernels."""


def kernels(config: FrontEnd, folder: Path) -> dict[str, Callable[[int], FrameCall]]:
    """Return how to make each kernel for n rows; compiled ones are kept in `folder`.

    The first that can be made is the one that the others are compared with.
    """
    found: dict[str, Callable[[int], FrameCall]] = {
        "compiled": lambda n: _compiled(Artifact(config, n, folder)),
        "numpy": lambda n: NumpyKernel(config),
        "numpy, for batches": lambda n: NumpyKernel(config, BatchArrays(np.float32)),
        "eager": lambda n: EagerKernel(config),
    }
    if torch.cuda.is_available():
        found["cuda-graph"] = lambda n: CudaGraphKernel(config, n, "cuda")
    return found | {FFT_ALONE: partial(_fft_alone, config)}


def peers() -> dict[str, Callable[[], FrameCall]]:
    """Return how to make each peer."""
    found: dict[str, Callable[[], FrameCall]] = {
        "librosa melspectrogram": _librosa,
        "librosa, filters kept": _librosa_kept,
        "torchaudio's transform": _torchaudio,
        "numpy float32": lambda: _spectrum_times_filters(np.fft.rfft),
        "scipy float32": _scipy,
        "kaldi-native-fbank": _kaldi_native_fbank,
    }
    # On a GPU it is in the article's own setting.
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        found[f"article, eager, {device}"] = partial(article, device, is_compiled=False)
        found[f"article, compiled, {device}"] = partial(article, device, is_compiled=True)
    return found


def _compiled(artifact: Artifact) -> HostKernel:
    with torch.inference_mode(False):
        return artifacts.obtain(artifact)


def _fft_alone(config: FrontEnd, n_rows: int) -> FrameCall:
    windowed = torch.from_numpy(noise_frames(config, n_rows))
    return lambda _: torch.fft.rfft(windowed)


def _librosa() -> FrameCall:
    from librosa.feature import melspectrogram

    settings = {**_STFT, "power": 1, "sr": RATE_HZ, "n_mels": _N_MELS, "htk": True}
    return lambda frames: melspectrogram(y=frames[0], fmin=_F_MIN, fmax=_F_MAX, **settings)


def _librosa_kept() -> FrameCall:
    import librosa

    filters = librosa.filters.mel(
        sr=RATE_HZ, n_fft=_N_FFT, n_mels=_N_MELS, fmin=_F_MIN, fmax=_F_MAX, htk=True
    )
    return lambda frames: filters @ np.abs(librosa.stft(frames[0], **_STFT))


def _torchaudio() -> FrameCall:
    from torchaudio.transforms import MelSpectrogram

    return _from_numpy(MelSpectrogram(**_STFT, **_FILTERS, power=1), "cpu")


def article(device: str, *, is_compiled: bool) -> FrameCall:
    """torch.stft and melscale_fbanks with window and filters kept: this project grew from it.

    Compiled, it is made for the number of frames of its first call.
    """
    window, filters = torch.hann_window(_N_FFT, device=device), _filters().to(device)

    def mel(frame: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(frame, window=window, return_complex=True, **_STFT)
        columns: torch.Tensor = spectrum.abs().transpose(-1, -2) @ filters
        return columns

    call = torch.compile(mel, mode="reduce-overhead", dynamic=False) if is_compiled else mel
    return _from_numpy(call, device)


def _from_numpy(call: TensorCall, device: str) -> FrameCall:
    return lambda frames: call(torch.from_numpy(frames).to(device)).cpu().numpy()


def _filters() -> torch.Tensor:
    from torchaudio.functional import melscale_fbanks

    filters: torch.Tensor = melscale_fbanks(_N_FFT // 2 + 1, **_FILTERS)
    return filters


def _spectrum_times_filters(rfft: Callable[[Frames], Any]) -> FrameCall:
    window, filters = torch.hann_window(_N_FFT).numpy(), _filters().numpy()
    return lambda frames: np.abs(rfft(frames[0] * window)) @ filters


def _scipy() -> FrameCall:
    from scipy.fft import rfft

    return _spectrum_times_filters(rfft)


def _kaldi_native_fbank() -> FrameCall:
    """Its online extractor, given a hop and asked for a frame; its transform has 2^n points."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.samp_freq = RATE_HZ
    options.frame_opts.frame_length_ms = 1e3 * _N_FFT / RATE_HZ
    options.frame_opts.frame_shift_ms = 1e3 * _HOP / RATE_HZ
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hann"
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.preemph_coeff = 0.0
    options.use_power = False
    options.mel_opts.num_bins = _N_MELS
    options.mel_opts.low_freq = _F_MIN
    options.mel_opts.high_freq = _F_MAX
    options.use_log_fbank = False
    extractor = kaldi_native_fbank.OnlineFbank(options)
    extractor.accept_waveform(RATE_HZ, np.zeros(_N_FFT, np.float32))

    def call(frames: Frames) -> object:
        extractor.accept_waveform(RATE_HZ, frames[0, -_HOP:])
        return extractor.get_frame(extractor.num_frames_ready - 1)

    return call
