"""The panels beside the picture: latency in charts, and one column as a curve."""

from __future__ import annotations

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QWidget

from visualizer.engine.latency import LatencyLog
from visualizer.engine.status import EngineStatus
from visualizer.mel.front_end import FrontEnd
from visualizer.ui.controls.menus import Command
from visualizer.ui.panels.latency_panel import LatencyPanel
from visualizer.ui.panels.spectrum_panel import SpectrumPanel
from visualizer.ui.viewer import Slice

_SPECTRUM_INTERVAL_MS = 50


class Panels(QObject):
    """Panels that a person opens, moves and closes; what is closed costs nothing."""

    spectrum_wanted = pyqtSignal()
    """Again and again while its panel is seen."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self.latency = LatencyPanel()
        self.spectrum = SpectrumPanel()
        right, bottom = (
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        late, spectrum = (
            "How late the columns are, in charts (P)",
            "The spectrum at the cursor, or now (S)",
        )
        self._latency_dock = _dock(window, "Latency", late, self.latency, right)
        self._spectrum_dock = _dock(window, "Spectrum", spectrum, self.spectrum, bottom)
        self._shown: tuple[FrontEnd, str] | None = None
        self._spectra = QTimer(self)
        self._spectra.timeout.connect(self.spectrum_wanted)
        self._spectrum_dock.visibilityChanged.connect(self._run_spectra)

    def show_latency(self, status: EngineStatus, latency: LatencyLog) -> None:
        """Show how late the columns are, if anybody sees it."""
        if self.latency.isVisible():
            self.latency.show_latency(status, latency)

    def show_slice(self, found: Slice) -> None:
        """Show a column."""
        shown = found.lane.mel, found.lane.label
        if self._shown != shown:
            self._shown = shown
            self.spectrum.set_front_end(found.lane.mel, found.lane.label)
        self.spectrum.hold(found.columns)
        self.spectrum.show_values(found.columns[-1], found.levels, found.title)

    def commands(self) -> list[Command]:
        """What a person can have done here."""

        def toggle(dock: QDockWidget) -> None:
            dock.setVisible(not dock.isVisible())

        return [
            Command(
                "&View",
                "Latency panel",
                "how late the columns are, in charts",
                ("P",),
                lambda: toggle(self._latency_dock),
            ),
            Command(
                "&View",
                "Spectrum panel",
                "the spectrum at the cursor, or now",
                ("S",),
                lambda: toggle(self._spectrum_dock),
            ),
        ]

    def _run_spectra(self, seen: bool) -> None:
        if seen:
            self._spectra.start(_SPECTRUM_INTERVAL_MS)
        else:
            self._spectra.stop()


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
