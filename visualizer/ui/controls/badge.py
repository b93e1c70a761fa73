"""The badge: which kernel computes what is on screen, and how far it is from float64."""

from __future__ import annotations

from PyQt6.QtWidgets import QLabel

from visualizer.engine.status import EngineStatus

_EXPLANATION = (
    "The largest deviation of the kernel in use (float32) from a plain reference in float64, as a "
    "share of the largest value, over a short noise, a fresh one each time."
)


class KernelBadge(QLabel):
    """Names the kernel in use and its largest deviation."""

    def __init__(self) -> None:
        super().__init__()
        # By this name the theme colours it.
        self.setObjectName("badge")
        self.hide()

    def show_status(self, status: EngineStatus) -> None:
        self.setVisible(status.deviation is not None)
        if status.deviation is None:
            return
        self.setText(f"{status.backend}: {status.deviation:.1e} off float64")
        self.setToolTip("\n".join((_EXPLANATION, *kernel_lines(status))))


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
