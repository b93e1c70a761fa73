"""Frequencies as notes of the equal temperament: twelve equal steps an octave, A4 at 440 Hz."""

from __future__ import annotations

import math

A4_HZ = 440.0
NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
"""Of an octave, which counts from C."""

_STEPS_TO_A4 = 4 * len(NOTES) + NOTES.index("A")
"""From C0."""


def note_hz(note: str, octave: int) -> float:
    """The frequency in Hz of one of NOTES, such as 440 for ("A", 4)."""
    steps = octave * len(NOTES) + NOTES.index(note) - _STEPS_TO_A4
    return A4_HZ * math.exp2(steps / len(NOTES))


def note_name(hz: float) -> str:
    """The nearest note, and how many hundredths of a step it is missed by: "A4", "A4 +12¢".

    Raises ValueError where there is no note: at 0 Hz and below.
    """
    if not 0.0 < hz < math.inf:
        raise ValueError(f"there is no note of {hz} Hz")
    cents = round(100 * (len(NOTES) * math.log2(hz / A4_HZ) + _STEPS_TO_A4))
    step, off = divmod(cents + 50, 100)
    octave, place = divmod(step, len(NOTES))
    name = f"{NOTES[place]}{octave}"
    if off == 50:
        return name
    return f"{name} {'+' if off > 50 else '−'}{abs(off - 50)}¢"
