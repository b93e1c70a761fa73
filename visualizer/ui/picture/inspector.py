"""Reading the picture with mouse and keys: cursor, markers A and B, a region and its numbers."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import QObject

from visualizer.ui.picture.marks import Marks, Place, Region
from visualizer.ui.picture.overlay import Line
from visualizer.ui.picture.readings import reading_lines
from visualizer.ui.picture.stack import PictureStack
from visualizer.ui.picture.tints import TEXT


class Inspector(QObject):
    """Holds what is marked, and has the stack show it with its numbers."""

    def __init__(self, stack: PictureStack) -> None:
        super().__init__()
        self._stack = stack
        self.marks = Marks()
        self._asked_at: Place | None = None
        """where the menu was opened, until the mouse is on the picture again"""
        stack.pointed.connect(self._follow_pointer)
        stack.clicked.connect(self._click)
        stack.menu_wanted.connect(self._ask)
        stack.model.plot.pointed.connect(self._follow_pointer)
        stack.model.plot.clicked.connect(self._click_moment)
        stack.region_dragged.connect(lambda region: self._mark(region=region))

    def set_marker(self, name: str) -> None:
        """Put marker "a" or "b" where the menu was opened, or where the cursor is."""
        place = self._asked_at or self._stack.pointed_place() or self.marks.cursor
        self._asked_at = None
        if place is not None:
            self._mark(**{name: place})

    def move_cursor(self, columns: int, bands: int) -> None:
        """Move the cursor by whole cells; at first it is in the middle."""
        stack = self._stack
        cursor = self.marks.cursor
        stack.forget_pointer()
        if cursor is None:
            self._mark(cursor=stack.middle_place())
            return
        lane = stack.lanes[cursor.lane]
        first = lane.grid.column_at(stack.shown[0]) + 1
        last = max(first, lane.grid.column_at(stack.shown[1]))
        column = min(max(cursor.column + columns, first), last)
        band = min(max(cursor.band + bands, 0), lane.mel.n_rows - 1)
        self._mark(cursor=Place(cursor.lane, column, band))

    def region_from_markers(self) -> None:
        """Take what lies between A and B of one lane as the region."""
        a, b = self.marks.a, self.marks.b
        if a is not None and b is not None and a.lane == b.lane:
            self._mark(region=Region.between(a, b))

    def clear(self) -> None:
        """Take all marks away."""
        self.marks = Marks()
        self._asked_at = None
        self.show()

    def show(self) -> None:
        """Say and draw what is marked now."""
        stack = self._stack
        pointed = stack.pointed_place()
        if pointed is not None:
            self.marks = replace(self.marks, cursor=pointed)
        marks = replace(self.marks, moment_s=stack.model.plot.pointed_s())
        lines = []
        if stack.lanes:
            lines = reading_lines(stack.lanes, marks, stack.moment_text, stack.answers)
        stack.reading.set_lines([Line(line, TEXT) for line in lines])
        stack.set_marks(marks)

    def _follow_pointer(self) -> None:
        if self._stack.pointed_place() is None:
            self.marks = replace(self.marks, cursor=None)
        else:
            self._asked_at = None
        self.show()

    def _ask(self, place: Place) -> None:
        self._asked_at = place

    def _click_moment(self, moment_s: float, shift: bool) -> None:
        """A marker at a moment stays in its band; at first it is in the middle."""
        marks = self.marks
        place = (marks.b if shift else marks.a) or self._stack.middle_place()
        if place is not None:
            column = self._stack.lanes[place.lane].grid.column_at(moment_s)
            self._click(replace(place, column=column), shift)

    def _click(self, place: Place, shift: bool) -> None:
        self._mark(**{"b" if shift else "a": place})

    def _mark(self, **changes: Place | Region | None) -> None:
        self.marks = replace(self.marks, **changes)  # type: ignore[arg-type]
        self.show()
