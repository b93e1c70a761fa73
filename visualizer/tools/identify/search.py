"""The search for the front-end that made an array of features."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from visualizer.errors import ConfigError
from visualizer.mel.stage import Stage
from visualizer.mel.stages.fixed_columns import FixedColumns
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.sound_length import SoundLength
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.tools.identify import tails
from visualizer.tools.identify.agreement import NONE, Agreement, agreement
from visualizer.tools.identify.alignment import Alignment, align, usual_grids
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.found import Identified, differences
from visualizer.tools.identify.heads import Guess, HeadSearch
from visualizer.tools.identify.named import made_by_named, named_front_ends
from visualizer.tools.identify.near import Rival, settled
from visualizer.tools.identify.observation import Observation, observations
from visualizer.tools.identify.scoring import Compression, Target

Values = NDArray[np.float64]

_SOUGHT = 1e-6
"""A misfit that only rounding leaves."""
_GOOD_START = 0.02
"""A misfit from which the rest is found by small steps."""
_MOST_COEFFICIENTS = 64
LONGEST_S = 40.0
_RATES = (16_000, 22_050, 24_000, 44_100, 48_000, 32_000, 8_000)


@dataclass(frozen=True)
class Found:
    """A whole chain, and how far it is from the features."""

    chain: Chain
    agreement: Agreement
    cost: float = 0.0


def identify(
    features: NDArray[Any],
    samples: NDArray[np.float32],
    sample_rate: int,
    near: str | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
    longest_s: float = LONGEST_S,
) -> Identified:
    """Find the front-end that made features of a sound.

    Args:
        features: rows × columns or columns × rows, of any number type, also with axes of length 1.
        samples: (n_samples,), ±1.0 at full scale.
        sample_rate: of the samples, in Hz.
        near: the front-end to compare with; None is the nearest preset.
        on_progress: is told the share that is done.
        longest_s: seconds after which to make do with what was found; what is left to do then takes
            some seconds more.

    Raises:
        ConfigError: where the array cannot be features of this sound.
    """
    # Of products this small each thread of BLAS costs more than it saves: measured with two busy
    # cores, a search took three times as long with both.
    with threadpool_limits(limits=1):
        sound = Sound(samples, sample_rate, time.monotonic() + longest_s)
        return _identified(sound, features, near, on_progress)


def _identified(
    sound: Sound, features: NDArray[Any], near: str | None, on_progress: Callable[[float], None]
) -> Identified:
    progress, sample_rate = _Progress(on_progress), sound.sample_rate
    turns = observations(features)
    options = named_front_ends(near, sample_rate)
    made = made_by_named(sound, turns, options)
    progress()
    if made is None:
        seen, levels, grids = _placed(turns, sound, progress)
        best = _search(sound, seen, levels, grids, progress)
        rival = Rival(sound, seen, best.chain, best.agreement)
    else:
        seen = made[0]
        rival = Rival(sound, *made)
    end = settled(rival, options)
    progress()
    chain = end.chain
    agreed = agreement(sound, chain, seen, sound.linear(chain))
    front_end = chain.front_end(f"like-{end.near}"[:100])
    on_progress(1.0)
    return Identified(
        front_end=front_end,
        near=end.near,
        is_same=agreed.is_same and chain.sample_rate == sample_rate,
        largest=agreed.largest,
        explained=agreed.explained,
        differences=differences(front_end, end.near_front_end),
        undecided=end.undecided,
        form=_form(seen),
        notes=tuple(_notes(chain, sound)),
    )


def _form(seen: Observation) -> str:
    order = "columns × rows" if seen.columns_first else "rows × columns"
    return f"the array: {order}, {seen.n_rows} rows, {seen.n_columns} columns, {seen.rounding}"


def _notes(chain: Chain, sound: Sound) -> Iterable[str]:
    if chain.sample_rate != sound.sample_rate:
        yield (
            f"the sound was resampled from {sound.sample_rate} to {chain.sample_rate} Hz, and "
            "theirs by another resampler, most likely: no exact agreement is to be expected"
        )
    if sound.is_late:
        yield "the search was ended before it was through"


class _Progress:
    """Tells a share that rises towards 1, whatever there is to do."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell
        self._left = 1.0

    def __call__(self, share: float = 0.06) -> None:
        self._left *= 1.0 - share
        self._tell(1.0 - self._left)


def _placed(
    turns: tuple[Observation, ...], sound: Sound, progress: _Progress
) -> tuple[Observation, Values, tuple[Alignment, ...]]:
    """Return the orientation that fits the sound, with its levels and grids of columns."""
    samples = sound.at(sound.sample_rate)
    found = []
    for seen in turns:
        if seen.n_sounding > len(samples) // 8:
            continue
        for levels in _levels(seen):
            raised = float((seen.at_lowest | seen.at_rows_lowest)[: seen.n_sounding].mean())
            grids = align(levels[: seen.n_sounding], samples, sound.sample_rate, raised)
            found.append((seen, levels, grids))
            progress(0.1)
    if not found:
        raise ConfigError("the array has more columns than the sound has room for")
    return max(found, key=lambda item: item[2][0].explained)


def _levels(seen: Observation) -> list[Values]:
    """Return the values as what grows with the logarithm of the sound, in each way they may."""
    values = seen.values
    if seen.lowest < 0.0:
        return [values]
    least = float(np.nanmin(values[values > 0.0]))
    logarithms = np.log(np.maximum(values, least))
    # Powers and amplitudes have few large values.
    is_linear = seen.highest > 30.0 * float(np.nanmedian(values))
    return [logarithms] if is_linear else [values, logarithms]


def _search(
    sound: Sound,
    seen: Observation,
    levels: Values,
    grids: tuple[Alignment, ...],
    progress: _Progress,
) -> Found:
    is_linear = levels is not seen.values
    head = _head(sound, seen, levels, grids, progress)
    best = Found(head.chain, NONE, math.inf)
    for chain in _framed(sound, seen, levels, head):
        found = _tail(sound, seen, chain, head.compression, is_linear=is_linear)
        best = _better(best, found)
        progress()
        if best.agreement.is_same or sound.is_late:
            return best
    return _settled(sound, seen, best)


def _head(
    sound: Sound,
    seen: Observation,
    levels: Values,
    grids: tuple[Alignment, ...],
    progress: _Progress,
) -> Guess:
    """Return the best chain up to the filters."""
    known, levels = seen.known[: seen.n_sounding], levels[: seen.n_sounding]
    quick = sound.narrowed()
    compressions = [Compression()]
    if seen.n_rows <= _MOST_COEFFICIENTS and not seen.lowest >= 0.0:
        compressions += [
            Compression(n_coefficients=seen.n_rows, below=below)
            for below in (None, 8.0 * math.log(10.0))
        ]
    found: list[tuple[HeadSearch, Guess]] = []
    n_samples = len(sound.at(sound.sample_rate))
    others = usual_grids(grids[0], seen.n_sounding, n_samples, sound.sample_rate)
    for grid in (*grids, *others):
        if grid in others and min(item[1].misfit for item in found) < _GOOD_START:
            break
        search = HeadSearch(quick, levels, known, grid)
        starts: list[Guess] = []
        for compression in compressions:
            starts += search.starts(sound.sample_rate, compression)
            progress()
        found += [(search, guess) for guess in starts]
        if starts:
            first = search.glance(min(starts, key=lambda g: g.misfit))
            if first.misfit < _SOUGHT or sound.is_late:
                return first
            found.append((search, first))
    found.sort(key=lambda item: item[1].misfit)
    best = found[0][1]
    for search, guess in found[:3]:
        if sound.is_late:
            return best
        best = min(best, search.climb(guess, progress), key=lambda g: g.misfit)
        if best.misfit < _SOUGHT:
            return best
    resampled = []
    for rate in () if sound.is_late else _RATES:
        hop = grids[0].hop_length * rate / sound.sample_rate
        if rate == sound.sample_rate or abs(hop - round(hop)) > 0.02 or hop < 1.0:
            continue
        ratio = rate / sound.sample_rate
        middle, win = grids[0].middle * ratio, grids[0].win_length * ratio
        grid = replace(grids[0], hop_length=round(hop), middle=middle, win_length=win)
        search = HeadSearch(quick, levels, known, grid)
        resampled += [(search, g) for g in search.starts(rate, compressions[0])]
        progress()
    resampled.sort(key=lambda item: item[1].misfit)
    for search, guess in resampled[:1]:
        climbed = search.climb(guess, progress)
        best = climbed if climbed.misfit < 0.3 * best.misfit else best
    return best


def _framed(sound: Sound, seen: Observation, levels: Values, head: Guess) -> list[Chain]:
    """Return chains with what is outside the sound and the number of columns, the best first."""
    rated: list[tuple[float, int, Chain]] = []
    for edge in Frames.alternatives()["edge"]:
        for chain in _counted(sound, seen, head.chain, edge):
            linear = sound.linear(chain)
            n_columns = min(len(linear), seen.n_columns)
            over = Target(levels[:n_columns], seen.known[:n_columns])
            misfit = over.misfit(head.compression(linear[:n_columns]))
            rated.append((misfit, len(rated), chain))
    rated.sort()
    filled = [r[2] for r in rated if r[2].find(FixedColumns) or r[2].find(SoundLength)]
    plain = [r[2] for r in rated if r[2] not in filled]
    return plain[:1] or filled[:3] or [head.chain]


def _counted(sound: Sound, seen: Observation, chain: Chain, edge: str) -> Iterable[Chain]:
    """Yield the chains that give as many columns as there are."""
    n = len(sound.at(chain.sample_rate))
    fewer: list[tuple[int, Chain]] = []
    more: list[tuple[int, Chain]] = []
    for count in Frames.alternatives()["count"]:
        made = chain.changed(Frames, edge=edge, count=count)
        if made is None:
            continue
        n_columns = made.of(Frames).n_columns(n)
        if n_columns == seen.n_columns:
            yield made
            return
        (fewer if n_columns < seen.n_columns else more).append((n_columns, made))
    for _, made in sorted(more, key=lambda item: item[0])[:1]:
        yield made.having(FixedColumns(seen.n_columns))
    for _, made in sorted(fewer, key=lambda item: -item[0])[:1]:
        fill = float(np.nanmedian(seen.values[-1]))
        yield made.having(FixedColumns(seen.n_columns, fill))
        for length in (seen.n_columns * chain.of(Frames).hop_length, 480_000, 160_000):
            for count in Frames.alternatives()["count"]:
                counted = chain.changed(Frames, edge=edge, count=count)
                if counted and counted.of(Frames).n_columns(length) == seen.n_columns:
                    yield counted.having(SoundLength(length))
                    return


def _tail(
    sound: Sound, seen: Observation, head: Chain, compression: Compression, *, is_linear: bool
) -> Found:
    """Return the best chain with what comes after the filters."""
    counts = tuple(s for s in head.stages if s.place == "count")
    head = head.without(Scale)
    best = Found(head, NONE, math.inf)
    for norm in Mel.alternatives()["norm"] if head.find(Mel) else (None,):
        chain = head.changed(Mel, norm=norm) if head.find(Mel) else head
        assert chain is not None
        linear = sound.linear(chain)
        best = _better(best, _ended(sound, seen, chain, linear, compression, is_linear, counts))
    return best


def _ended(
    sound: Sound,
    seen: Observation,
    head: Chain,
    linear: Values,
    compression: Compression,
    is_linear: bool,
    counts: tuple[Stage, ...],
) -> Found:
    n_columns = min(len(linear), seen.n_columns)
    top = float(linear.max())
    raised = linear + compression.floor if compression.adds else linear
    levels = np.log(np.maximum(raised, 1e-300 + 1e-30 * top))
    plain = np.log(np.maximum(linear, 1e-300 + 1e-30 * top))
    known = (seen.known & (seen.values > 0.0)) if is_linear else seen.known
    known = known[:n_columns]
    values = seen.values[:n_columns]
    margin = math.ceil(head.of(Frames).win_length / head.of(Frames).hop_length)
    if n_columns > 4 * margin:
        known = known.copy()
        known[:margin] = known[n_columns - margin :] = False
    options: Iterable[tails.Tail]
    if is_linear:
        logs = np.log(np.where(values > 0.0, values, 1.0))
        line = tails.lines(plain[:n_columns], logs, known)
        options = tails.linear_tails(head, line)
    elif compression.n_coefficients is not None:
        line = tails.lines(compression(linear)[:n_columns], values, known)
        options = tails.dct_tails(head, line, compression, plain)
    else:
        line = tails.lines(levels[:n_columns], values, known)
        options = (
            tails.log_tails(head, line, compression, seen, plain)
            if line.same_intercepts
            else tails.statistics_tails(compression, plain)
        )
    rated: list[tuple[float, float, int, Chain]] = []
    for tail in options:
        chain = tail.on(head)
        if chain is None:
            continue
        chain = chain.having(*counts)
        columns = sound.finished(chain, _scaled(linear, chain, tail.scale))
        rated.append((_distance(columns, seen), tail.cost, len(rated), chain))
    # Of those that are as near, the most usual.
    rated.sort(key=lambda item: item[0])
    enough = 3e-7 * (seen.highest - seen.lowest) + float(np.nanmean(seen.step))
    rated = [r for r in rated if r[0] <= 1.5 * rated[0][0] + enough] if rated else []
    best = Found(head, NONE, math.inf)
    for _, cost, _, chain in sorted(rated, key=lambda item: item[1])[:6]:
        agreed = agreement(sound, chain, seen, sound.linear(chain))
        best = _better(best, Found(chain, agreed, cost))
    return best


def _scaled(linear: Values, chain: Chain, scale: float) -> Values:
    """Return the filters' values of samples that are multiplied by a scale."""
    return linear * scale ** chain.of(Spectrum).power


def _distance(columns: Values, seen: Observation) -> float:
    """Return a quick figure of how far columns are from the features."""
    if columns.shape != seen.values.shape:
        return math.inf
    sizes = np.abs(columns - seen.values)[np.isfinite(seen.values)]
    if not np.isfinite(sizes).all():
        return math.inf
    return float(sizes.mean() + 0.02 * np.sqrt((sizes**2).mean()))


def _better(one: Found, other: Found) -> Found:
    """Return what is nearer to the features; of those that are as near, the more usual."""
    if one.agreement.is_same != other.agreement.is_same:
        return one if one.agreement.is_same else other
    a, b = one.agreement.rms, other.agreement.rms
    if min(a, b) * 1.5 + 0.01 >= max(a, b):
        return one if one.cost <= other.cost else other
    return one if a < b else other


def _settled(sound: Sound, seen: Observation, found: Found) -> Found:
    """Try each field's other values, and each stage that may be left out, until none is better."""
    best, score = found.chain, _score(sound, seen, found.chain)
    for _ in range(3):
        before = score
        for chain in list(neighbours(best)):
            if sound.is_late:
                break
            other = _score(sound, seen, chain)
            if other < 0.9 * score:
                best, score = chain, other
        if score >= 0.9 * before:
            break
    if best is found.chain:
        return found
    return Found(best, agreement(sound, best, seen, sound.linear(best)), found.cost)


def _score(sound: Sound, seen: Observation, chain: Chain) -> float:
    try:
        return _distance(sound.finished(chain), seen)
    except ConfigError:
        return math.inf


def neighbours(chain: Chain) -> Iterable[Chain]:
    """Yield the chains that differ in one field that has listed or usual values, or a stage."""
    for stage in chain.stages:
        for field, values in (type(stage).alternatives() | type(stage).usual()).items():
            for value in values:
                if value == getattr(stage, field):
                    continue
                made = chain.changed(type(stage), **{field: value})
                if made is not None:
                    yield made
    for kind in (RemoveDC, Scale):
        if chain.find(kind) is not None:
            yield chain.without(kind)
    if chain.find(RemoveDC) is None:
        yield chain.having(RemoveDC())
