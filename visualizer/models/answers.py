"""What a model answered, and what is known of its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visualizer.engine.latency import ModelLog
from visualizer.models.contract import AnswerGrid, ModelSpec

ModelState = Literal["loading", "asking", "running", "failed", "closed"]
"""asking: whether what must be unpickled may be, see `Model.unpickles`"""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one call of a model gave."""

    first: int
    """index of the first one on the stream's grid of answers; a jump is a gap"""
    numbers: NDArray[np.float32]
    """(n_answers, n_numbers); NaN: nothing to tell. `ModelSpec.numbers_of` says which are whose"""
    texts: tuple[tuple[str, ...], ...]
    """of each answer those of its outputs of that kind; "" where there is none"""
    stream_id: int
    """as in the engine's status: of which stream's clock"""
    ready_at: float
    """perf_counter s: when the sound that completed the block had come through the worker"""
    answered_at: float
    """perf_counter s: when the answer had come back to this process"""
    grid: AnswerGrid
    """where its answers lie on that clock"""
    run: int = 1
    """as in `ModelStatus`"""

    @property
    def late_ms(self) -> float:
        return 1e3 * (self.answered_at - self.ready_at)


@dataclass(frozen=True)
class ModelStatus:
    """What the model does now, and all that went missing since it was started."""

    state: ModelState
    what: str
    """as the user named it"""
    spec: ModelSpec | None = None
    """None until it is loaded"""
    grid: AnswerGrid | None = None
    """where its answers lie, on the clock of the stream `stream_id`"""
    stream_id: int = 0
    fault: str | None = None
    """what went wrong, on one line"""
    traceback: str = ""
    """of the model's own code"""
    question: str = ""
    """while asking: what must be unpickled"""
    note: str = ""
    """what the user should know, and is no fault: that channels are averaged, NaN answers"""
    calls: int = 0
    lost: int = 0
    """blocks that it was too slow for, that came while it was loaded, or whose answers nobody
    took"""
    behind_s: float = 0.0
    """how far the newest answer is behind the sound; 0.0 where that is within its own delay"""
    bad_answers: int = 0
    """answers with NaN or infinity in them, shown as gaps"""
    run: int = 1
    """counts how often it was loaded, or should have been"""

    @property
    def name(self) -> str:
        """What it is called: by itself, or, until it is loaded, by the user."""
        return self.what if self.spec is None else self.spec.name


def values_of(
    spec: ModelSpec, numbers: NDArray[np.float32], texts: tuple[str, ...]
) -> list[float | list[float] | str | None]:
    """Return what one answer says, output by output; None where there is nothing to tell.

    Args:
        spec: of the model.
        numbers: (n_numbers,), of the answer.
        texts: of its outputs of that kind.
    """
    told: list[float | list[float] | str | None] = []
    words = iter(texts)
    for output in spec.outputs:
        own = numbers[spec.numbers_of(output)]
        if output.kind == "text":
            told.append(next(words) or None)
        elif not np.isfinite(own).all():
            told.append(None)
        else:
            # With as many digits as float32 has, which reads back as the same.
            plain = [float(f"{number:.9g}") for number in own.tolist()]
            told.append(plain if output.kind == "classes" else plain[0])
    return told


def model_fields(status: ModelStatus, log: ModelLog) -> dict[str, Any]:
    """Return what a report says of a model, as plain JSON values."""
    return {
        "model": {
            "what": status.what,
            "name": status.spec and status.spec.name,
            "state": status.state,
            "calls": status.calls,
            "lost": status.lost,
            "behind": log.behind,
            "bad_answers": status.bad_answers,
            "note": status.note,
            "fault": status.fault,
        }
    }
