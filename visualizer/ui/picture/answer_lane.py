"""The lane of a model's answers: their plot, its axis to the left and names to the right."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from visualizer.models.segments import SegmentRule
from visualizer.ui.picture.answer_plot import AnswerPlot, Section
from visualizer.ui.picture.answers import ShownAnswers, Told
from visualizer.ui.picture.tints import CURVE_COLOURS, dimmed

_MARGIN = 6
"""between the plot and what is beside it, in pixels"""
_TICK = 4
_SHARE = 0.4
"""of the height that it and the pictures have, at most"""
_TIP = (
    "What the model answers of the sound above: slate grey where blocks were lost, nothing before "
    "it ran.\n"
    "A probability has a threshold, the dashed line, to be dragged; or , and . move it. A segment "
    "begins where the threshold is reached, and ends below the dotted line after {silence:g} ms. "
    "Those of more than {speech:g} ms count, with {pad:g} ms at both ends."
)


class AnswerLane(QWidget):
    """Shows what a model answers under the pictures; hidden while there is no model."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Model")
        self.plot = AnswerPlot(self)
        self.plot.setToolTip(
            _TIP.format(
                silence=1e3 * SegmentRule.min_silence_s,
                speech=1e3 * SegmentRule.min_speech_s,
                pad=1e3 * SegmentRule.pad_s,
            )
        )
        self._shown: ShownAnswers | None = None
        self._told: list[Told] = []
        self._room = 0
        self.hide()

    def show_answers(self, shown: ShownAnswers | None) -> None:
        """Show these from now on, or nothing."""
        self._shown, self._told = shown, []
        self.plot.show_answers(shown)
        if shown is not None:
            self.setAccessibleName(f"Model {shown.spec.name}")
        self.setVisible(bool(self.plot.sections))
        self._change_height()

    def set_place(self, left: int, width: int) -> None:
        """Where the pictures are above it, in its own coordinates."""
        self.plot.setGeometry(left, 0, width, self.height())
        self.update()

    def set_room(self, height: int) -> None:
        """Of the height that it shares with the pictures it takes a part at most."""
        self._room = height
        self._change_height()

    def tell(self, told: list[Told]) -> None:
        """Have these values at the names."""
        if told != self._told:
            self._told = told
            # What is beside the plot; an update of all would have that painted, too.
            right = self.plot.geometry().right() + 1
            self.update(right, 0, self.width() - right, self.height())

    def sizeHint(self) -> QSize:
        return QSize(40 * self.fontMetrics().averageCharWidth(), self.height())

    def _change_height(self) -> None:
        lines = sum(section.lines for section in self.plot.sections)
        wanted = round(lines * self.fontMetrics().lineSpacing())
        self.setFixedHeight(max(1, min(wanted, round(_SHARE * self._room))))

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._change_height()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.plot.resize(self.plot.width(), self.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        for section in self.plot.sections:
            place = self.plot.place_of(section)
            left = QRectF(0, place.top(), self.plot.x(), place.height())
            x = self.plot.geometry().right() + 1 + _MARGIN
            right = QRectF(x, place.top(), self.width() - x - _MARGIN, place.height())
            self._draw_axis(painter, section, left)
            self._draw_names(painter, section, right)

    def _draw_axis(self, painter: QPainter, section: Section, place: QRectF) -> None:
        """The range of curves, or the labels of classes where there is room."""
        shown, metrics = self._shown, self.fontMetrics()
        assert shown is not None
        if section.kind == "classes":
            labels = section.outputs[0].labels
            height = place.height() / len(labels)
            if self._has_room(labels, place):
                for n, label in enumerate(labels):
                    middle = place.top() + (n + 0.5) * height
                    self._draw_tick(painter, label, middle, place, dimmed(self.palette()))
            return
        if section.kind == "text":
            return
        first, colour = section.outputs[0], self.palette().windowText().color()
        is_shared = all(output.range == first.range for output in section.outputs)
        rule = shown.rules.get(first.name)
        taken = []
        if rule is not None:
            low, high = first.range
            level = (rule.threshold - low) / (high - low)
            y = self.plot.y_of(section, level)
            self._draw_tick(painter, f"{rule.threshold:.2f}", y, place, CURVE_COLOURS[0])
            taken.append(y)
        for share, value in zip((0.0, 1.0), first.range, strict=True):
            y = self.plot.y_of(section, share)
            if all(abs(y - other) >= metrics.height() for other in taken):
                text = f"{value:.4g}".replace("-", "−")
                self._draw_tick(painter, text, y, place, colour if is_shared else CURVE_COLOURS[0])

    def _has_room(self, labels: tuple[str, ...], place: QRectF) -> bool:
        """Whether each of the labels has a line of its own."""
        return place.height() >= 0.95 * self.fontMetrics().height() * len(labels)

    def _draw_tick(
        self, painter: QPainter, text: str, y: float, place: QRectF, colour: QColor
    ) -> None:
        metrics, right = self.fontMetrics(), place.right()
        painter.setPen(self.palette().windowText().color())
        painter.drawLine(QPointF(right - _TICK, y), QPointF(right - 1, y))
        room = int(right - _TICK - 2 * _MARGIN)
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        # The first and the last stay beside their section.
        lowest = place.bottom() - metrics.height()
        top = max(min(y - metrics.height() / 2, lowest), place.top())
        painter.setPen(colour)
        painter.drawText(
            QRectF(_MARGIN, top, room, metrics.height()),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            elided,
        )

    def _draw_names(self, painter: QPainter, section: Section, place: QRectF) -> None:
        """What is drawn, each with what is told of it."""
        metrics = self.fontMetrics()
        top, line = place.top(), float(metrics.lineSpacing())
        is_said = section.kind != "text"
        said = [told for told in self._told if is_said and told.output in section.outputs]
        lines = said or [Told(output, output.name, "") for output in section.outputs]
        most = max(1, int(place.height() // line))
        labels = section.outputs[0].labels
        if labels and len(said) == len(labels) and self._has_room(labels, place):
            # Each beside its own row, and not the largest first.
            lines.sort(key=lambda told: labels.index(told.name))
            most, line = len(labels), place.height() / len(labels)
        for n, told in enumerate(lines[:most]):
            colour = self.palette().windowText().color()
            if section.kind == "curves":
                colour = CURVE_COLOURS[n]
            painter.setPen(colour)
            area = QRectF(place.left(), top + n * line, place.width(), line)
            room = place.width() - metrics.averageCharWidth()
            # The name goes before the unit.
            wide = metrics.horizontalAdvance(told.name + told.text)
            value = told.text if wide <= room else told.value
            room -= metrics.horizontalAdvance(value)
            elided = metrics.elidedText(told.name, Qt.TextElideMode.ElideRight, int(room))
            painter.drawText(area, Qt.AlignmentFlag.AlignLeft, elided)
            painter.drawText(area, Qt.AlignmentFlag.AlignRight, value)
