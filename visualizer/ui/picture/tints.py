"""Colours that mean something, readable on a dark and on a light window."""

from __future__ import annotations

from PyQt6.QtGui import QColor, QPalette

from visualizer.engine.latency import Stage
from visualizer.ui.picture.raster import GAP_COLOUR

STAGE_COLOURS: dict[Stage, QColor] = {
    "wait": QColor("#4f8fd0"),
    "kernel": QColor("#c9861c"),
    "draw": QColor("#2f9a7e"),
}
"""Of the parts of the total; at least 3:1 on black and on white, told apart by the colour-blind."""

MODEL_COLOUR = QColor("#c06aa8")
"""Of the stage beside them, that of a model's answers."""

CURVE_COLOURS = (QColor("#3f8fd6"), QColor("#2f9a7e"), QColor("#c9801f"), QColor("#b766b8"))
"""Of what a model answers; at least 3:1 on black and on white, told apart by the colour-blind."""
SHADE = QColor(140, 140, 150, 48)
"""Over what is marked."""

GAP = QColor(GAP_COLOUR)
"""Lost sound, in every picture."""

TEXT, DIM, ALARM = QColor("#e8e8ec"), QColor("#9a9aa6"), QColor("#ff6b5e")
"""On what is dark in any theme: the picture, and charts for a page."""


def is_dark(palette: QPalette) -> bool:
    return palette.window().color().lightnessF() < 0.5


def alarm(palette: QPalette) -> QColor:
    """The red of what is too late or too loud."""
    return ALARM if is_dark(palette) else QColor("#c5281c")


def mixed(front: QColor, back: QColor, share: float) -> QColor:
    """`share` (0 to 1) of one colour over another."""
    parts = (
        round(share * a + (1 - share) * b)
        for a, b in zip(front.getRgb()[:3], back.getRgb()[:3], strict=True)
    )
    return QColor(*parts)


def dimmed(palette: QPalette) -> QColor:
    """Of texts and lines that stand back."""
    return mixed(palette.windowText().color(), palette.window().color(), 0.68)
