"""The gain of the sound, as a person chooses it."""

from __future__ import annotations

from PyQt6.QtWidgets import QInputDialog, QWidget

from visualizer.mel.limits import GAIN_LIMIT_DB

_DECIMALS = 3


def ask_for_gain(window: QWidget, gain_db: float) -> float | None:
    """The gain that a person chooses, in dB, where `gain_db` is offered; None: as it was."""
    chosen, is_chosen = QInputDialog.getDouble(
        window,
        "Gain",
        "Gain of this sound in dB, before everything else:",
        gain_db,
        -GAIN_LIMIT_DB,
        GAIN_LIMIT_DB,
        _DECIMALS,
    )
    return chosen if is_chosen else None
