"""A few of the faults, made for real; `tests.stress.faults` makes all of them, many times."""

from __future__ import annotations

import pytest

from tests.conftest import require_real_parts
from tests.stress.faults import CLOCK_MS, FAULTS, QUICK, play_apart

SAID = {
    "kill": "stopped delivering",
    "freeze": "delivers no sound",
    "suspend": "delivers no sound",
    "unload": "stopped delivering",
    "late": "instead: Built-in demo",
    "hold": "delivers no sound",
    "pipe-stall": "delivers no sound",
}
TWICE = ("kill", "suspend")
"""What came back once must do so again."""


@pytest.mark.parametrize("name", QUICK)
def test_the_window_says_what_is_wrong_and_comes_back_by_itself(name: str, display: str) -> None:
    """How fast is not asked here, where other work may be in the way."""
    require_real_parts()
    fault = next(fault for fault in FAULTS if fault.name == name)
    outcomes, ending = play_apart(fault, 2 if name in TWICE else 1, display)
    assert ending == ""
    for outcome in outcomes:
        assert (outcome.message_s is not None) == (fault.message_s is not None)
        assert SAID.get(name, "") in outcome.said
        assert outcome.recovery_s is not None
        assert outcome.clock_ms is None or abs(outcome.clock_ms) < 2 * CLOCK_MS
