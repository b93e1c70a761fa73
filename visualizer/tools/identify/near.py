"""The front-end that a chain is nearest to, and what this sound cannot decide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stage import Stage
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dct import Dct
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.log import FACTORS, Log
from visualizer.mel.stages.log import Kind as LogKind
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.relative_to_max import RelativeToMax
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.tools.identify.agreement import Agreement, held
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.found import differences, field_name, stage_name
from visualizer.tools.identify.observation import Observation

_FEW = 4
"""Presets whose fields are tried out one by one."""


@dataclass(frozen=True)
class Settled:
    """A chain as near to a named front-end as the sound allows."""

    chain: Chain
    near: str
    near_front_end: FrontEnd
    undecided: tuple[str, ...]


class Rival:
    """Tells whether another chain explains the features as well as the one that was found."""

    def __init__(self, sound: Sound, seen: Observation, chain: Chain, agreed: Agreement) -> None:
        self.chain = chain
        self._sound, self._seen, self.agreed = sound, seen, agreed

    def is_as_good(self, chain: Chain) -> bool:
        """Return whether the features cannot tell it from the chain."""
        tolerance = self.agreed.tolerance
        if tolerance is None:
            return False
        if self._sound.is_late:
            return False
        try:
            other = held(self._sound.finished(chain), self._seen, tolerance)
        except ConfigError:
            return False
        if not self.agreed.is_same:
            return other.rms <= 1.0001 * self.agreed.rms and other.worst <= self.agreed.worst
        return other.is_same and other.rms <= 1.25 * self.agreed.rms + 0.02


def settled(rival: Rival, options: dict[str, FrontEnd]) -> Settled:
    """Take over the nearest front-end's fields wherever the features do not tell them.

    Args:
        rival: the chain that was found.
        options: the front-ends to compare with, by name.
    """
    nearest = sorted(options.items(), key=lambda option: _distance(rival.chain, option[1]))
    best: Settled | None = None
    fewest = math.inf
    for name, front_end in nearest[:_FEW]:
        taken = _adopted(rival, front_end)
        n = len(differences(taken.chain.front_end(), front_end))
        if n < fewest:
            best, fewest = Settled(taken.chain, name, front_end, taken.undecided), n
    assert best is not None
    undecided = dict.fromkeys((*best.undecided, *_undecided(rival, best.chain)))
    return Settled(best.chain, best.near, best.near_front_end, tuple(undecided))


def _distance(chain: Chain, front_end: FrontEnd) -> float:
    """Return how many fields differ, those that tell models apart counted more."""
    n = 0.0
    for one in differences(chain.front_end(), front_end):
        heavy = one.field in ("sample_rate", "log", "mel_scale", "power", "statistics", "pcen")
        n += 2.0 if heavy or one.field in ("dct", "window", "n_mels", "hop_length") else 1.0
    return n


def _adopted(rival: Rival, front_end: FrontEnd) -> Settled:
    chain = rival.chain
    undecided: list[str] = []
    kinds = dict.fromkeys(type(stage) for stage in (*chain.stages, *front_end.stages))
    theirs = Chain(front_end.sample_rate, front_end.stages)
    whole = chain.head.without(Scale).having(*theirs.tail, *filter(None, [theirs.find(Scale)]))
    if rival.is_as_good(whole):
        chain = whole
    log = theirs.find(Log)
    same_unit = None if log is None else in_logarithm(chain, log.kind)
    is_as_short = same_unit is not None and len(same_unit.stages) <= len(chain.stages)
    if same_unit is not None and is_as_short and rival.is_as_good(same_unit):
        chain = same_unit
    emphases = Preemphasis, FramePreemphasis
    whole = chain.without(*emphases).having(*(s for s in theirs.stages if isinstance(s, emphases)))
    if whole != chain and rival.is_as_good(whole):
        chain = whole
    for kind in kinds:
        for option, names in _towards(chain, theirs, kind):
            if rival.is_as_good(option):
                chain = option
                undecided += names
                break
        mine, other = chain.find(kind), theirs.find(kind)
        if mine is None or other is None or mine == other:
            continue
        for field in fields(mine):
            value = getattr(other, field.name)
            if value == getattr(mine, field.name):
                continue
            changed = chain.changed(kind, **{field.name: value})
            if changed is not None and rival.is_as_good(changed):
                chain = changed
                mine = changed.find(kind)
                assert mine is not None
                undecided.append(field_name(kind, field.name))
    return Settled(chain, "", front_end, tuple(undecided))


def in_logarithm(chain: Chain, kind: LogKind) -> Chain | None:
    """Return the chain with another logarithm that gives the same values; None without one."""
    log, affine = chain.find(Log), chain.find(Affine) or Affine()
    if log is None or not all(isinstance(s, _SCALING_ALONG) for s in chain.tail):
        return None
    ratio = FACTORS[kind] / FACTORS[log.kind]
    stages: list[Stage] = [replace(log, kind=kind)]
    limited = chain.find(DynamicRange)
    if limited is not None:
        top = limited.reference_max
        top = None if top is None else _plain(top * ratio)
        stages.append(DynamicRange(_plain(limited.below * ratio), top))
    line = Affine(_plain(affine.shift * ratio), _plain(affine.scale / ratio))
    if line == Affine():
        return chain.without(Affine).having(*stages)
    return chain.having(*stages, line)


def _plain(value: float) -> float:
    """Return a number without the last digits, which arithmetic left there."""
    return float(f"{value:.12g}")


_SCALING_ALONG = (Log, DynamicRange, RelativeToMax, Dct, Affine, Clip)
"""Whose fields can follow another logarithm, or need not."""


def _towards(
    chain: Chain, theirs: Chain, kind: type[Stage]
) -> Iterator[tuple[Chain, tuple[str, ...]]]:
    """Yield the chain with a stage as theirs is, and the names of what is then undecided."""
    mine, other = chain.find(kind), theirs.find(kind)
    if mine == other:
        return
    if other is None and kind not in (Frames, Spectrum):
        yield chain.without(kind), (stage_name(kind),)
    elif other is not None:
        names = tuple(
            field_name(kind, field.name)
            for field in fields(other)
            if mine is not None and getattr(mine, field.name) != getattr(other, field.name)
        )
        yield chain.having(other), names or (stage_name(kind),)


def _undecided(rival: Rival, chain: Chain) -> Iterator[str]:
    """Yield the fields of which another value is as good."""
    if not rival.agreed.is_same:
        return
    for stage in chain.stages:
        kind = type(stage)
        for field, values in (kind.alternatives() | kind.usual()).items():
            if (kind.stage, field) in _SPECIAL or _is_idle(chain, field):
                continue
            for value in values:
                if value == getattr(stage, field):
                    continue
                changed = chain.changed(kind, **{field: value})
                if changed is not None and rival.is_as_good(changed):
                    yield field_name(kind, field)
                    break
    dc = chain.without(RemoveDC) if chain.find(RemoveDC) else chain.having(RemoveDC())
    if rival.is_as_good(dc):
        yield "remove_dc"


_SPECIAL = {("mel", "rate"), ("mel", "rounding"), ("window", "rounding")}
"""What only few models have, and where nothing is the plain value."""


def _is_idle(chain: Chain, field: str) -> bool:
    """Return whether a field says nothing as the others are."""
    if field == "epsilon_rule":
        return chain.of(Spectrum).epsilon == 0.0
    return field == "end" and chain.of(Frames).edge == "zeros"
