"""The line under the picture: how loud it is, what runs, what is recorded, whose, which kernel."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QSize
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QGridLayout, QWidget

from visualizer.audio.notices import SoundWatch
from visualizer.engine.columns import MelColumns
from visualizer.engine.status import EngineStatus
from visualizer.ui.controls.badge import FrontEndBadge, KernelBadge
from visualizer.ui.controls.description import describe
from visualizer.ui.controls.label import ElidedLabel
from visualizer.ui.controls.meter import LevelMeter

_MARGINS = 10, 2, 10, 6
_SPACING = 10


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
        self._beside = (self.meter, recording, self.front_end, self.badge)
        self._is_apart = False
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(*_MARGINS)
        self._layout.setHorizontalSpacing(_SPACING)
        self._layout.setVerticalSpacing(2)
        self._layout.setColumnStretch(1, 1)
        for column, widget in enumerate(self._beside):
            self._layout.addWidget(widget, 0, column + (column > 0))
        self._layout.addWidget(self.label, 0, 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._lay_out()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is None or event.size().width() != event.oldSize().width():
            self._is_apart = False
            self._lay_out()

    def _lay_out(self) -> None:
        """Give the words a line of their own where else they are cut.

        They keep it until the width changes: they come and go, and the picture is not to jump.
        """
        left, _, right, _ = _MARGINS
        beside = [w.sizeHint().width() + _SPACING for w in self._beside if w.isVisible()]
        words = self.label.sizeHint().width()
        self._is_apart |= words > self.width() - left - right - sum(beside)
        place = (1, 0, 1, -1) if self._is_apart else (0, 1, 1, 1)
        item = self._layout.indexOf(self.label)
        if self._layout.getItemPosition(item)[:2] != place[:2]:
            self._layout.addWidget(self.label, *place)

    def begin_sound(self) -> None:
        """Another sound, of which nothing is known yet."""
        self._watch = SoundWatch()

    @property
    def meant_gain_db(self) -> float | None:
        """The gain that this sound seems to need; None: none."""
        return self._watch.meant_gain_db

    def note_peak(self, peak: float) -> None:
        """Take the largest sample of what came, whatever front-end it went through."""
        self._peak = max(self._peak, peak)

    def observe(self, columns: MelColumns, hop_s: float) -> None:
        """Take live columns of the front-end in force, one for each `hop_s` of sound."""
        duration_s = columns.n_columns * hop_s
        self._watch.observe(
            columns.peak, duration_s, columns.means, columns.faults, columns.integer_bits
        )

    def show_status(self, status: EngineStatus | None, frozen: bool, model: str) -> None:
        """Show the sound since the last call, and what runs; None before anything does.

        `model` is what is to be known of a model beside it.
        """
        self.meter.set_peak(self._peak)
        self._peak = 0.0
        if status is None:
            return
        held = "FROZEN (Space resumes) · " if frozen else ""
        # What the sound was like before its device was lost says nothing of now.
        notice = self._watch.notice if status.state != "waiting" else None
        warned = f"⚠ {notice} · " if notice else ""
        beside = f"{model} · " if model else ""
        self.label.setText(warned + held + beside + describe(status))
        self.front_end.show_status(status)
        self.badge.show_status(status)
