"""What a stage of a front-end is, and what the chain knows between two stages.

A front-end is a chain of stages, from samples to the model's columns. Each is a small frozen
dataclass in a file of its own in `stages/`, which holds everything there is to know of it: its
fields with their limits and alternatives, its formula over NumPy's or torch's arrays, its state
while it streams, what it depends on, and what its output rows and values are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from visualizer.errors import FieldError
from visualizer.mel.arrays import Array, Arrays, Operator
from visualizer.mel.scales import FrequencyScale, hz_to_scale

Dependence = Literal["frame", "past", "clip"]
"""of an output column: on its frame alone, on the sound up to there, or on the whole clip"""
DEPENDENCES: tuple[Dependence, ...] = ("frame", "past", "clip")

Place = Literal["sound", "frames", "frame", "spectrum", "filters", "column", "count"]
"""where in a chain a stage stands: before the sound is cut up, the cutting, on each frame, its
transform, the filters over its bins, on each column, or among those that change the number of
columns"""
PLACES: tuple[Place, ...] = ("sound", "frames", "frame", "spectrum", "filters", "column", "count")
"""in their order; the last two may change places: some models normalise what they have stacked"""

USUAL_DB = (-90.0, -10.0)
"""The levels that speech and music reach, in dB re a sine of full scale."""
_LINEAR_TOP_DB = -30.0
"""Linear values show little but their peaks, so those of speech are to fill the range."""


@dataclass(frozen=True, eq=False)
class Rows:
    """What the rows of a column are."""

    edges_hz: NDArray[np.float64] | None = None
    """(n + 2,): row i rises from element i, peaks at i + 1 and falls to zero at i + 2, up or down
    throughout; None where the rows are no frequencies"""
    scale: FrequencyScale = "linear"
    """on which the peaks are evenly spaced, or nearly"""
    kind: str = "band"
    """what a text calls one: "band", "bin", "coefficient\""""
    plural: str = "mels"
    """what it calls them all"""
    labels: tuple[str, ...] = ()
    """of the rows, where they are no frequencies"""

    @property
    def falls(self) -> bool:
        """Whether the frequencies fall from row to row."""
        return self.edges_hz is not None and bool(self.edges_hz[-1] < self.edges_hz[0])

    def middle_hz(self, row: int) -> float:
        """Return where a row peaks, in Hz; NaN where the rows are no frequencies."""
        return math.nan if self.edges_hz is None else float(self.edges_hz[row + 1])

    def position(self, hz: ArrayLike) -> NDArray[np.float64]:
        """Return where frequencies lie on an axis on which row i spans [i, i + 1).

        Row i peaks at i + ½; what is outside lies half a row beyond the first or the last. Same
        shape as `hz`; NaN where the rows are no frequencies.
        """
        if self.edges_hz is None:
            return np.full(np.shape(hz), np.nan)
        edges = hz_to_scale(self.edges_hz, self.scale)
        places = np.arange(len(edges)) - 0.5
        if edges[-1] < edges[0]:
            edges, places = edges[::-1], places[::-1]
        position: NDArray[np.float64] = np.interp(hz_to_scale(hz, self.scale), edges, places)
        return position


@dataclass(frozen=True)
class LinearLevel:
    """Values that grow with the amplitude of the sound, or its square."""

    silence: float
    """the value of no sound at all"""
    full_scale: float
    """the value of a sine of full scale"""
    power: int
    """1 of the amplitude, 2 of its square"""

    def value(self, decibels: ArrayLike) -> NDArray[np.float64]:
        """Return the values of sines whose levels are given in dB re full scale, same shape."""
        share = 10.0 ** (np.asarray(decibels, dtype=np.float64) * self.power / 20.0)
        values: NDArray[np.float64] = self.silence + (self.full_scale - self.silence) * share
        return values

    def decibels(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values as dB re a sine of full scale, same shape: silence is −inf, NaN stays."""
        shares = (values - np.float32(self.silence)) / np.float32(self.full_scale - self.silence)
        with np.errstate(divide="ignore"):
            levels: NDArray[np.float32] = np.log10(np.maximum(shares, 0))
        return levels * np.float32(20.0 / self.power)

    def mapped(self, line: Callable[[float], float]) -> LinearLevel:
        """Return the level of values that a straight line changes."""
        return LinearLevel(line(self.silence), line(self.full_scale), self.power)

    @property
    def usual(self) -> tuple[float, float]:
        """The values to colour at first: what speech and music reach."""
        return self.silence, float(self.value(_LINEAR_TOP_DB))


@dataclass(frozen=True)
class LogLevel:
    """Values that grow with the logarithm of the sound."""

    at_full_scale: float
    """the value of a sine of full scale"""
    per_db: float

    def value(self, decibels: ArrayLike) -> NDArray[np.float64]:
        """Return the values of sines whose levels are given in dB re full scale, same shape."""
        levels: NDArray[np.float64] = np.asarray(decibels, dtype=np.float64)
        return self.at_full_scale + self.per_db * levels

    def decibels(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values as dB re a sine of full scale, same shape; NaN stays NaN."""
        return (values - np.float32(self.at_full_scale)) * np.float32(1.0 / self.per_db)

    def mapped(self, line: Callable[[float], float]) -> LogLevel:
        """Return the level of values that a straight line changes."""
        zero, one = line(self.at_full_scale), line(self.at_full_scale + self.per_db)
        return LogLevel(zero, one - zero)

    @property
    def usual(self) -> tuple[float, float]:
        """The values to colour at first: what speech and music reach."""
        low, high = self.value(USUAL_DB)
        return float(low), float(high)


@dataclass(frozen=True)
class Values:
    """What the numbers of a column mean."""

    usual: tuple[float, float]
    """the range that speech and music fill"""
    level: LinearLevel | LogLevel | None
    """how a value tells the level of the sound; None where it does not"""

    @property
    def is_linear(self) -> bool:
        """Whether they are amplitudes or powers, whose picture shows little but peaks."""
        return isinstance(self.level, LinearLevel)

    def through(self, formula: Callable[[Any], Any], *, is_line: bool = False) -> Values:
        """Return what they are after a formula of each value alone.

        Only after a straight line do they still tell the level.
        """
        ends = np.asarray(formula(np.asarray(self.usual, dtype=np.float64)))
        level = None
        if self.level is not None and is_line:
            level = self.level.mapped(lambda value: float(formula(np.float64(value))))
            if np.float32(level.value(0.0)) == np.float32(level.value(-1.0)):
                level = None
        return Values((float(ends.min()), float(ends.max())), level)


@dataclass(frozen=True, eq=False)
class Layout:
    """What is known of the sound between two stages."""

    sample_rate: int
    """Hz"""
    width: int = 0
    """of the last axis: samples of a frame, bins of a spectrum, rows of a column"""
    full_scale: float = 1.0
    """what a sine of full scale amounts to here"""
    window_sum: float = 0.0
    """of the weights of a frame's samples"""
    n_fft: int = 0
    """points of the transform that gave the bins"""
    rows: Rows = Rows()
    values: Values | None = None
    """None before there is a spectrum"""
    hops: int = 1
    """from a column to the next"""
    middle: float = 0.0
    """of column 0, in hops from the middle of the first frame"""


class ClipState(Protocol):
    """A stage that needs to know the clip: observe all of it, then finish any part of it.

    Both take (n_channels, n_columns, n_rows) and `finish` returns the same shape.
    """

    def observe(self, columns: Array, /) -> None: ...
    def finish(self, columns: Array, /) -> Array: ...


class PastState(Protocol):
    """A stage that depends on the sound so far: takes and returns pieces, in order.

    Of the sound they are (n_channels, n_samples), of columns (n_channels, n_columns, n_rows).
    """

    def push(self, pieces: Array, /) -> Array: ...


class SoundState(PastState, Protocol):
    """A stage of the sound, which may lose samples: takes pieces (n_channels, n_samples)."""

    def skip(self, n_samples: int, /) -> int:
        """Note that samples were lost; return how many are missing from what comes out."""

    def flush(self) -> Array | None:
        """Return what the end of the sound adds."""


class CountState(Protocol):
    """A stage that changes the number of columns: (n_channels, n_columns, n_rows) in and out."""

    def push(self, columns: Array, /) -> Array: ...
    def flush(self) -> Array | None:
        """Return what the end of the clip completes."""


@dataclass(frozen=True)
class Stage:
    """One step of a front-end; see the classes in `stages/`."""

    stage: ClassVar[str]
    """its name in a chain's JSON"""
    place: ClassVar[Place]

    def __post_init__(self) -> None:
        for field in fields(self):
            limit, value = field.metadata["limit"], getattr(self, field.name)
            if not limit.fits(value):
                raise FieldError(field.name, value, limit.text)

    @property
    def dependence(self) -> Dependence:
        """What an output column depends on."""
        return "frame"

    @property
    def streaming(self) -> Stage | None:
        """The stage as it is while the sound goes on; None where it is left out then."""
        return self

    @property
    def lead(self) -> int:
        """Samples that a stage of the sound puts in front of it."""
        return 0

    def n_samples(self, n_samples: int) -> int:
        """Return how many samples a stage of the sound makes of a clip."""
        return n_samples + self.lead

    @property
    def least_columns(self) -> int:
        """Columns that a stage makes of however few."""
        return 0

    @classmethod
    def alternatives(cls) -> dict[str, tuple[Any, ...]]:
        """Return the fields whose values can be listed, with all their values."""
        limits = {field.name: field.metadata["limit"] for field in fields(cls)}
        return {name: limit.choices for name, limit in limits.items() if limit.choices}

    @classmethod
    def usual(cls) -> dict[str, tuple[Any, ...]]:
        """Return the fields that take numbers, with those that public models have there."""
        limits = {field.name: field.metadata["limit"] for field in fields(cls)}
        return {name: limit.usual for name, limit in limits.items() if limit.usual}

    def after(self, before: Layout) -> Layout:
        """Return what is known after this stage.

        Raises:
            FieldError: where the stage does not fit what comes before it.
        """
        return before

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        """Return the formula of a stage that depends on its frame alone, made ready once.

        It takes and returns arrays whose last axis holds a frame's samples, bins or rows.
        """
        raise TypeError(f"{self.stage} needs more than one frame")

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> Any:
        """Return a new PastState, ClipState or CountState, where the stage has one."""
        raise TypeError(f"{self.stage} has no state")

    def of_sound(self, arrays: Arrays, before: Layout, n_channels: int) -> SoundState:
        """Return a stage that stands before the cutting into frames."""
        if self.dependence == "frame":
            return _EachSample(self.operator(arrays, before))
        state: SoundState = self.state(arrays, before, n_channels)
        return state

    def piecewise(self, arrays: Arrays, before: Layout, n_channels: int) -> Operator | None:
        """Return the stage for pieces of columns in order, (n_channels, n_columns, n_rows) each.

        None where one piece is not enough: such a stage has a ClipState or a CountState.
        """
        if self.place == "count":
            return None
        if self.dependence == "frame":
            return self.operator(arrays, before)
        if self.dependence == "past":
            push: Operator = self.state(arrays, before, n_channels).push
            return push
        return None


class _EachSample:
    """A stage of the sound that each sample needs nothing else for."""

    def __init__(self, operator: Operator) -> None:
        self.push = operator

    def skip(self, n_samples: int) -> int:
        return n_samples

    def flush(self) -> Array | None:
        return None


class WholeSound:
    """A stage that needs all of the sound: nothing comes out before its end."""

    def __init__(self, arrays: Arrays, finish: Operator) -> None:
        """`finish` takes the sound, (n_channels, n_samples), and returns as many samples."""
        self._xp = arrays.xp
        self._finish = finish
        self._heard: list[Array] = []

    def push(self, samples: Array) -> Array:
        self._heard.append(samples)
        return samples[:, :0]

    def skip(self, n_samples: int) -> int:
        return n_samples

    def flush(self) -> Array | None:
        if not any(piece.shape[1] for piece in self._heard):
            return None
        return self._finish(self._xp.concat(self._heard, axis=1))


class SoundChain:
    """The stages of the sound, one after the other; pieces are (n_channels, n_samples)."""

    def __init__(self, states: Sequence[SoundState]) -> None:
        self._states = states

    def push(self, samples: Array) -> Array:
        """Return what comes out for the next piece."""
        return self._through(0, samples)

    def flush(self) -> Iterator[Array]:
        """Yield what the end of the sound adds, in order."""
        for i, state in enumerate(self._states):
            rest = state.flush()
            if rest is not None:
                yield self._through(i + 1, rest)

    def skip(self, n_samples: int) -> int:
        """Note that samples were lost; return how many are missing from what comes out."""
        for state in self._states:
            n_samples = state.skip(n_samples)
        return n_samples

    def _through(self, first: int, samples: Array) -> Array:
        for state in self._states[first:]:
            samples = state.push(samples)
        return samples
