"""The dock panels: latency in charts, and one column as a curve."""

from __future__ import annotations

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QWidget

from visualizer.engine.latency import LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.ui.controls.menus import Act
from visualizer.ui.panels.latency_panel import LatencyPanel
from visualizer.ui.panels.spectrum_panel import SpectrumPanel

_SPECTRUM_INTERVAL_MS = 50


class Panels(QObject):
    """Panels that a person opens, moves and closes; what is closed costs nothing."""

    spectrum_wanted = pyqtSignal()
    """Emitted regularly while its panel is visible."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.latency = LatencyPanel()
        self.spectrum = SpectrumPanel()
        right, bottom = (
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        latency_tip = "The latency of the columns, in charts (P)"
        spectrum_tip = "The spectrum at the cursor, or now (S)"
        self._latency_dock = _dock(window, "Latency", latency_tip, self.latency, right)
        self._spectrum_dock = _dock(window, "Spectrum", spectrum_tip, self.spectrum, bottom)
        self._spectra = QTimer(self)
        self._spectra.timeout.connect(self.spectrum_wanted)
        self._spectrum_dock.visibilityChanged.connect(self._run_spectra)

    def show_latency(self, status: EngineStatus, latency: LatencyLog) -> None:
        """Show the latencies, if the panel is visible."""
        if self.latency.isVisible():
            self.latency.show_latency(status, latency)

    def acts(self) -> dict[str, Act]:
        """Return, by command, what shows and hides the panels."""
        docks = {"view.latency": self._latency_dock, "view.spectrum": self._spectrum_dock}
        return {command: _toggle(dock) for command, dock in docks.items()}

    def _run_spectra(self, seen: bool) -> None:
        if seen:
            self._spectra.start(_SPECTRUM_INTERVAL_MS)
        else:
            self._spectra.stop()


def _toggle(dock: QDockWidget) -> Act:
    action = dock.toggleViewAction()
    assert action is not None
    return action.trigger


def _dock(
    window: QMainWindow, name: str, tip: str, panel: QWidget, area: Qt.DockWidgetArea
) -> QDockWidget:
    dock = QDockWidget(name, window)
    # By this name its place is kept between runs.
    dock.setObjectName(name)
    dock.setToolTip(tip)
    dock.setAccessibleName(f"{name} panel")
    dock.setWidget(panel)
    window.addDockWidget(area, dock)
    dock.hide()
    return dock
