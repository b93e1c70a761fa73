"""The lanes over one time axis: what of the stream is shown, and when it is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import QPoint, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from visualizer.engine.history import SoundHistory
from visualizer.ui.picture.answer_lane import AnswerLane
from visualizer.ui.picture.answer_overlay import AnswerOverlay
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.clock import SteadyClock
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.lanes import Lane
from visualizer.ui.picture.marks import Marks, Place
from visualizer.ui.picture.overlay import TextPlate
from visualizer.ui.picture.picture import Picture
from visualizer.ui.picture.raster import as_it_is, farthest
from visualizer.ui.picture.readings import region_times_s
from visualizer.ui.picture.spectrogram import DIFFERENCE, Scene
from visualizer.ui.picture.time_axis import TimeAxis, clock_text
from visualizer.ui.picture.waveform import WaveformStrip

_SCROLL_SHARE = 0.1
"""of the span, by one turn of the wheel or one key"""
_PATIENCE_MS = 100
"""Columns paint what changed as they come; where none come for this long, it is painted without."""

_LEAST_LINES = 6
"""Of text, in the height of a lane: less, and its axes have no room for their labels."""

Limits = tuple[float, float]


class PictureStack(QWidget):
    """Shows lanes up to now, or, held, up to some moment before."""

    first_painted = pyqtSignal()
    held_changed = pyqtSignal(bool)
    zoomed = pyqtSignal(int)
    """steps to a shorter span"""
    pointed = pyqtSignal()
    clicked = pyqtSignal(object, bool)
    region_dragged = pyqtSignal(object)
    menu_wanted = pyqtSignal(object, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[Picture] = []
        self._pool: list[Picture] = []
        self.lanes: tuple[Lane, ...] = ()
        self.latency = TextPlate()
        self.reading = TextPlate()
        self._display = DisplayConfig()
        self._ranges: dict[tuple[str, str, bool], Limits] = {}
        self._clock = SteadyClock()
        self._newest_s = 0.0
        self._shown_end_s = 0.0
        self._held_at_s: float | None = None
        """where the stream was when the picture was held; None while it is live"""
        self._wall_s: float | None = None
        self.is_away = False
        """whether the stream goes on without sound: it was lost, and nothing came since"""
        self._marks = Marks()
        self.answers: ShownAnswers | None = None
        """of a model, where there is one"""
        self._sound_end_s: Callable[[], float] = lambda: 0.0

        self.model = AnswerLane()
        self.model.plot.dragged.connect(lambda by_s: self.show_until(self._shown_end_s - by_s))
        self.model.plot.scrolled.connect(self._take_wheel)
        self.model.plot.resized.connect(self.refresh)
        self.waveform = WaveformStrip()
        self.waveform.hide()
        self.time_axis = TimeAxis()
        self._lanes = QWidget()
        self._column = QVBoxLayout(self._lanes)
        # They scroll where there are too many for the height.
        self._area = QScrollArea()
        self._area.setWidget(self._lanes)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bar = self._area.verticalScrollBar()
        assert bar is not None
        self._bar = bar
        self._layout = QVBoxLayout(self)
        for layout in (self._column, self._layout):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        self._layout.addWidget(self._area, 1)
        self._layout.addWidget(self.model)
        # Its margins keep it under the pictures' own place.
        self._strip = QHBoxLayout()
        self._strip.addWidget(self.waveform)
        self._layout.addLayout(self._strip)
        self._layout.addWidget(self.time_axis)
        self.live = QPushButton("● LIVE", self)
        self.live.setToolTip("Back to now (End)")
        self.live.setAccessibleName("Live")
        self.live.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.live.setStyleSheet(
            "QPushButton { background: #b3263f; color: white; font-weight: bold;"
            " border-radius: 4px; padding: 4px 12px; }"
        )
        self.live.hide()
        self.live.clicked.connect(self.go_live)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self.refresh)
        self._bar.valueChanged.connect(self._take_scroll)
        self._bar.rangeChanged.connect(self._take_scroll)
        self._show_pictures(1)

    @property
    def paints(self) -> int:
        """How often a picture was painted so far."""
        return sum(picture.view.paints for picture in self._pool)

    @property
    def held(self) -> bool:
        """Whether the picture is frozen while capture continues."""
        return self._held_at_s is not None

    @property
    def pixel_s(self) -> float:
        """The time that a pixel's width stands for."""
        return self._display.span_s / max(1, self.pictures[0].view.width())

    @property
    def shown(self) -> tuple[float, float]:
        """The stretch of the stream's clock that is shown, in seconds."""
        return self._shown_end_s - self._display.span_s, self._shown_end_s

    @property
    def now_s(self) -> float:
        """Where the stream is: live, what the picture ends with."""
        return max(self._newest_s, self._shown_end_s)

    @property
    def reference_s(self) -> float:
        """The 0 of the time axis on the stream's clock: now, or when the picture was held."""
        return self._shown_end_s if self._held_at_s is None else self._held_at_s

    def show_lanes(self, lanes: tuple[Lane, ...], display: DisplayConfig) -> None:
        """Show these, in this way."""
        self.lanes, self._display = lanes, display
        self._show_pictures(max(1, len(lanes)))
        for n, (lane, picture) in enumerate(zip(lanes, self.pictures, strict=False)):
            is_difference = lane.track is None
            scene = Scene(n, lane.grid, lane.columns, lane.unit)
            picture.show_lane(
                replace(scene, unit=as_it_is, peak=farthest) if is_difference else scene,
                lane.title,
                lane.mel,
                lane.label,
                DIFFERENCE if is_difference else display.colour_map,
                self._ranges.get(lane.range_key, lane.range),
                display.span_s,
            )
            picture.set_notes(display.note_names)
            picture.view.set_overlay(self._overlay(lane))
        self.model.plot.set_colour_map(display.colour_map)
        self.waveform.setVisible(display.waveform)
        self.refresh()

    def show_answers(self, answers: ShownAnswers | None) -> None:
        """Show what a model answers, below the pictures and over them; or nothing."""
        self.answers = answers
        self.model.show_answers(answers)
        for lane, picture in zip(self.lanes, self.pictures, strict=False):
            picture.view.set_overlay(self._overlay(lane))
        self.refresh()

    def answers_changed(self, since_s: float) -> None:
        """What the model answers differs from a moment of the stream on."""
        for picture in self.pictures:
            picture.view.overlay_changed(since_s)
        self.model.plot.changed(since_s)
        if not self.held or since_s < self._shown_end_s:
            self.refresh_soon()

    def begin_stream(self) -> None:
        """Another sound, with a clock of its own."""
        self._clock = SteadyClock()
        self._newest_s = self._shown_end_s = 0.0
        self._wall_s = None
        self.set_away(False)
        self.go_live()

    def set_sound(self, sound: SoundHistory) -> None:
        """The waveform is of this."""
        self._sound_end_s = lambda: sound.end / sound.sample_rate
        self.waveform.set_source(sound.read, sound.sample_rate)

    def note_newest(self, stream_s: float) -> None:
        """Columns came that end at this moment of the stream."""
        self._newest_s = stream_s
        self.set_away(False)

    def set_away(self, away: bool) -> None:
        """Let the stream go on without sound, as a gap that grows, until columns come."""
        if away == self.is_away:
            return
        self.is_away = away
        for picture in self._pool:
            picture.view.set_away(away)
        self.model.plot.set_away(away)
        if not away:
            self.waveform.forget()

    def show_new(self) -> bool:
        """Paint up to now; return, when that is done, whether there was a paint."""
        if self.held:
            return False
        self._rest.stop()
        self._go_to_now()
        before = self.paints
        *others, last = self._colour()
        if self._display.waveform:
            self.waveform.show_new()
        if self.answers is not None:
            self.model.plot.move_on()
        if len(self.pictures) > 1 and self.pointed_place() is not None:
            self.pointed.emit()
        for picture in others:
            picture.view.update(picture.view.moved())
        # By itself `update` waits 5 ms in Qt's update timer for more to come; this paints now, and
        # all else that is to be painted with it.
        last.view.repaint(last.view.moved())
        return self.paints > before

    def catch_up(self) -> None:
        """Have all up to now ready, with nothing painted, for when it is seen again."""
        if not self.held:
            self._go_to_now()
            for picture in self._in_sight():
                picture.view.colour(self._shown_end_s)

    def _go_to_now(self) -> None:
        now = time.perf_counter()
        if not self.is_away:
            self._clock.observe(self._newest_s, now)
        if self._wall_s is None:
            self._wall_s = time.time() - self._newest_s
        end_s = self._clock.stream_s(now)
        assert end_s is not None
        # What the smoothing says may lie behind what was shown; pictures do not move back.
        behind = self._shown_end_s - end_s
        self._shown_end_s = self._shown_end_s if 0 < behind < 1 else end_s

    def refresh(self) -> None:
        """Draw what is shown again, where it is."""
        for picture in self._colour():
            picture.view.update()
        self.model.plot.update()
        if self._display.waveform:
            self.waveform.show_new()

    def refresh_soon(self) -> None:
        """Now where it stands still, else with the next columns, if there are any."""
        if self.held:
            self.refresh()
        elif not self._rest.isActive():
            self._rest.start(_PATIENCE_MS)

    def older_changed(self) -> None:
        """Columns from before have changed."""
        for picture in self.pictures:
            picture.view.forget()
        self.refresh_soon()

    def set_marks(self, marks: Marks) -> None:
        changed, self._marks = marks != self._marks, marks
        for n, picture in enumerate(self.pictures):
            elsewhere = tuple(
                (name, self.lanes[place.lane].grid.middle_s(place.column))
                for name, place in marks.places()
                if place.lane != n
            )
            if marks.moment_s is not None:
                elsewhere += (("", marks.moment_s),)
            picture.view.set_marks(marks, elsewhere)
        self._mark_answers(marks)
        if changed:
            self.refresh_soon()

    def _mark_answers(self, marks: Marks) -> None:
        """Have the marks on what a model answers, and what it answers at the cursor, or now."""
        if self.answers is None or not self.lanes:
            return
        moments = [
            (name, self.lanes[place.lane].grid.middle_s(place.column))
            for name, place in marks.places()
        ]
        if marks.moment_s is not None:
            moments.append(("", marks.moment_s))
        region = marks.region
        times_s = None if region is None else region_times_s(self.lanes[region.lane], region)
        self.model.plot.set_marks(tuple(moments), times_s)
        cursor_s = dict(moments).get("")
        end_s = self.answers.grid.middle_s(self.answers.history.end - 1)
        self.model.tell(
            self.answers.told(min(self._shown_end_s, end_s) if cursor_s is None else cursor_s)
        )

    def _overlay(self, lane: Lane) -> AnswerOverlay | None:
        return None if self.answers is None else AnswerOverlay(self.answers, lane.mel.rows)

    def pointed_place(self) -> Place | None:
        """The column and band of the lane that is under the mouse."""
        places = (picture.view.pointed_place() for picture in self.pictures)
        return next((place for place in places if place is not None), None)

    def forget_pointer(self) -> None:
        """Let the mouse mean nothing until it moves again."""
        self.model.plot.forget_pointer()
        for picture in self.pictures:
            picture.view.forget_pointer()

    def moment_text(self, seconds: float) -> str:
        """A moment of the stream as the time axis says it, to the millisecond."""
        if self._display.clock_time and self._wall_s is not None:
            return clock_text(self._wall_s + seconds, 0.001)
        return f"{seconds - self.reference_s:.3f} s"

    def middle_place(self) -> Place | None:
        """The column and band in the middle of what is shown."""
        if not self.lanes:
            return None
        middle_s = sum(self.shown) / 2
        return Place(0, self.lanes[0].grid.column_at(middle_s), self.lanes[0].mel.n_rows // 2)

    def set_range(self, lane: int, limits: Limits) -> None:
        """Set the range of colours of a lane, and of those like it."""
        if limits[1] <= limits[0] or not self.lanes:
            return
        key = self.lanes[lane].range_key
        self._ranges[key] = limits
        for other, picture in zip(self.lanes, self.pictures, strict=True):
            if other.range_key == key:
                picture.set_range(limits)
        self.refresh_soon()

    def reset_range(self) -> None:
        """Back to the ranges of colours that suit the front-ends."""
        self._ranges.clear()
        for lane, picture in zip(self.lanes, self.pictures, strict=False):
            picture.set_range(lane.range)
        self.refresh()

    def hold(self) -> None:
        """Stand still where it is."""
        self.show_until(self._shown_end_s)

    def show_until(self, end_s: float) -> None:
        """Stand still with the picture ending at a moment of the stream that is kept."""
        was_held, held_at_s = self.held, self.reference_s
        self._held_at_s = held_at_s
        first_s = min(
            (lane.grid.start_s + lane.columns.first * lane.grid.hop_s for lane in self.lanes),
            default=0.0,
        )
        # At most so far back that the oldest is at the left edge.
        first_end_s = first_s + self._display.span_s
        if first_end_s > self.now_s:
            first_end_s = held_at_s
        self._shown_end_s = min(max(end_s, first_end_s), self.now_s)
        self.live.show()
        self.refresh()
        # What is under a mouse that stands still is another place now.
        self.pointed.emit()
        if not was_held:
            self.held_changed.emit(True)

    def scroll_back(self, turns: float) -> None:
        """Scroll back in time by tenths of the span; forward where it is negative."""
        if turns > 0 or self.held:
            self.show_until(self._shown_end_s - turns * _SCROLL_SHARE * self._display.span_s)

    def go_live(self) -> None:
        """Back to now."""
        if self.held:
            self._held_at_s = None
            self.live.hide()
            now_s = self._clock.stream_s(time.perf_counter()) if self.is_away else None
            self._shown_end_s = self._newest_s if now_s is None else now_s
            self.refresh()
            self.held_changed.emit(False)

    def _show_pictures(self, n: int) -> None:
        """Have `n` pictures; those no longer needed are kept for the next time."""
        if n != len(self.pictures):
            # Hidden, they are laid out once and not anew for each that comes or goes.
            self._lanes.hide()
            while len(self._pool) < n:
                self._add_picture()
            self.pictures = self._pool[:n]
            for position, picture in enumerate(self._pool):
                picture.setVisible(position < n)
                if position >= n:
                    picture.view.clear()
            self._lanes.show()
        self._place_plates()
        self.live.raise_()

    def _add_picture(self) -> None:
        picture, position = Picture(), len(self._pool)
        picture.view.set_away(self.is_away)
        self._pool.append(picture)
        picture.setMinimumHeight(_LEAST_LINES * self.fontMetrics().height())
        self._column.addWidget(picture, 1)
        view = picture.view
        view.pointed.connect(self.pointed)
        view.clicked.connect(self.clicked)
        view.region_dragged.connect(self.region_dragged)
        view.menu_wanted.connect(self.menu_wanted)
        view.dragged.connect(lambda by_s: self.show_until(self._shown_end_s - by_s))
        view.scrolled.connect(self._take_wheel)
        if position == 0:
            view.first_painted.connect(self.first_painted)
        view.resized.connect(self.refresh)
        picture.placed.connect(self._align)
        picture.range_changed.connect(lambda limits: self.set_range(position, limits))

    def _in_sight(self) -> list[Picture]:
        """The pictures that are scrolled to, wholly or in part; all where none is laid out yet."""
        top, height = self._bar.value(), self._area.height()
        there = [p for p in self.pictures if p.y() < top + height and p.y() + p.height() > top]
        return there or self.pictures

    def _take_scroll(self) -> None:
        self._align()
        self.refresh()

    def _place_plates(self) -> None:
        """Have the plates on the first and the last picture that are in sight."""
        seen = self._in_sight()
        for picture in self._pool:
            plates = []
            # Apart, where there is more than one lane: together they may be higher than one.
            if picture is seen[0]:
                plates.append((self.latency, Qt.Corner.TopLeftCorner))
            if picture is seen[-1]:
                plates.append((self.reading, Qt.Corner.BottomLeftCorner))
            picture.set_plates(plates)

    def _take_wheel(self, turns: float, ctrl: bool) -> None:
        if ctrl:
            self.zoomed.emit(1 if turns > 0 else -1)
        else:
            self.scroll_back(turns)

    def _colour(self) -> list[Picture]:
        """Have all that is shown ready to be painted; return the pictures in sight."""
        end_s, in_sight = self._shown_end_s, self._in_sight()
        start_s, span_s = self.shown[0], self._display.span_s
        whole = [picture.view.colour(end_s) for picture in in_sight]
        if self.answers is not None:
            whole.append(self.model.plot.colour(end_s, span_s))
        if not all(whole):
            self._rest.start(0)
        # It goes as far as there is sound: columns may reach past its end, and time runs on.
        beyond_s = 0.0 if self.is_away else max(0.0, end_s - self._sound_end_s())
        self.waveform.set_view(start_s - beyond_s, end_s - beyond_s)
        wall_s = self._wall_s if self._display.clock_time else None
        self.time_axis.show_time(end_s, span_s, self.reference_s, wall_s, self.held)
        return in_sight

    def _align(self) -> None:
        """Lay what runs along the time under the pictures' own place, and plates on them."""
        self._place_plates()
        view = self._in_sight()[0].view
        left = view.mapTo(self, QPoint(0, 0)).x()
        self.time_axis.set_place(left, view.width())
        self.model.set_room(self._area.height() + self.model.height() * self.model.isVisible())
        self.model.set_place(left, view.width())
        right = max(0, self.width() - left - view.width())
        self._strip.setContentsMargins(left, 0, right, 0)
        corner = view.mapTo(self, QPoint(view.width(), view.height()))
        size = self.live.sizeHint()
        margin = self.fontMetrics().height() // 2
        self.live.setGeometry(
            corner.x() - size.width() - margin,
            corner.y() - size.height() - margin,
            size.width(),
            size.height(),
        )

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._align()
