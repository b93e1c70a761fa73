"""The window's colours, dark or light; what lies on the picture, always dark, has its own.

Sizes are in the font's own measure (em), so that they grow with it.
"""

from __future__ import annotations

import re

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from visualizer.ui.picture.display import Theme

_Role = QPalette.ColorRole


_COLOURS = {
    "window": ("#1b1b22", "#f3f3f6"),
    # Behind text that can be picked or edited.
    "base": ("#121217", "#ffffff"),
    # Buttons and tool tips.
    "raised": ("#2a2a34", "#e9e9ee"),
    "border": ("#3a3a46", "#b4b4c0"),
    "text": ("#dcdce2", "#26262e"),
    # Placeholders.
    "dim": ("#8a8a96", "#6c6c78"),
    "disabled": ("#6f6f7c", "#9a9aa6"),
    # What is picked.
    "accent": ("#b5367a", "#a32e6d"),
    "on_accent": ("#ffffff", "#ffffff"),
    "link": ("#d98ab4", "#8a2460"),
    "checked": ("#4a2a52", "#ecd5ea"),
    "checked_border": ("#8d4f95", "#a873ac"),
    "recording": ("#ff6b5e", "#c5281c"),
    "warning": ("#5a3d16", "#fbe8c8"),
    "on_warning": ("#ffe6c2", "#5a3a08"),
    # Text, frame and ground of what is as it should be.
    "fine": ("#b9e4c9", "#1f5c3a"),
    "fine_border": ("#3f6b52", "#8fbfa3"),
    "fine_ground": ("#1d4031", "#d6efe0"),
}
"""On a dark and on a light window."""
_ROLES = {
    "window": (_Role.Window, _Role.AlternateBase),
    "base": (_Role.Base,),
    "raised": (_Role.Button, _Role.ToolTipBase),
    "border": (_Role.Mid,),
    "text": (_Role.WindowText, _Role.Text, _Role.ButtonText, _Role.ToolTipText),
    "dim": (_Role.PlaceholderText,),
    "accent": (_Role.Highlight, _Role.Accent),
    "on_accent": (_Role.BrightText, _Role.HighlightedText),
    "link": (_Role.Link, _Role.LinkVisited),
}
"""Every role, so that nothing of the desktop's own palette shines through."""
# Fusion draws a checked button of a dark palette like one that is not.
_STYLE_SHEET = """
QPushButton { padding: 0.2em 0.9em; }
QPushButton:checked, QToolButton:checked {
    background: @checked@; border: 1px solid @checked_border@; border-radius: 3px;
}
QPushButton:checked:focus, QToolButton:checked:focus { border-color: @accent@; }
#banner { background: @warning@; border-radius: 4px; }
#banner QLabel, #banner QToolButton { color: @on_warning@; }
#banner[news="true"] { background: @fine_ground@; }
#banner[news="true"] QLabel, #banner[news="true"] QToolButton { color: @fine@; }
#record:checked, #recording { color: @recording@; }
#recording { padding: 0 0.5em; }
#list { border: 1px solid @border@; }
#badge {
    color: @fine@; border: 1px solid @fine_border@; border-radius: 4px;
    padding: 0.05em 0.6em;
}
"""


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Colour the application, again at each call.

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
        self._is_light: bool | None = None
        """as the application is coloured; None: it is not yet"""
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
        # Telling every widget takes some tens of milliseconds.
        if light == self._is_light:
            return
        self._is_light = light
        look = {name: pair[light] for name, pair in _COLOURS.items()}
        palette = QPalette(QColor(look["raised"]), QColor(look["window"]))
        for name, roles in _ROLES.items():
            for role in roles:
                palette.setColor(role, QColor(look[name]))
        for role in (_Role.WindowText, _Role.Text, _Role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(look["disabled"]))
        # Telling the widgets of another sheet while there is one takes twice as long.
        self._application.setStyleSheet("")
        self._application.setPalette(palette)
        self._application.setStyleSheet(re.sub("@(.+?)@", lambda m: look[m[1]], _STYLE_SHEET))
