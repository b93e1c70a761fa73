"""The dock panels: latency in charts, and one column as a curve."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Generic, TypeVar

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QWidget

from visualizer.engine.latency import LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.ui.controls.menus import Act
from visualizer.ui.panels.latency_panel import LatencyPanel
from visualizer.ui.panels.spectrum_panel import SpectrumPanel

Panel = TypeVar("Panel", bound=QWidget)

_SPECTRUM_INTERVAL_MS = 100


class Panels(QObject):
    """Panels that a person opens, moves and closes; what is not seen costs nothing.

    Their docks are there from the start, with their places; what is in them is made by `makers`, or
    else when it is opened.
    """

    spectrum_wanted = pyqtSignal()
    """Emitted regularly while its panel is seen."""

    def __init__(self, window: QMainWindow, picture: QWidget) -> None:
        """Docks of `window` around what is in it, of which `picture` is to keep half its height."""
        super().__init__(window)
        self._latency_dock = _Dock(
            window,
            "Latency",
            "The latency of the columns, in charts (P)",
            Qt.DockWidgetArea.RightDockWidgetArea,
            LatencyPanel,
        )
        self._spectrum_dock = _Dock(
            window,
            "Spectrum",
            "The spectrum at the cursor, or now (S)",
            Qt.DockWidgetArea.BottomDockWidgetArea,
            SpectrumPanel,
        )
        self._is_latency_seen = False
        self._latency_dock.visibilityChanged.connect(self._note_latency)
        self._spectra = QTimer(self)
        self._spectra.setInterval(_SPECTRUM_INTERVAL_MS)
        self._spectra.timeout.connect(self.spectrum_wanted)
        self._spectrum_dock.visibilityChanged.connect(self._run_spectra)
        self._window, self._picture = window, picture
        # Once all have their sizes.
        self._room = QTimer(self)
        self._room.setSingleShot(True)
        self._room.timeout.connect(self._leave_room)

    def leave_room(self) -> None:
        """Leave the picture its half of the window, whose size has changed."""
        self._room.start()

    @property
    def latency(self) -> LatencyPanel:
        return self._latency_dock.panel

    @property
    def spectrum(self) -> SpectrumPanel:
        return self._spectrum_dock.panel

    def makers(self) -> list[Callable[[], object]]:
        """Return what makes the panels ready to be opened, in pieces of some milliseconds."""
        return [*self._latency_dock.makers(), *self._spectrum_dock.makers()]

    def show_latency(self, status: EngineStatus, latency: LatencyLog) -> None:
        """Show the latencies, if the panel is seen; meant for a few calls a second."""
        if self._is_latency_seen:
            self.latency.show_latency(status, latency)

    def acts(self) -> dict[str, Act]:
        """Return, by command, what shows and hides the panels."""
        docks: dict[str, QDockWidget] = {
            "view.latency": self._latency_dock,
            "view.spectrum": self._spectrum_dock,
        }
        return {command: _toggle(dock) for command, dock in docks.items()}

    def _note_latency(self, seen: bool) -> None:
        self._is_latency_seen = seen

    def _leave_room(self) -> None:
        """Let the spectrum take no more than leaves the picture half of the window's height."""
        dock = self._spectrum_dock
        below = self._window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
        lacks = self._window.height() // 2 - self._picture.height()
        if lacks > 0 and below and dock.isVisible() and not dock.isFloating():
            height = max(1, dock.height() - lacks)
            self._window.resizeDocks([dock], [height], Qt.Orientation.Vertical)

    def _run_spectra(self, seen: bool) -> None:
        if seen:
            self._room.start()
            self._spectra.start()
        else:
            self._spectra.stop()


class _Dock(QDockWidget, Generic[Panel]):
    """Has its panel made, at the latest, when it is to be seen."""

    def __init__(
        self,
        window: QMainWindow,
        name: str,
        tip: str,
        area: Qt.DockWidgetArea,
        make: Callable[[], Panel],
    ) -> None:
        super().__init__(name, window)
        self._make = make
        # By this name its place is kept between runs.
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setAccessibleName(f"{name} panel")
        window.addDockWidget(area, self)
        self.hide()

    @cached_property
    def panel(self) -> Panel:
        return self._make()

    def makers(self) -> list[Callable[[], object]]:
        """Return what makes the panel ready to be seen, piece by piece."""
        return [lambda: self.panel, self._draw_once]

    def setVisible(self, visible: bool) -> None:
        if visible and self.widget() is None:
            self.setWidget(self.panel)
        super().setVisible(visible)

    def _draw_once(self) -> None:
        """Do now what the first paint does besides painting: styles, fonts, layouts, axes."""
        if self.widget() is None:
            self.panel.resize(self.panel.sizeHint())
            self.panel.grab()


def _toggle(dock: QDockWidget) -> Act:
    action = dock.toggleViewAction()
    assert action is not None
    return action.trigger
