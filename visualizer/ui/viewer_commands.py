"""All that a person can have done with the picture, for the menus and the keys."""

from __future__ import annotations

from visualizer.ui.controls.menus import Command
from visualizer.ui.viewer import Viewer

GESTURES = [
    ("wheel", "scroll back through what was heard, and towards now"),
    ("drag", "move the picture"),
    ("Ctrl+wheel", "show a shorter or longer span"),
    ("click", "put marker A there"),
    ("Shift+click", "put marker B there"),
    ("Shift+drag", "mark a region"),
    ("right button", "a menu for the place"),
]
"""What the mouse does on the picture, and what that is for."""


def commands_of(viewer: Viewer) -> list[Command]:
    """What a person can have done with a viewer."""
    stack, inspector = viewer.stack, viewer.inspector
    show = viewer.show_in

    def switch(name: str, text: str, keys: str, tip: str, menu: str = "&View") -> Command:
        def act(on: bool) -> None:
            show(**{name: on})

        return Command(menu, text, tip, (keys,), act, checkable=True)

    def moves(text: str, keys: str, columns: int, bands: int) -> Command:
        return Command(
            "&Mark",
            f"Cursor {text}",
            f"move the cursor {text}",
            (keys,),
            lambda: inspector.move_cursor(columns, bands),
            repeats=True,
        )

    def level(text: str, key: str, end: int, step: int) -> Command:
        return Command(
            "&Colours",
            text,
            text.lower(),
            (key,),
            lambda: viewer.move_level(end, step),
            repeats=True,
        )

    return [
        Command(
            "&Time",
            "Back in time",
            "scroll back through what was heard",
            ("Left",),
            lambda: stack.scroll_back(1),
            repeats=True,
        ),
        Command(
            "&Time",
            "Forth in time",
            "scroll towards now",
            ("Right",),
            lambda: stack.scroll_back(-1),
            repeats=True,
        ),
        Command(
            "&Time",
            "A page back",
            "scroll back by the whole span",
            ("PgUp",),
            lambda: stack.scroll_back(10),
            repeats=True,
        ),
        Command(
            "&Time",
            "A page forth",
            "scroll towards now by the whole span",
            ("PgDown",),
            lambda: stack.scroll_back(-10),
            repeats=True,
        ),
        Command(
            "&Time",
            "Oldest",
            "go to the oldest that is kept",
            ("Home",),
            lambda: stack.show_until(0.0),
        ),
        Command("&Time", "Live", "back to now", ("End",), stack.go_live),
        Command("&Time", "Less time", "show a shorter span", ("+", "="), lambda: viewer.zoom(1)),
        Command("&Time", "More time", "show a longer span", ("-",), lambda: viewer.zoom(-1)),
        switch(
            "clock_time",
            "Time of day",
            "T",
            "time of day on the time axis, or seconds",
            "&Time",
        ),
        switch("note_names", "Note names", "N", "notes on the frequency axis, or hertz"),
        switch("waveform", "Waveform", "W", "show the waveform"),
        switch(
            "difference",
            "Difference",
            "D",
            "show the first front-end less the second, where their shapes agree",
        ),
        Command(
            "&Colours",
            "Usual range",
            "colours back to the front-end's usual range",
            ("R",),
            viewer.reset_levels,
        ),
        switch(
            "auto_range",
            "Automatic range",
            "M",
            "let the range of colours follow the sound, slowly",
            "&Colours",
        ),
        level("Lower end down", "[", 0, -1),
        level("Lower end up", "]", 0, 1),
        level("Upper end down", "{", 1, -1),
        level("Upper end up", "}", 1, 1),
        Command(
            "&Colours",
            "dB or the model's unit",
            "dB, or the very values the model gets",
            ("U",),
            viewer.toggle_unit,
        ),
        moves("left", "Ctrl+Left", -1, 0),
        moves("right", "Ctrl+Right", 1, 0),
        moves("up", "Ctrl+Up", 0, 1),
        moves("down", "Ctrl+Down", 0, -1),
        Command(
            "&Mark",
            "Marker A",
            "put marker A at the cursor; or click",
            ("A",),
            lambda: inspector.set_marker("a"),
        ),
        Command(
            "&Mark",
            "Marker B",
            "put marker B at the cursor; or Shift+click",
            ("B",),
            lambda: inspector.set_marker("b"),
        ),
        Command(
            "&Mark",
            "Region from A to B",
            "take what lies between the markers as the region; or Shift+drag",
            ("G",),
            inspector.region_from_markers,
        ),
        Command(
            "&Mark",
            "Remove marks",
            "take markers, region and cursor away",
            ("Esc",),
            inspector.clear,
        ),
    ]
