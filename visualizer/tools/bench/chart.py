"""A chart of a bench run, drawn without a display."""

from __future__ import annotations

import math
from pathlib import Path

import pyqtgraph as pg
from PyQt6.QtWidgets import QApplication

from visualizer.errors import ConfigError
from visualizer.tools.bench.measure import BenchResult
from visualizer.ui.picture.png import png_of

OURS_COLOUR, THEIRS_COLOUR = "#e0548d", "#4a4a5c"
_WIDTH, _NAMES, _ROW, _AROUND = 1000, 290, 34, 70
"""in pixels"""


def save_chart(result: BenchResult, under: str, path: Path) -> None:
    """Draw the calls of one row as bars and save a PNG.

    Args:
        under: a second line of the title, such as date and machine.

    Raises:
        ConfigError: where the file cannot be written.
    """
    # Whatever the environment says: without the display it asks for, Qt would end the process.
    _application = QApplication.instance() or QApplication(["bench", "-platform", "offscreen"])
    rows = sorted((row for row in result.calls if row.rows == 1), key=lambda row: -row.p50_us)
    ends = [math.log10(row.p50_us) for row in rows]
    plot = pg.PlotWidget(background="#1b1b22")
    plot.setTitle(
        f"One hop of {result.front_end}: median time, logarithmic<br><small>{under}</small>"
    )
    is_ours = [row.case == result.ours for row in rows]
    brushes = [OURS_COLOUR if ours else THEIRS_COLOUR for ours in is_ours]
    start = ends[-1] - math.log10(2)
    bars = pg.BarGraphItem(x0=start, x1=ends, y=range(len(rows)), height=0.7, brushes=brushes)
    plot.addItem(bars)
    for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
        ratio = "" if row.case == result.ours else f"  ×{row.times_ours:.1f}"
        text = pg.TextItem(f"{row.p50_us:.1f} µs{ratio}", color="#e8e8ec", anchor=(0, 0.5))
        text.setPos(end, place)
        plot.addItem(text)
    names = plot.getAxis("left")
    names.setTicks([[(place, row.case) for place, row in enumerate(rows)]])
    names.setWidth(_NAMES)
    plot.hideAxis("bottom")
    plot.setXRange(start, ends[0] + 0.25 * (ends[0] - start), padding=0)
    plot.resize(_WIDTH, _AROUND + _ROW * len(rows))
    try:
        path.write_bytes(png_of(plot.grab().toImage()))
    except OSError as error:
        problem = f"the chart cannot be written to {str(path)!r}: {error.strerror}"
        raise ConfigError(problem) from error
