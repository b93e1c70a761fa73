"""The line under the picture: how loud it is, what runs, what is recorded, whose, which kernel."""

from __future__ import annotations

from PyQt6.QtWidgets import QHBoxLayout, QWidget

from visualizer.audio.notices import SoundWatch
from visualizer.engine.columns import MelColumns
from visualizer.engine.status import EngineStatus
from visualizer.ui.controls.badge import FrontEndBadge, KernelBadge
from visualizer.ui.controls.description import describe
from visualizer.ui.controls.label import ElidedLabel
from visualizer.ui.controls.meter import LevelMeter


class StatusLine(QWidget):
    """Level meter, warnings, what runs, recording and badges."""

    def __init__(self, recording: QWidget) -> None:
        """`recording` says what is recorded, and hides itself where nothing is."""
        super().__init__()
        self._peak = 0.0
        self._watch = SoundWatch()
        self.meter = LevelMeter()
        self.label = ElidedLabel("starting")
        self.front_end = FrontEndBadge()
        self.badge = KernelBadge()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 2, 10, 6)
        layout.addWidget(self.meter)
        layout.addSpacing(10)
        layout.addWidget(self.label, 1)
        layout.addWidget(recording)
        layout.addWidget(self.front_end)
        layout.addWidget(self.badge)

    def begin_sound(self) -> None:
        """Another sound, of which nothing is known yet."""
        self._watch = SoundWatch()

    def note_peak(self, peak: float) -> None:
        """Take the largest sample of what came, whatever front-end it went through."""
        self._peak = max(self._peak, peak)

    def observe(self, columns: MelColumns, hop_s: float) -> None:
        """Take live columns of the front-end in force, one for each `hop_s` of sound."""
        duration_s = columns.n_columns * hop_s
        self._watch.observe(
            columns.peak, duration_s, columns.means, columns.faults, columns.integer_bits
        )

    def show_status(self, status: EngineStatus | None, frozen: bool) -> None:
        """Show the sound since the last call, and what runs; None before anything does."""
        self.meter.set_peak(self._peak)
        self._peak = 0.0
        if status is None:
            return
        held = "FROZEN (Space resumes) · " if frozen else ""
        notice = self._watch.notice
        warned = f"⚠ {notice} · " if notice else ""
        self.label.setText(warned + held + describe(status))
        self.front_end.show_status(status)
        self.badge.show_status(status)
