"""How the picture is shown, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from visualizer.errors import among, is_number, require
from visualizer.mel.picture import Unit
from visualizer.mel.presets import GROUPS, PRESETS

Theme = Literal["system", "dark", "light"]
"""of the window; "system" follows the desktop's colour scheme"""

FRONT_ENDS: dict[str, dict[str, str]] = {
    group: {name: chosen.summary for name, chosen in PRESETS.items() if chosen.group == group}
    for group in GROUPS
}
"""Those that the window offers, in groups, each with a line on what it is."""
SPANS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""What the window offers, in seconds."""
COLOUR_MAPS = ("magma", "viridis", "inferno", "cividis", "turbo", "gray")
REVERSED = "_r"
"""at the end of a colour map's name: from its other end"""


@dataclass(frozen=True)
class DisplayConfig:
    """How the picture is shown."""

    span_s: float = 10.0
    colour_map: str = COLOUR_MAPS[0]
    unit: Unit | None = None
    """None: dB where the front-end takes no logarithm, else its own values"""
    clock_time: bool = False
    """the time axis has the time of day"""
    note_names: bool = False
    """the frequency axis has notes"""
    auto_range: bool = False
    """the colours' range follows the sound"""
    waveform: bool = False
    second: str | None = None
    """the front-end to compare with"""
    difference: bool = False
    """what the first shows less what the second shows is shown too"""
    theme: Theme = "system"

    def __post_init__(self) -> None:
        longest = max(SPANS_S)
        fits = is_number(self.span_s, 0.1, longest)
        require(fits, "span_s", self.span_s, f"from 0.1 to {longest:g} s")
        name = self.colour_map
        plain = name.removesuffix(REVERSED) if isinstance(name, str) else name
        limits = f"one of {COLOUR_MAPS}, with {REVERSED} at its end for the other direction"
        require(plain in COLOUR_MAPS, "colour_map", self.colour_map, limits)
        require(self.unit in (None, *get_args(Unit)), "unit", self.unit, f"null or {among(Unit)}")
        for field in ("clock_time", "note_names", "auto_range", "waveform", "difference"):
            value = getattr(self, field)
            require(isinstance(value, bool), field, value, "true or false")
        second_fits = self.second is None or (
            isinstance(self.second, str) and self.second in PRESETS
        )
        require(second_fits, "second", self.second, "null or the name of a preset")
        require(self.theme in get_args(Theme), "theme", self.theme, among(Theme))
