"""The window's colours, dark or light; what lies on the picture, always dark, has its own.

Sizes are in the font's own measure (em), so that they grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from visualizer.ui.picture.display import Theme

_Role = QPalette.ColorRole


@dataclass(frozen=True)
class _Look:
    """Colours as "#rrggbb", each with what it is for."""

    window: str
    base: str
    """behind text that can be picked or edited"""
    raised: str
    """buttons and tool tips"""
    border: str
    text: str
    dim: str
    """placeholders"""
    disabled: str
    accent: str
    """what is picked"""
    on_accent: str
    link: str
    checked: str
    checked_border: str
    recording: str
    warning: str
    on_warning: str
    fine: str
    """text, frame and ground of what is as it should be"""
    fine_border: str
    fine_ground: str


_DARK = _Look(
    window="#1b1b22",
    base="#121217",
    raised="#2a2a34",
    border="#3a3a46",
    text="#dcdce2",
    dim="#8a8a96",
    disabled="#6f6f7c",
    accent="#b5367a",
    on_accent="#ffffff",
    link="#d98ab4",
    checked="#4a2a52",
    checked_border="#8d4f95",
    recording="#ff6b5e",
    warning="#5a3d16",
    on_warning="#ffe6c2",
    fine="#b9e4c9",
    fine_border="#3f6b52",
    fine_ground="#1d4031",
)
_LIGHT = _Look(
    window="#f3f3f6",
    base="#ffffff",
    raised="#e9e9ee",
    border="#b4b4c0",
    text="#26262e",
    dim="#6c6c78",
    disabled="#9a9aa6",
    accent="#a32e6d",
    on_accent="#ffffff",
    link="#8a2460",
    checked="#ecd5ea",
    checked_border="#a873ac",
    recording="#c5281c",
    warning="#fbe8c8",
    on_warning="#5a3a08",
    fine="#1f5c3a",
    fine_border="#8fbfa3",
    fine_ground="#d6efe0",
)


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Colour the application; another call changes its mind.

    With "system" it follows the desktop's colour scheme from then on; a desktop that tells none
    counts as dark.
    """
    follower = application.findChild(_SchemeWatch) or _SchemeWatch(application)
    follower.follow(theme)


class _SchemeWatch(QObject):
    """Lives as long as its application, and recolours it when the desktop's scheme changes."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._theme: Theme = "system"
        hints = application.styleHints()
        assert hints is not None
        self._scheme = hints.colorScheme()
        hints.colorSchemeChanged.connect(self._on_scheme)

    def follow(self, theme: Theme) -> None:
        self._theme = theme
        self._recolour()

    def _on_scheme(self, scheme: Qt.ColorScheme) -> None:
        self._scheme = scheme
        if self._theme == "system":
            self._recolour()

    def _recolour(self) -> None:
        light = self._theme == "light" or (
            self._theme == "system" and self._scheme == Qt.ColorScheme.Light
        )
        look = _LIGHT if light else _DARK
        self._application.setPalette(_palette(look))
        self._application.setStyleSheet(_style_sheet(look))


def _palette(look: _Look) -> QPalette:
    """Every role, so that nothing of the desktop's own palette shines through."""
    window = QColor(look.window)
    palette = QPalette(QColor(look.raised), window)
    for role, colour in (
        (_Role.Window, look.window),
        (_Role.WindowText, look.text),
        (_Role.Base, look.base),
        (_Role.AlternateBase, look.window),
        (_Role.Text, look.text),
        (_Role.PlaceholderText, look.dim),
        (_Role.Button, look.raised),
        (_Role.ButtonText, look.text),
        (_Role.BrightText, look.on_accent),
        (_Role.ToolTipBase, look.raised),
        (_Role.ToolTipText, look.text),
        (_Role.Mid, look.border),
        (_Role.Highlight, look.accent),
        (_Role.HighlightedText, look.on_accent),
        (_Role.Accent, look.accent),
        (_Role.Link, look.link),
        (_Role.LinkVisited, look.link),
    ):
        palette.setColor(role, QColor(colour))
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(look.disabled))
    return palette


def _style_sheet(look: _Look) -> str:
    # Fusion draws a checked button of a dark palette like one that is not.
    return f"""
QPushButton {{ padding: 0.2em 0.9em; }}
QPushButton:checked, QToolButton:checked {{
    background: {look.checked}; border: 1px solid {look.checked_border}; border-radius: 3px;
}}
QPushButton:checked:focus, QToolButton:checked:focus {{ border-color: {look.accent}; }}
#banner {{ background: {look.warning}; border-radius: 4px; }}
#banner QLabel, #banner QToolButton {{ color: {look.on_warning}; }}
#banner[news="true"] {{ background: {look.fine_ground}; }}
#banner[news="true"] QLabel, #banner[news="true"] QToolButton {{ color: {look.fine}; }}
#record:checked, #recording {{ color: {look.recording}; }}
#recording {{ padding: 0 0.5em; }}
#badge {{
    color: {look.fine}; border: 1px solid {look.fine_border}; border-radius: 4px;
    padding: 0.05em 0.6em;
}}
"""
