"""The badges: whose front-end runs, and which kernel computes it, how far from float64."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QStyle, QStyleOption

from visualizer.engine.status import EngineStatus
from visualizer.errors import quoted
from visualizer.mel.described import Described
from visualizer.ui.controls.label import plain_tip, shortened

_EXPLANATION = (
    "The largest deviation of the kernel in use (float32) from a plain reference in float64, as a "
    "share of the largest value, over a short noise, a fresh one each time."
)


_LONGEST = 60
"""Letters of what a badge shows of names that anybody may have chosen."""
_LEAST_EM = 8


class Badge(QLabel):
    """A word on what runs, in a frame; hidden where there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        # By this name the theme colours it.
        self.setObjectName("badge")
        # A model's name may look like markup.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.hide()

    def say(self, text: str, tip: str) -> None:
        """Show a text, and more in its tool tip; the same again is no work."""
        tip = plain_tip(tip)
        if (text, tip) != (self.text(), self.toolTip()):
            self.setText(text)
            self.setToolTip(tip)


class FrontEndBadge(Badge):
    """Says whose front-end runs, where it is not a preset but a model's or the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self._described: Described | None = None

    def note_origins(self, described: Described | None) -> None:
        """Know where the numbers of a front-end come from, for when it runs."""
        self._described = described

    def show_status(self, status: EngineStatus) -> None:
        mel, whose = status.config.mel, status.config.whose
        self.setVisible(mel is not None)
        if mel is None:
            return
        form, _, _ = whose.partition(" · ")
        described = self._described
        known = described is not None and described.front_end == mel
        lines = origin_lines(described) if described is not None and known else []
        self.say(
            shortened(" · ".join(filter(None, (mel.name, form))), _LONGEST),
            "\n".join((f"Front-end: {mel.name}", whose, *lines)),
        )

    def minimumSizeHint(self) -> QSize:
        """Leave a narrow window's room to the others."""
        least, em = super().minimumSizeHint(), self.fontMetrics().height()
        return QSize(min(least.width(), _LEAST_EM * em), least.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter, option, style = QPainter(self), QStyleOption(), self.style()
        assert style is not None
        option.initFrom(self)
        style.drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        room = self.contentsRect()
        elided = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, elided)


def origin_lines(described: Described) -> list[str]:
    """What a user should know of a front-end that was read from a model's files."""
    assumed = ", ".join(
        f"{field.field} = {quoted(field.value)}"
        for field in described.fields
        if field.origin == "assumed"
    )
    return [
        *([f"assumed, since its files do not say: {assumed}"] if assumed else []),
        *(
            f"{ignored.key} = {quoted(ignored.value)} is written there, and not used: {ignored.why}"
            for ignored in described.ignored
        ),
        *described.notes,
    ]


class KernelBadge(Badge):
    """Names the kernel in use and its largest deviation."""

    def show_status(self, status: EngineStatus) -> None:
        self.setVisible(status.deviation is not None)
        if status.deviation is None:
            return
        self.say(
            f"{status.backend}: {status.deviation:.1e} off float64",
            "\n".join((_EXPLANATION, *kernel_lines(status))),
        )


def kernel_lines(status: EngineStatus) -> list[str]:
    """What was measured of the kernels that could run, and why no other one does."""
    lines = [
        f"{timing.name}: p50 {timing.p50_us:.0f} µs, p99 {timing.p99_us:.0f} µs, called once "
        f"every {timing.period_ms:g} ms"
        for timing in status.timings
    ]
    if status.kernel_note is not None:
        lines.append(f"{status.backend} runs: {status.kernel_note}")
    return lines
