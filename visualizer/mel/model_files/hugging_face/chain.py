"""What the readers of the extractors share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from visualizer.mel.model_files.values import FileValues, Known, StageValues


@dataclass(frozen=True)
class Chain:
    """A front-end as an extractor's class and its file have it."""

    sample_rate: Known
    """Hz"""
    stages: Sequence[StageValues | None]
    notes: Sequence[str | None] = ()
    """see Described; None is left out"""


Reader = Callable[[FileValues], Chain]
"""returns the chain of one class, from the values that were saved of an instance"""


def silence(values: FileValues) -> str | None:
    """Return a note where the class fills sound up with something else than zeros at its end."""
    value = values.number("padding_value", 0.0).value
    if value:
        return f"the class fills sound up with {value:g}, zeros are used here"
    if values.raw("padding_side") == "left":
        return "the class fills sound up at its beginning, here it is at its end"
    return None
