"""Which lanes the picture has, from what is looked at and how it is to be shown. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from visualizer.engine.tracks import Difference, Track, Tracks
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.raster import Columns, Grid

_DIFFERENCE_DB = 20.0
_DIFFERENCE_SHARE = 0.25
"""Of the range of values: what a difference is coloured up to, at first."""


@dataclass(frozen=True)
class Lane:
    """One picture of the stack."""

    title: str
    mel: FrontEnd
    columns: Columns
    unit: PictureUnit
    track: Track | None
    """None for a difference"""
    label: str
    """of the colour bar"""
    range: tuple[float, float]
    """the limits at first"""

    @property
    def grid(self) -> Grid:
        return Grid(self.mel.cell_start_s, self.mel.hop_s, self.mel.n_rows)

    @property
    def range_key(self) -> tuple[str, str, bool]:
        """Lanes with the same key share their range."""
        return self.mel.name, self.unit.unit, self.track is None


def unit_of(mel: FrontEnd, display: DisplayConfig) -> PictureUnit:
    """Return the chosen unit, or the default one where the front-end does not have it."""
    if display.unit is None or (display.unit == "db" and not has_db(mel)):
        return PictureUnit.default(mel)
    return PictureUnit(mel, display.unit)


def lanes_of(tracks: Tracks, display: DisplayConfig) -> tuple[tuple[Lane, ...], str | None]:
    """Return the lanes, top to bottom, and why a chosen difference cannot be shown."""
    lanes = [_lane(track, display) for track in (*tracks.first, *tracks.second)]
    if len(lanes) == 1:
        lanes = [_lane(tracks.first[0], display, title="")]
    if not (display.difference and tracks.first and tracks.second):
        return tuple(lanes), None
    for first, second in zip(tracks.first, tracks.second, strict=True):
        units = unit_of(first.mel, display), unit_of(second.mel, display)
        names = f"{first.title} less {second.title}"
        try:
            difference = Difference(first, second, units)
        except ValueError as error:
            return tuple(lanes), f"there is no {names}: {error}"
        label = "difference, dB" if units[0].unit == "db" else "difference"
        low, high = units[0].range()
        most = _DIFFERENCE_DB if units[0].unit == "db" else _DIFFERENCE_SHARE * (high - low)
        lanes.append(Lane(names, first.mel, difference, units[0], None, label, (-most, most)))
    return tuple(lanes), None


def _lane(track: Track, display: DisplayConfig, title: str | None = None) -> Lane:
    unit = unit_of(track.mel, display)
    title = track.title if title is None else title
    return Lane(title, track.mel, track.columns, unit, track, unit.label, unit.range())
