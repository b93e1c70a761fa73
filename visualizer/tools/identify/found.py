"""What was found of the front-end that made an array of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from visualizer.mel.flat import NAMES, MelConfig, flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stage import Stage
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.remove_dc import RemoveDC

_LEAST_EXPLAINED = 0.9
"""Of the features' variance: with less, the fields of the nearest front-end say nothing."""


@dataclass(frozen=True)
class Difference:
    """A field in which the front-end that was found differs from the nearest named one."""

    field: str
    """its flat name where it has one, else "stage.field"; a stage's name for a whole stage"""
    theirs: Any
    """None where the stage is missing"""
    near: Any


@dataclass(frozen=True)
class Identified:
    """The front-end that gives columns nearest to the features, and how near."""

    front_end: FrontEnd
    near: str
    """the name of the front-end that it is compared with"""
    is_same: bool
    """whether all columns are the features, to rounding"""
    largest: float
    """deviation of a column's value from the feature's; infinite where their shapes differ"""
    differences: tuple[Difference, ...] = ()
    undecided: tuple[str, ...] = ()
    """fields whose other values give the same columns of this sound"""
    explained: float = 1.0
    """the share of the features' variance that its columns have too"""
    form: str = ""
    """how the array lies, and what its numbers were rounded to"""
    notes: tuple[str, ...] = ()
    """what could not be explained"""

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, one line a field."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield self.form
        if not self.is_same and self.explained < _LEAST_EXPLAINED:
            yield (
                f"no front-end explains it: the nearest, like {self.near}, is "
                f"{self.largest:.3g} off where it is most; is it of this sound, and of all of it?"
            )
            yield from self.notes
            return
        if not self.differences:
            yield f"all fields: those of {self.near}"
        for one in self.differences:
            name = one.field.replace("_", " ")
            yield f"{name}: {_said(one.theirs)}, where {self.near} has {_said(one.near)}"
        if self.is_same:
            yield f"the same, to the rounding of the features: {self.largest:.2g} off at most"
        else:
            yield f"not the same: {self.largest:.3g} off where it is most"
        yield from self.notes
        if self.undecided:
            names = ", ".join(name.replace("_", " ") for name in self.undecided)
            yield f"this sound cannot decide: {names}"

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain JSON values."""
        flat = flat_form(self.front_end)
        return {
            "is_same": self.is_same,
            "largest": self.largest,
            "near": self.near,
            "front_end": named_fields(self.front_end) if flat is None else flat.to_dict(),
            "chain": self.front_end.to_dict(),
            "differences": [asdict(difference) for difference in self.differences],
            "undecided": list(self.undecided),
        }


def _said(value: object) -> str:
    if value is None or value is False:
        return "none"
    if value is True:
        return "it"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def field_name(kind: type[Stage], field: str) -> str:
    """Return what a stage's field is called: its flat name, or "stage.field"."""
    return NAMES.get(kind, {}).get(field, f"{kind.stage}.{field}")


def stage_name(kind: type[Stage]) -> str:
    """Return what a whole stage is called: by its first field, where that has a flat name."""
    names = list(NAMES.get(kind, {}).values())
    return names[0] if names else kind.stage


def named_fields(front_end: FrontEnd) -> dict[str, Any]:
    """Return a front-end's fields by name: all flat ones, and those that only stages have."""
    found = {field.name: field.default for field in fields(MelConfig)}
    needed = ("power", "n_mels", "f_min", "f_max", "mel_scale", "norm")
    found |= dict.fromkeys(needed)
    found |= {"name": front_end.name, "sample_rate": front_end.sample_rate}
    if not any(stage.stage == "window" for stage in front_end.stages):
        found["window"] = None
    for stage in front_end.stages:
        kind = type(stage)
        if isinstance(stage, RemoveDC):
            found["remove_dc"] = True
        elif kind not in NAMES:
            found[kind.stage] = True
        if isinstance(stage, FramePreemphasis):
            found["preemphasis_scope"] = "frame"
        found |= {field_name(kind, f.name): getattr(stage, f.name) for f in fields(stage)}
    return found


def differences(theirs: FrontEnd, near: FrontEnd) -> tuple[Difference, ...]:
    """Return the fields in which two front-ends differ, but for their names."""
    one, other = named_fields(theirs), named_fields(near)
    found = []
    for name in {**one, **other}:
        stage, dot, _ = name.partition(".")
        # A whole stage that theirs lacks is told by its name.
        if dot and stage in other and stage not in one:
            continue
        a, b = one.get(name), other.get(name)
        if name == "preemphasis_scope" and not (one["preemphasis"] and other["preemphasis"]):
            continue
        if name != "name" and a != b:
            found.append(Difference(name, a, b))
    return tuple(found)
