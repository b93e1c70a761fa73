"""Parts of front-ends, as tests need them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from visualizer.mel.flat import MelConfig, flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import PRESETS
from visualizer.mel.stage import LinearLevel, Stage
from visualizer.mel.stages.bins import Bins
from visualizer.mel.stages.log import Log
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.spectrum import Spectrum

S = TypeVar("S", bound=Stage)

FLAT = tuple(name for name, preset in PRESETS.items() if flat_form(preset.front_end) is not None)
"""The presets that have a flat form; a stage without one has its own test."""


def flat(name: str) -> MelConfig:
    """The flat form of a preset."""
    config = flat_form(PRESETS[name].front_end)
    assert config is not None
    return config


def stage_of(front_end: FrontEnd, kind: type[S]) -> S:
    """The one stage of a kind."""
    (stage,) = (stage for stage in front_end.stages if isinstance(stage, kind))
    return stage


def up_to(front_end: FrontEnd, *kinds: type[Stage]) -> FrontEnd:
    """The chain up to the last stage that is of one of the kinds."""
    last = max(i for i, stage in enumerate(front_end.stages) if isinstance(stage, kinds))
    return FrontEnd(front_end.name, front_end.sample_rate, front_end.stages[: last + 1])


def up_to_logarithm(front_end: FrontEnd) -> FrontEnd:
    """Without what the model does to its logarithms; up to the filters where it takes none."""
    return up_to(front_end, Mel, Bins, Log)


def filters_of(front_end: FrontEnd) -> NDArray[np.float64]:
    """The weights of the bins in the bands: (n_bins, n_mels)."""
    n_fft = stage_of(front_end, Spectrum).n_fft
    return stage_of(front_end, Mel).filters(front_end.sample_rate, n_fft)


def full_scale(front_end: FrontEnd) -> float:
    """The mel value of a sine of full scale."""
    level = up_to(front_end, Mel).values.level
    assert isinstance(level, LinearLevel)
    return level.full_scale


def tensorflow_filters(
    n_bins: int, sample_rate: int, n_mels: int, f_min: float, f_max: float
) -> NDArray[np.float64]:
    """What tf.signal.linear_to_mel_weight_matrix computes: (n_bins, n_mels)."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1127.0 * np.log1p(hertz / 700.0)

    edges = np.linspace(*mel(np.array([f_min, f_max])), n_mels + 2)
    bins = mel(np.linspace(0.0, sample_rate / 2, n_bins))[1:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    inside = np.clip(np.minimum(rising, falling), 0.0, None)
    # The first bin is left out.
    return np.vstack((np.zeros((1, n_mels)), inside))


def perch_mels(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """scipy.signal.stft is what its jax.scipy namesake computes, the last column left out."""
    _, _, spectrum = scipy.signal.stft(
        samples, nperseg=2560, noverlap=2560 - 320, padded=False, boundary="zeros"
    )
    filters = tensorflow_filters(1281, 32_000, 160, 60.0, 16_000.0)
    return filters.T @ np.abs(spectrum[:, :-1]) ** 2


def varied(
    front_end: FrontEnd, *stages: Stage, name: str, sample_rate: int | None = None
) -> FrontEnd:
    """The chain with other stages in the places of those of the same kinds."""
    by_kind = {stage.stage: stage for stage in stages}
    chain = tuple(by_kind.pop(stage.stage, stage) for stage in front_end.stages)
    assert not by_kind
    sample_rate = sample_rate or front_end.sample_rate
    return replace(front_end, name=name, sample_rate=sample_rate, stages=chain)
