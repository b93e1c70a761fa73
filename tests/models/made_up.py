"""What models say of themselves that nobody runs."""

from __future__ import annotations

from visualizer.models.contract import ModelSpec, Output

RATE_HZ = 16_000
STEP = 512


def made_up(*outputs: Output) -> ModelSpec:
    """A model that is fed samples, with an answer every 32 ms."""
    return ModelSpec(
        name="made-up",
        preset=None,
        front_end=None,
        whose="",
        sample_rate=RATE_HZ,
        window=STEP,
        step=STEP,
        answers=1,
        lookahead=0,
        outputs=outputs,
    )
