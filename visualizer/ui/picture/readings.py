"""The picture read as numbers: the place under the mouse, two markers, a region. Texts only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from visualizer.ui.picture.answers import ShownAnswers
from visualizer.ui.picture.lanes import Lane
from visualizer.ui.picture.marks import Marks, Place, Region
from visualizer.ui.picture.notes import note_name


def reading_lines(
    lanes: tuple[Lane, ...],
    marks: Marks,
    moment_text: Callable[[float], str],
    answers: ShownAnswers | None = None,
) -> list[str]:
    """All that can be said of what is marked, and of what a model answers there.

    `moment_text` says a moment of the stream (s).
    """
    lines = []
    if marks.moment_s is not None and answers is not None:
        lines.append(f"{moment_text(marks.moment_s)} · {answers.moment_text(marks.moment_s)}")
    for name, place in marks.places():
        text = place_text(lanes[place.lane], place, moment_text)
        lines.append(f"{name}  {text}" if name else text)
        if not name and len(lanes) > 1:
            lines.append("  ".join(elsewhere_text(lanes, place)))
        if not name and answers is not None:
            moment_s = lanes[place.lane].grid.middle_s(place.column)
            lines.append(f"{answers.spec.name}: {answers.moment_text(moment_s)}")
    if marks.a is not None and marks.b is not None:
        lines.append(distance_text(lanes, marks.a, marks.b))
    if marks.region is not None:
        lane = lanes[marks.region.lane]
        lines.append(region_text(lane, marks.region))
        means = answers.mean_text(*region_times_s(lane, marks.region)) if answers else ""
        if means:
            lines.append(f"region  {means}")
    return lines


def region_times_s(lane: Lane, region: Region) -> tuple[float, float]:
    """Return from when to when, on the stream's clock, a region is."""
    grid = lane.grid
    start_s = grid.start_s + region.first_column * grid.hop_s
    return start_s, start_s + (region.end_column - region.first_column) * grid.hop_s


def value_at(lane: Lane, place: Place) -> float:
    """What a lane shows there, in its unit; NaN where there is nothing."""
    column = lane.columns.between(place.column, place.column + 1)
    return float(shown(lane, column)[0, place.band])


def shown(lane: Lane, values: np.ndarray) -> np.ndarray:
    """Values of a lane's columns in the unit of its picture. Same shape."""
    return values if lane.track is None else lane.unit(values)


def elsewhere_text(lanes: tuple[Lane, ...], place: Place) -> list[str]:
    """What each other lane shows at the same moment and, at the nearest band, the same pitch."""
    lane = lanes[place.lane]
    seconds, peak = lane.grid.middle_s(place.column), lane.mel.rows.middle_hz(place.band)
    texts = []
    for n, other in enumerate(lanes):
        if n == place.lane:
            continue
        position = float(other.mel.rows.position(peak))
        band = -1
        if not math.isnan(position):
            band = round(position - 0.5)
        elif other.mel.rows.kind == lane.mel.rows.kind:
            # Without frequencies, rows of one number belong together.
            band = place.band
        inside = min(max(band, 0), other.mel.n_rows - 1)
        value = value_at(other, Place(n, other.grid.column_at(seconds), inside))
        shown = "nothing" if math.isnan(value) or inside != band else other.unit.text(value)
        texts.append(f"{other.title}: {shown}")
    return texts


def place_text(lane: Lane, place: Place, moment_text: Callable[[float], str]) -> str:
    """Whose it is where there are others, time, band with its edges and peak, note, value."""
    rows = lane.mel.rows
    value = value_at(lane, place)
    text = "nothing" if math.isnan(value) else lane.unit.text(value)
    moment = moment_text(lane.grid.middle_s(place.column))
    title = f"{lane.title}: " if lane.title else ""
    which = f"{rows.kind} {place.band} of {lane.mel.n_rows}"
    if rows.edges_hz is not None:
        low, peak, high = sorted(rows.edges_hz[place.band : place.band + 3])
        note = f" {note_name(peak)}" if peak > 0 else ""
        which += f": {low:.0f} to {high:.0f} Hz, peak {peak:.0f} Hz{note}"
    return f"{title}{moment} · {which} · {text}"


def distance_text(lanes: tuple[Lane, ...], a: Place, b: Place) -> str:
    """From A to B: Δt, Δf of the bands' peaks, and Δ of the values where they have one unit."""
    lane_a, lane_b = lanes[a.lane], lanes[b.lane]
    seconds = lane_b.grid.middle_s(b.column) - lane_a.grid.middle_s(a.column)
    peaks = [lane.mel.rows.middle_hz(p.band) for lane, p in ((lane_a, a), (lane_b, b))]
    text = f"B−A  Δt {seconds:+.3f} s"
    if not math.isnan(sum(peaks)):
        text += f" · Δf {peaks[1] - peaks[0]:+.0f} Hz"
    if peaks[0] > 0 and peaks[1] > 0:
        text += f" ({12 * math.log2(peaks[1] / peaks[0]):+.1f} semitones)"
    difference = value_at(lane_b, b) - value_at(lane_a, a)
    if lane_a.range_key == lane_b.range_key and math.isfinite(difference):
        sign = "+" if difference >= 0 else ""
        text += f" · Δ {sign}{lane_a.unit.text(difference)}"
    return text


def region_text(lane: Lane, region: Region) -> str:
    """Size, mean and maximum of a region."""
    columns = lane.columns.between(region.first_column, region.end_column)
    values = shown(lane, columns)[:, region.first_band : region.end_band]
    rows = lane.mel.rows
    seconds = (region.end_column - region.first_column) * lane.grid.hop_s
    kinds = f"{rows.kind}es" if rows.kind.endswith("s") else f"{rows.kind}s"
    size = f"region  {seconds:.3f} s × {region.end_band - region.first_band} {kinds}"
    if rows.edges_hz is not None:
        low, high = sorted(rows.edges_hz[[region.first_band, region.end_band + 1]])
        size += f", {low:.0f} to {high:.0f} Hz"
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return f"{size} · nothing"
    rest = values.size - len(finite)
    mean, most = (lane.unit.text(float(v)) for v in (finite.mean(dtype=np.float64), finite.max()))
    left_out = f" · without {rest} silent or missing values" if rest else ""
    return f"{size} · mean {mean} · max {most}{left_out}"
