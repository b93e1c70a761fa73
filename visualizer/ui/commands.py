"""All that a person can have done with the picture, for the menus and the keys."""

from __future__ import annotations

from functools import partial

from visualizer.ui.controls.menus import Command
from visualizer.ui.picture.viewer import Viewer

GESTURES = [
    ("wheel", "scroll back through what was heard, and towards now"),
    ("drag", "move the picture"),
    ("Ctrl+wheel", "show a shorter or longer span"),
    ("click", "put marker A there"),
    ("Shift+click", "put marker B there"),
    ("Shift+drag", "mark a region"),
    ("right button", "a menu for the place"),
]
"""What the mouse does on the picture."""

SWITCHES = {
    "time.clock": ("clock_time", "Time of day", "T", "time of day on the time axis, or seconds"),
    "view.notes": ("note_names", "Note names", "N", "notes on the frequency axis, or hertz"),
    "view.waveform": ("waveform", "Waveform", "W", "show the waveform"),
    "view.difference": (
        "difference",
        "Difference",
        "D",
        "show the first front-end less the second",
    ),
    "colours.auto": ("auto_range", "Auto range", "M", "let the range of colours follow the sound"),
}
"""By command: the field of DisplayConfig that it switches, then its text, key and tip."""

_SCROLLS = (
    ("time.back", "Scroll back", "Left", "scroll back through what was heard", 1),
    ("time.forward", "Scroll forward", "Right", "scroll towards now", -1),
    ("time.page-back", "Page back", "PgUp", "scroll back by the whole span", 10),
    ("time.page-forward", "Page forward", "PgDown", "scroll towards now by the whole span", -10),
)
_LIMITS = (
    ("colours.lower-down", "Lower limit down", "[", 0, -1),
    ("colours.lower-up", "Lower limit up", "]", 0, 1),
    ("colours.upper-down", "Upper limit down", "{", 1, -1),
    ("colours.upper-up", "Upper limit up", "}", 1, 1),
)
_MOVES = (("left", -1, 0), ("right", 1, 0), ("up", 0, 1), ("down", 0, -1))


def commands_of(viewer: Viewer) -> list[Command]:
    """Return what a person can have done with a viewer."""
    stack, inspector, zoom = viewer.stack, viewer.inspector, viewer.zoom

    def switch(command: str) -> Command:
        field, text, key, tip = SWITCHES[command]
        return Command(
            command, text, key, tip, lambda on: viewer.show_in(**{field: on}), checkable=True
        )

    scrolls = [
        Command(command, text, key, tip, partial(stack.scroll_back, turns), repeats=True)
        for command, text, key, tip, turns in _SCROLLS
    ]
    limits = [
        Command(command, text, key, text.lower(), partial(viewer.move_range, *step), repeats=True)
        for command, text, key, *step in _LIMITS
    ]
    moves = [
        Command(
            f"mark.{way}",
            f"Cursor {way}",
            f"Ctrl+{way.capitalize()}",
            f"move the cursor {way}",
            partial(inspector.move_cursor, columns, bands),
            repeats=True,
        )
        for way, columns, bands in _MOVES
    ]
    mark_a, mark_b = (partial(inspector.set_marker, name) for name in "ab")
    go_oldest = partial(stack.show_until, 0.0)
    return [
        *scrolls,
        Command("time.oldest", "Oldest", "Home", "go to the oldest sound that is kept", go_oldest),
        Command("time.live", "Live", "End", "back to now", stack.go_live),
        Command("time.zoom-in", "Zoom in", "+ =", "show a shorter span", partial(zoom, 1)),
        Command("time.zoom-out", "Zoom out", "-", "show a longer span", partial(zoom, -1)),
        *map(switch, SWITCHES),
        Command(
            "colours.default",
            "Default range",
            "R",
            "range of colours of the front-end",
            viewer.reset_range,
        ),
        *limits,
        Command(
            "colours.unit",
            "dB or model values",
            "U",
            "in dB, or as the model gets them",
            viewer.toggle_unit,
        ),
        *moves,
        Command("mark.a", "Marker A", "A", "put marker A at the cursor; or click", mark_a),
        Command("mark.b", "Marker B", "B", "put marker B at the cursor; or Shift+click", mark_b),
        Command(
            "mark.region",
            "Region from A to B",
            "G",
            "mark the region between the markers; or Shift+drag",
            inspector.region_from_markers,
        ),
        Command(
            "mark.clear",
            "Remove marks",
            "Esc",
            "remove markers, region and cursor",
            inspector.clear,
        ),
    ]
