"""What is looked at and how: the lanes with their marks, and the choices of how to show them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from visualizer.engine.columns import MelColumns
from visualizer.engine.history import SoundHistory
from visualizer.engine.status import EngineStatus
from visualizer.engine.tracks import Tracks
from visualizer.errors import ConfigError
from visualizer.mel.presets import preset_for
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.segments import SegmentRule
from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.auto_range import RobustRange
from visualizer.ui.picture.display import SPANS_S, DisplayConfig
from visualizer.ui.picture.inspector import Inspector
from visualizer.ui.picture.lanes import Lane, lanes_of
from visualizer.ui.picture.marks import Place
from visualizer.ui.picture.readings import shown
from visualizer.ui.picture.stack import PictureStack

_FOLLOWED_S = 2.0
"""of sound that the auto range looks at"""
_SLICE_S = 0.2
"""Before the newest, for the peaks of a spectrum that is shown 10 times a second."""
_LEAST_CHANGE = 0.01
"""of the range, by which one that follows the sound must change to be worth a new colouring"""


@dataclass(frozen=True)
class Slice:
    """One column of a lane, for a curve."""

    lane: Lane
    columns: np.ndarray
    """(n, n_mels) in the lane's unit: the last one is it, those before came just before"""
    range: tuple[float, float]
    title: str


class Viewer(QWidget):
    """Shows the columns of a stream, with those of the past and of a second front-end."""

    display_changed = pyqtSignal(object)
    """the DisplayConfig that a person chose"""
    refused = pyqtSignal(str)
    """why something cannot be shown"""
    answered = pyqtSignal(object, object)
    """ShownAnswers, and the Answers that came"""
    woken = pyqtSignal()

    def __init__(self, display: DisplayConfig) -> None:
        super().__init__()
        self.display = display
        self.stack = PictureStack()
        self.inspector = Inspector(self.stack)
        # Emitted on a follower's thread, so it arrives here later.
        self.tracks = Tracks(self.woken.emit)
        self._answers: ShownAnswers | None = None
        self._stream_id = 0
        self._moved = ""
        """the probability whose threshold was moved last"""
        self._rules: dict[str, dict[str, SegmentRule]] = {}
        """of the models' probabilities, by the models' names"""
        self._reason: str | None = None
        self._followed: dict[int, RobustRange] = {}
        self._followed_at = 0.0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self.woken.connect(self.take_followed)
        self.stack.zoomed.connect(self.zoom)
        self.stack.model.plot.threshold_dragged.connect(self.set_threshold)

    def begin(self, status: EngineStatus, sound: SoundHistory) -> None:
        """A front-end came into force, over a new sound or the same one."""
        assert status.mel is not None
        is_new_sound = sound is not self.tracks.sound
        is_over = status.state == "ended"
        self.tracks.begin(status.mel, sound, status.config.channel, is_over=is_over)
        self._show_second()
        self._show_lanes()
        if is_new_sound:
            self.stack.set_sound(sound)
            # Last: where the picture stood still, it brings the first columns.
            self.stack.begin_stream()
        self._stream_id = status.stream_id
        self._show_answers()

    def append(self, columns: MelColumns) -> None:
        """Take live columns of the front-end in force."""
        self.tracks.append(columns)
        mel = self.tracks.first[0].mel
        end = columns.first_column + columns.n_columns
        self.stack.note_newest(mel.cell_start_s + end * mel.hop_s)

    def follow_model(self, status: ModelStatus | None) -> None:
        """Show the answers of this model from now on, or of none.

        To be called with each status there is: another model or stream begins with no answers, the
        same one goes on.
        """
        shown = self._answers
        if shown is not None:
            self._rules[shown.spec.name] = shown.rules
        if status is None:
            self._answers = None
        elif status.spec is not None and status.grid is not None:
            now = status.spec, status.grid, status.stream_id
            if shown is None or now != (shown.spec, shown.grid, shown.stream_id):
                self._answers = ShownAnswers(*now, self._rules.get(status.spec.name, {}))
        if self._answers is not shown:
            self._show_answers()

    def add_answers(self, answers: Iterable[Answers]) -> None:
        """Take what the model that is followed answered, the oldest first."""
        shown, since_s = self._answers, math.inf
        for some in answers:
            if shown is not None and some.stream_id == shown.stream_id:
                since_s = min(since_s, shown.add(some))
                self.answered.emit(shown, some)
        if since_s < math.inf and self.stack.answers is shown:
            self.stack.answers_changed(since_s)

    def move_threshold(self, steps: int) -> None:
        """Move the threshold that was moved last, or else the first, by hundredths."""
        shown = self._answers
        if shown is None or not shown.rules:
            return
        name = self._moved if self._moved in shown.rules else next(iter(shown.rules))
        self.set_threshold(name, shown.rules[name].threshold + 0.01 * steps)

    def set_threshold(self, name: str, threshold: float) -> None:
        """Have another threshold for a probability of the model."""
        shown, self._moved = self._answers, name
        if shown is not None:
            shown.set_threshold(name, threshold)
            self.stack.model.update()
            self.stack.answers_changed(shown.grid.start_s)

    def copy_segments(self) -> None:
        """Put the segments of all that is kept on the clipboard, as a table."""
        clipboard = QGuiApplication.clipboard()
        if self._answers is None or not self._answers.rules or clipboard is None:
            self.refused.emit("there are no segments: no model answers with a probability")
        else:
            clipboard.setText(self._answers.segments_table())

    def take_followed(self) -> None:
        """Take what was computed besides the live columns."""
        taken = self.tracks.take()
        # Where the picture stands still, what comes after it changes nothing.
        if taken.since_s < (self.stack.shown[1] if self.stack.held else math.inf):
            if taken.filled:
                self.stack.older_changed()
            else:
                self.stack.refresh_soon()
        fault = self.tracks.fault()
        if fault is not None:
            self.show_in(second=None)
            self.refused.emit(fault)

    def show_in(self, **changes: object) -> None:
        """Show what is kept in another way."""
        before, self.display = self.display, replace(self.display, **changes)  # type: ignore[arg-type]
        if before == self.display:
            return
        if before.second != self.display.second:
            self._show_second()
        self._show_lanes()
        self.display_changed.emit(self.display)

    def zoom(self, steps: int) -> None:
        """Show a shorter span by this many steps, or a longer one where it is below 0."""
        spans = sorted({*SPANS_S, self.display.span_s})
        place = spans.index(self.display.span_s) - steps
        self.show_in(span_s=spans[min(max(place, 0), len(spans) - 1)])

    def follow_range(self) -> None:
        """Let the range of colours follow the sound, where the auto range is on."""
        now = time.perf_counter()
        elapsed_s, self._followed_at = now - self._followed_at, now
        if not self.display.auto_range or self.stack.held:
            return
        done = set()
        for n, lane in enumerate(self.stack.lanes):
            if lane.track is None or lane.range_key in done:
                continue
            done.add(lane.range_key)
            count = round(_FOLLOWED_S / lane.mel.hop_s)
            end = lane.columns.end
            values = lane.unit(lane.columns.between(max(0, end - count), end))
            usual = RobustRange(lane.unit.range(), lane.unit.narrowest())
            low, high = self._followed.setdefault(n, usual).update(values, elapsed_s)
            limits = self.stack.pictures[n].limits
            least = _LEAST_CHANGE * (high - low)
            if max(abs(low - limits[0]), abs(high - limits[1])) > least:
                self.stack.set_range(n, (low, high))

    def slice(self) -> Slice | None:
        """The spectrum at the cursor, or else the newest; None before there is any."""
        stack, cursor = self.stack, self.inspector.marks.cursor
        place = stack.pointed_place() or cursor
        pointed = place is not None
        if not stack.lanes or stack.lanes[0].columns.end == 0:
            return None
        if place is None:
            last = stack.lanes[0].columns.end - 1
            end = stack.lanes[0].grid.column_at(stack.shown[1])
            place = Place(0, min(last, end), 0)
            title = "now" if not stack.held else "at the end of the picture"
        else:
            before_s = stack.reference_s - stack.lanes[place.lane].grid.middle_s(place.column)
            title = f"{before_s:.2f} s before {'the freeze' if stack.held else 'now'}"
        lane = stack.lanes[place.lane]
        if lane.title:
            title = f"{lane.title}, {title}"
        first = place.column - round(_SLICE_S / lane.mel.hop_s)
        newest = shown(lane, lane.columns.between(first, place.column + 1))
        # At the cursor that column alone; now, all that came since the last look.
        columns = newest[-1:] if pointed else newest
        return Slice(lane, columns, stack.pictures[place.lane].limits, title)

    def reset_range(self) -> None:
        """Back to the front-end's usual range of colours, no longer following the sound."""
        self.show_in(auto_range=False)
        self.stack.reset_range()

    def toggle_unit(self) -> None:
        if not self.stack.lanes:
            return
        wanted = "model" if self.stack.lanes[0].unit.unit == "db" else "db"
        self.show_in(unit=wanted)
        lane = self.stack.lanes[0]
        if lane.unit.unit != wanted:
            self.refused.emit(
                f"{lane.mel.name} normalises each band over the clip, so its values have no dB"
            )

    def move_range(self, end: int, step: int) -> None:
        if self.stack.lanes:
            limits = list(self.stack.pictures[0].limits)
            limits[end] += step * 0.02 * (limits[1] - limits[0])
            self.stack.set_range(0, (limits[0], limits[1]))

    def _show_answers(self) -> None:
        """Those that are to the stream that is shown."""
        shown = self._answers
        is_of_it = shown is not None and shown.stream_id == self._stream_id
        self.stack.show_answers(shown if is_of_it else None)

    def _show_second(self) -> None:
        """Have the second front-end computed at the rate of the sound, or none."""
        sound, name = self.tracks.sound, self.display.second
        if sound is None:
            return
        mel = None
        if name is not None:
            try:
                mel = preset_for(name, sound.sample_rate)
            except ConfigError as error:
                self.refused.emit(str(error))
        self.tracks.compare(mel)

    def _show_lanes(self) -> None:
        if not self.tracks.first:
            return
        self._followed.clear()
        self.inspector.clear()
        lanes, reason = lanes_of(self.tracks, self.display)
        self.stack.show_lanes(lanes, self.display)
        if reason != self._reason:
            # Empty where there was one: what it said holds no more.
            self._reason = reason
            self.refused.emit(reason or "")
