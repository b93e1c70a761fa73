"""Chains that are changed a stage at a time, and their columns, with what they share kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.arrays import BatchArrays
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.stage import PLACES, Stage
from visualizer.mel.stages.frames import Frames
from visualizer.mel.whole import through

Values = NDArray[np.float64]
S = TypeVar("S", bound=Stage)

_ORDER = (
    *("sound_pad", "sound_multiple", "sound_length", "sound_normalisation", "preemphasis"),
    *("frames", "scale", "remove_dc", "frame_preemphasis", "window", "spectrum", "mel"),
    *("log", "pcen", "power_law", "relative_to_max", "dynamic_range", "dct", "statistics"),
    *("row_affine", "affine", "clip", "deltas", "fixed_columns", "stack"),
)
"""In which stages usually stand."""
_MOST_KEPT = 32


@dataclass(frozen=True)
class Chain:
    """Stages in their usual order, one of a kind, at a sample rate in Hz."""

    sample_rate: int
    stages: tuple[Stage, ...]

    def find(self, kind: type[S]) -> S | None:
        """Return the stage of a kind, if there is one."""
        return next((stage for stage in self.stages if isinstance(stage, kind)), None)

    def of(self, kind: type[S]) -> S:
        """Return the stage of a kind that every chain has."""
        found = self.find(kind)
        assert found is not None
        return found

    def having(self, *stages: Stage) -> Chain:
        """Return the chain with these stages, each in the place of one of its kind, if any."""
        kept = tuple(s for s in self.stages if all(type(s) is not type(new) for new in stages))
        return Chain(self.sample_rate, tuple(sorted((*kept, *stages), key=_place)))

    def without(self, *kinds: type[Stage]) -> Chain:
        """Return the chain without stages of these kinds."""
        return Chain(self.sample_rate, tuple(s for s in self.stages if not isinstance(s, kinds)))

    def changed(self, kind: type[Stage], /, **values: Any) -> Chain | None:
        """Return the chain with other fields of a stage; None where they do not fit."""
        stage = self.find(kind)
        assert stage is not None
        try:
            return self.having(replace(stage, **values))
        except ConfigError:
            return None

    @property
    def head(self) -> Chain:
        """The stages up to the filters, whose values are linear."""
        last = PLACES.index("column")
        return Chain(
            self.sample_rate, tuple(s for s in self.stages if PLACES.index(s.place) < last)
        )

    @property
    def tail(self) -> tuple[Stage, ...]:
        """The stages after the filters."""
        return self.stages[len(self.head.stages) :]

    def front_end(self, name: str = "found") -> FrontEnd:
        """Return it as a front-end. Raises ConfigError where the stages do not fit."""
        return FrontEnd(name, self.sample_rate, self.stages)


def _place(stage: Stage) -> tuple[int, int]:
    order = _ORDER.index(stage.stage) if stage.stage in _ORDER else len(_ORDER)
    return PLACES.index(stage.place), order


class Sound:
    """A sound, and the columns that chains give of it; what the last ones share is kept."""

    def __init__(
        self,
        samples: NDArray[np.floating],
        sample_rate: int,
        give_up_at: float = math.inf,
        dtype: type[np.floating] = np.float64,
    ) -> None:
        """Take a sound.

        Args:
            samples: (n_samples,).
            sample_rate: of the samples, in Hz.
            give_up_at: when to make do with what was found so far, by time.monotonic.
            dtype: of the columns.
        """
        self.sample_rate = sample_rate
        self._arrays, self._dtype = BatchArrays(dtype), dtype
        self._at_rate: dict[int, NDArray[Any]] = {sample_rate: np.asarray(samples, dtype=dtype)}
        self._kept: dict[Any, Values] = {}
        self._give_up_at = give_up_at

    @property
    def is_late(self) -> bool:
        """Whether to make do with what was found so far."""
        return time.monotonic() > self._give_up_at

    def narrowed(self) -> Sound:
        """Return the same sound, whose columns are computed in float32: for quick ratings."""
        samples = self._at_rate[self.sample_rate]
        return Sound(samples, self.sample_rate, self._give_up_at, np.float32)

    def at(self, sample_rate: int) -> Values:
        """Return the samples at a rate in Hz, resampled where it is not the sound's."""
        if sample_rate not in self._at_rate:
            own = self._at_rate[self.sample_rate].astype(np.float32)
            resampler = StreamingResampler(self.sample_rate, sample_rate, 1)
            pieces = resampler.push(own[:, None]), resampler.flush()
            self._at_rate[sample_rate] = np.concatenate(pieces)[:, 0].astype(self._dtype)
        return self._at_rate[sample_rate]

    def linear(self, chain: Chain, first: int = 0, last: int | None = None) -> Values:
        """Return columns as they leave the filters: (n_columns, n_rows).

        Args:
            chain: whose stages after the filters are left out.
            first: column.
            last: the column after the last; None is the end.

        Raises:
            ConfigError: where the stages do not fit.
        """
        front_end = chain.head.front_end()
        prepared = self._prepared(front_end)
        end = front_end.frames.n_columns(prepared.shape[1]) if last is None else last
        kernel = front_end.kernel_stages
        at_spectrum = next(i for i, s in enumerate(kernel) if s.place == "spectrum") + 1
        sound = front_end.sound_stages
        key = (chain.sample_rate, sound, _cut(front_end.frames), kernel[:at_spectrum], first, end)
        columns = self._kept.pop(key, None)
        if columns is None:
            columns = front_end.frames.of_clip(np, prepared, first, end)[0]
            for stage in kernel[:at_spectrum]:
                columns = stage.operator(self._arrays, front_end.before(stage))(columns)
            self._keep(key, columns)
        for stage in kernel[at_spectrum:]:
            columns = stage.operator(self._arrays, front_end.before(stage))(columns)
        return columns

    def finished(self, chain: Chain, linear: Values | None = None) -> Values:
        """Return all columns: (n_columns, n_model_rows).

        `linear` are those at the filters, where they are known.
        """
        front_end = chain.front_end()
        columns = self.linear(chain) if linear is None else linear
        pieces = through(chain_tail(front_end), front_end, self._arrays, iter((columns[None],)), 1)
        # A candidate may take the logarithm of what is negative.
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            finished: Values = np.concatenate(list(pieces), axis=1)[0]
        return finished

    def _prepared(self, front_end: FrontEnd) -> Values:
        """The sound as it is cut into frames, (1, n_samples)."""
        samples = self.at(front_end.sample_rate)[None]
        key = (front_end.sample_rate, front_end.sound_stages)
        if not front_end.sound_stages:
            return samples
        prepared = self._kept.pop(key, None)
        if prepared is None:
            state = front_end.sound(self._arrays, 1)
            prepared = np.concatenate((state.push(samples), *state.flush()), axis=1)
        self._keep(key, prepared)
        return prepared

    def _keep(self, key: Any, values: Values) -> None:
        self._kept[key] = values
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def chain_tail(front_end: FrontEnd) -> tuple[Stage, ...]:
    """Return the stages after the filters."""
    return tuple(s for s in front_end.stages if s.place in ("column", "count"))


def _cut(frames: Frames) -> Frames:
    """Return what tells which samples a frame holds."""
    return replace(frames, count="whole", followed_by=0)
