"""What comes after the filters: logarithm, floors, normalisations, cosine transform."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.limits import LEAST_FLOOR
from visualizer.mel.stage import Stage
from visualizer.mel.stages import STAGES
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dct import Dct
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.log import Kind, Log
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import FloorRule, Spectrum
from visualizer.mel.stages.statistics import Statistics
from visualizer.tools.identify.chains import Chain
from visualizer.tools.identify.numbers import readings, rounder
from visualizer.tools.identify.observation import Observation
from visualizer.tools.identify.scoring import Compression

Values = NDArray[np.float64]

FACTORS: dict[Kind, float] = {
    "ln": 1.0,
    "log10": 1.0 / math.log(10.0),
    "db": 10.0 / math.log(10.0),
    "db20": 20.0 / math.log(10.0),
}
"""What a natural logarithm is multiplied by."""
_SCALES = (32768.0, 32767.0, 2.0**31)
_FLOORS = (1e-10, 1e-5, 2.0**-23, 1e-8, 1e-6, 1e-7, 1e-9, 1e-12, 1e-20, 1e-3, 1.0)
_ADDED_FLOORS = (2.0**-24, 1e-6, 1e-10, 1e-5, 1e-8, 1e-9, 1e-3, 1e-4, 1e-2, 1.0)
_EPSILONS = (1e-5, 1e-7, 1e-8, 1e-10, 1e-12, 1e-6)
_LIFTERS = (0.0, 22.0, 13.0, 20.0, 26.0, 40.0)
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Lines:
    """The straight line of each row from the candidate's logarithms to the features."""

    slopes: Values
    intercepts: Values
    slope: float
    intercept: float
    same_slopes: bool
    same_intercepts: bool


def lines(levels: Values, seen: Values, known: NDArray[np.bool_]) -> Lines:
    """Fit the lines, over the known values; all arrays are (n_columns, n_rows)."""
    weights = known.astype(np.float64)
    for _ in range(3):
        counts = np.maximum(weights.sum(axis=0), 1.0)
        mean_x, mean_y = ((a * weights).sum(axis=0) / counts for a in (levels, seen))
        x, y = (levels - mean_x) * weights, (seen - mean_y) * weights
        squares = (x * x).sum(axis=0)
        slopes = (x * y).sum(axis=0) / np.where(squares > 0.0, squares, np.inf)
        intercepts = mean_y - slopes * mean_x
        residuals = np.abs(seen - slopes * levels - intercepts)
        limit = 6.0 * np.median(residuals[known]) + 1e-12
        weights = (known & (residuals <= limit)).astype(np.float64)
    told = (weights.sum(axis=0) >= 6) & (squares > 1e-6 * squares.max())
    slope = float(np.median(slopes[told]))
    x, y = levels[:, told], seen[:, told]
    w = weights[:, told]
    # At one slope, as far as there is one, the intercepts are known best.
    at_one = (w * (y - slope * x)).sum(axis=0) / w.sum(axis=0)
    intercept = float(np.median(at_one))
    same_slopes = _spread(slopes[told]) < 3e-3 * abs(slope)
    same = same_slopes and _spread(at_one) < 3e-3 * abs(slope)
    if same:
        slope, intercept = np.polyfit(x[w > 0], y[w > 0], 1)
    return Lines(slopes, intercepts, float(slope), float(intercept), bool(same_slopes), bool(same))


def _spread(values: Values) -> float:
    """Return what three quarters of the values are within of their median."""
    return float(np.quantile(np.abs(values - np.median(values)), 0.75))


@dataclass(frozen=True)
class Tail:
    """Stages after the filters and a scale of the samples, with how unusual they are."""

    scale: float
    """that the samples are multiplied by"""
    stages: tuple[Stage, ...]
    cost: float

    def on(self, head: Chain) -> Chain | None:
        """Return the chain of a head and this; None where they do not fit."""
        chain = head.head.without(Scale)
        stages = self.stages if self.scale == 1.0 else (Scale(self.scale), *self.stages)
        try:
            chain = chain.having(*stages)
            chain.front_end()
        except ConfigError:
            return None
        return chain


def made(name: str, **fields: object) -> Stage | None:
    """Return a stage of this name; None where there is none, or no such field or value."""
    kind = STAGES.get(name)
    try:
        return None if kind is None else kind(**fields)
    except (TypeError, ConfigError):
        return None


def linear_tails(head: Chain, line: Lines) -> Iterator[Tail]:
    """Yield tails of features that are no logarithms; `line` is that of their logarithms."""
    power = head.of(Spectrum).power
    ratio = math.exp(line.intercept)
    exponents = [1.0] if abs(line.slope - 1.0) < 2e-3 else [e for e, _ in rounder(line.slope, 1e-3)]
    for exponent in exponents:
        law = () if exponent == 1.0 else (made("power_law", exponent=exponent),)
        stages = tuple(stage for stage in law if stage is not None)
        if len(stages) != len(law):
            continue
        yield Tail(1.0, stages, 0.0)
        for scale, cost in input_scales(head, ratio ** (1.0 / (power * exponent))):
            yield Tail(scale, stages, cost)
        for scale, cost in readings(ratio, 1e-6 * ratio, 1e-4 * ratio):
            if scale <= 1e9:
                yield Tail(1.0, (*stages, Affine(0.0, scale)), 4.0 + cost)


def input_scales(head: Chain, scale: float) -> Iterator[tuple[float, float]]:
    """Yield usual factors of the samples near to a measured one, with their costs."""
    from visualizer.mel.stages.frames import Frames
    from visualizer.mel.stages.window import Window

    win = head.of(Frames).win_length
    window = head.find(Window)
    weights = np.ones(win) if window is None else window.weights(win)
    own = (
        head.of(Spectrum).n_fft ** -0.5,
        float((weights**2).sum() ** -0.5),
        float(1.0 / weights.sum()),
        float(2.0 / weights.sum()),
        1.0 / win,
        1.0 / head.of(Spectrum).n_fft,
    )
    for usual in (*_SCALES, *own):
        for factor in (1.0, 32768.0):
            if abs(usual * factor / scale - 1.0) < 1e-4:
                yield usual * factor, 2.0
    for value, cost in readings(scale, 2e-6 * scale, 3e-4 * scale):
        yield value, 4.0 + cost


def log_tails(
    head: Chain, line: Lines, compression: Compression, seen: Observation, levels: Values
) -> Iterator[Tail]:
    """Yield tails of features that are one straight line of logarithms, floors aside.

    Args:
        head: the chain up to its filters.
        line: from natural logarithms of its values to the features.
        compression: which says what was added before the logarithm.
        seen: the features.
        levels: the natural logarithms of the head's values.
    """
    power = head.of(Spectrum).power
    for kind, factor in FACTORS.items():
        slope = line.slope / factor
        for scale, scale_cost in _near_one(slope):
            # In the logarithm's own unit.
            offset = line.intercept / scale
            for factor_in, shift, shift_cost in _offsets(head, offset, factor, power, compression):
                gain = factor_in**power
                floors = _floors(line, compression, seen, gain, kind, levels, scale)
                for log, ranges, floor_cost in floors:
                    ends: list[Stage] = []
                    if (shift, scale) != (0.0, 1.0):
                        ends.append(Affine(shift, scale))
                    cost = scale_cost + shift_cost + floor_cost
                    yield Tail(factor_in, (log, *ranges, *ends), cost)
    yield from _normalised(line, compression, seen, levels)
    yield from _relative(line, compression, seen, levels)


def _near_one(slope: float) -> Iterator[tuple[float, float]]:
    if abs(slope - 1.0) < 3e-4:
        yield 1.0, 0.0
        return
    for value, cost in readings(slope, 2e-6 * abs(slope), 3e-4 * abs(slope)):
        yield value, 3.0 + cost


def _offsets(
    head: Chain, offset: float, factor: float, power: int, compression: Compression
) -> Iterator[tuple[float, float, float]]:
    """Yield factors of the samples and shifts that give an offset, with their costs."""
    tolerance = 3e-4 * factor
    if abs(offset) < tolerance:
        yield 1.0, 0.0, 0.0
        return
    scale = math.exp(min(max(offset / factor / power, -60.0), 60.0))
    for value, cost in input_scales(head, scale):
        yield value, 0.0, cost
    if compression.adds and compression.floor > 0.0:
        # ln(1 + c·x)
        one = (1.0 / compression.floor) ** (1.0 / power)
        if abs(math.log(one / scale)) < 0.05:
            for value, cost in itertools.islice(rounder(one, 0.05 * one), 3):
                yield value, 0.0, 1.0 + cost
    for value, cost in readings(offset, 3e-6 * max(factor, abs(offset)), tolerance):
        yield 1.0, value, 3.0 + cost


def _floors(
    line: Lines,
    compression: Compression,
    seen: Observation,
    gain: float,
    kind: Kind,
    levels: Values,
    scale: float,
) -> Iterator[tuple[Log, tuple[Stage, ...], float]]:
    """Yield logarithms with floors, and the ranges after them."""
    ends: tuple[Stage, ...] = ()
    if seen.at_highest.any() and seen.highest > 0.0:
        ends = (Clip(seen.highest),)
    if compression.adds and compression.floor > 0.0:
        floor = compression.floor * gain
        for value, cost in readings(floor, 1e-3 * floor, 0.02 * floor):
            yield Log(kind, value, "add"), ends, cost
    below_all = float(np.exp(max(levels.min(), -80.0))) * gain
    usual = next((f for f in _FLOORS if f <= 0.9 * below_all), 1e-30)
    if not seen.at_lowest.any():
        yield Log(kind, usual), ends, 1.0
        return
    # What has been raised, in units of the filters' values.
    raised = math.exp(min((seen.lowest - line.intercept) / line.slope, 80.0)) * gain
    for value, cost in readings(raised, 1e-5 * raised, 1e-3 * raised):
        if value >= LEAST_FLOOR:
            yield Log(kind, value), ends, cost
    low = next((f for f in _FLOORS if f <= 0.9 * raised), 1e-30)
    below = (seen.highest - seen.lowest) / abs(scale)
    for value, cost in readings(below, 2e-6 * below, 1e-3 * below):
        yield Log(kind, low), (DynamicRange(value), *ends), 1.0 + cost
    if seen.lowest < 0.0:
        for value, cost in itertools.islice(rounder(-seen.lowest, 1e-6 * -seen.lowest), 1):
            yield Log(kind, low), (Clip(value),), 1.0 + cost


def _relative(
    line: Lines, compression: Compression, seen: Observation, levels: Values
) -> Iterator[Tail]:
    """Yield those that subtract the clip's maximum."""
    relative = made("relative_to_max")
    if relative is None or abs(seen.highest) > 1e-3 * (seen.highest - seen.lowest):
        return
    for kind, factor in FACTORS.items():
        if abs(line.slope / factor - 1.0) > 1e-3:
            continue
        least = float(np.exp(max(levels.min(), -80.0)))
        low = next((f for f in _FLOORS if f <= 0.9 * least), 1e-30)
        for floor in dict.fromkeys((1e-10, low)):
            yield Tail(1.0, (Log(kind, floor), relative), 2.0)
            if seen.at_lowest.any():
                for value, cost in itertools.islice(rounder(-seen.lowest, 1e-4), 2):
                    stages = (Log(kind, floor), relative, DynamicRange(value))
                    yield Tail(1.0, stages, 2.0 + cost)
        if seen.at_lowest.any():
            raised = math.exp(max((seen.lowest - line.intercept) / line.slope, -85.0))
            for value, cost in itertools.islice(rounder(raised, 1e-3 * raised), 2):
                if value > 0.0:
                    yield Tail(1.0, (Log(kind, value), relative), 2.0 + cost)


def _normalised(
    line: Lines, compression: Compression, seen: Observation, levels: Values
) -> Iterator[Tail]:
    """Yield those that are normalised over all rows together."""
    if abs(np.nanmean(seen.values)) > 1e-3:
        return
    yield from statistics_tails(compression, levels, over="all")


def statistics_tails(
    compression: Compression, levels: Values, over: str = "row", kind: Kind = "ln"
) -> Iterator[Tail]:
    """Yield tails that normalise rows, or all, by their mean and deviation over the clip."""
    kinds = Statistics.alternatives()["kind"]
    ddofs = Statistics.alternatives().get("ddof", (None,))
    for (floor, rule), name, epsilon, ddof in itertools.product(
        _log_floors(compression, levels), kinds, (*_EPSILONS, 0.0), ddofs
    ):
        if name == "mean" and (epsilon != 0.0 or ddof != ddofs[0]):
            continue
        fields: dict[str, object] = {"kind": name, "epsilon": epsilon}
        fields |= {} if ddof is None else {"ddof": ddof}
        fields |= {} if over == "row" else {"over": over}
        stage = made("statistics", **fields)
        if stage is not None:
            cost = (0.0 if epsilon == 1e-5 else 1.0) + (0.0 if ddof in (1, None) else 0.5)
            yield Tail(1.0, (Log(kind, floor, rule), stage), 2.0 + cost)


def _log_floors(compression: Compression, levels: Values) -> Iterator[tuple[float, FloorRule]]:
    low = math.exp(max(float(np.quantile(levels, 0.02)), -80.0))
    least = math.exp(max(float(levels.min()), -80.0))
    quiet = [f for f in _FLOORS if f < 0.9 * least][:1]
    for floor in dict.fromkeys((*quiet, *(f for f in _FLOORS if 0.5 * least < f < 1e6 * low))):
        yield floor, "max"
    for floor in _ADDED_FLOORS:
        if 1e-6 * least < floor < 1e4 * low:
            yield floor, "add"


def dct_tails(head: Chain, line: Lines, compression: Compression, levels: Values) -> Iterator[Tail]:
    """Yield tails with a cosine transform; `line` is from the orthonormal one."""
    assert compression.n_coefficients is not None
    n = compression.n_coefficients
    mel = head.find(Mel)
    n_rows = levels.shape[1] if mel is None else mel.n_mels
    plain = np.linalg.norm(Dct(n).matrix(n_rows), axis=0)
    slopes = line.slopes
    told = np.isfinite(slopes) & (slopes != 0.0)
    power = head.of(Spectrum).power
    rated = []
    lifters = sorted({*_LIFTERS, float(n), float(n_rows)})
    for norm, lifter, start in itertools.product(
        Dct.alternatives()["norm"], lifters, Dct.alternatives().get("lifter_from", (0,))
    ):
        fields: dict[str, object] = {"n_coefficients": n, "norm": norm, "lifter": lifter}
        if "lifter_from" in Dct.__dataclass_fields__:
            fields["lifter_from"] = start
        stage = made("dct", **fields)
        if not isinstance(stage, Dct):
            continue
        matrix = stage.matrix(n_rows)
        pattern = np.sign(matrix[0]) * np.linalg.norm(matrix, axis=0) / plain
        ratios = np.abs(slopes[told] / pattern[told])
        for kind, factor in FACTORS.items():
            spread = float(np.median(np.abs(ratios / factor - 1.0)))
            rated.append((spread, kind, stage))
    rated.sort(key=lambda item: item[0])
    gains = [1.0, 32768.0**power, 32767.0**power]
    for spread, kind, stage in rated[:3]:
        for gain in gains:
            scale = gain ** (1.0 / power)
            scaled = levels + math.log(gain)
            for floor, rule in _log_floors(compression, scaled):
                log = Log(kind, floor, rule)
                cost = 100.0 * spread + (gain != 1.0)
                yield Tail(scale, (log, stage), cost)
                if rule == "max" and kind in ("db", "log10"):
                    below = 80.0 if kind == "db" else 8.0
                    yield Tail(scale, (log, DynamicRange(below), stage), cost + 1.0)
