"""All that a person can have done in the window: the table of its menus, keys and sheet of keys."""

from __future__ import annotations

from functools import partial
from typing import get_args

from visualizer.ui.controls.menus import CHOICE, REPEATS, SWITCH, Act, Command
from visualizer.ui.controls.toolbar import span_text
from visualizer.ui.picture.display import Theme
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

PASTS_S = (10.0, 30.0, 60.0, 300.0)
"""What the menu offers to save of the past, in seconds."""

_FRONT_END = "use the front-end of a JSON file or of a model's own file"
_MODEL = "use the front-end of a model's own folder"
_REGION = "save the region's values and sound; the code for it goes on the clipboard"
_RECORD = "record the sound and its columns, or end the recording"
_PAST = "save the last {}: sound, columns and picture"
_16_BIT = "write sound as 16 bit instead of float32, which is exact"
_PAGE_FORWARD = "scroll towards now by the whole span"
_LESS = "show the first front-end less the second"
_AUTO = "let the range of colours follow the sound"
_BETWEEN = "mark the region between the markers; or Shift+drag"
_SEGMENTS = "copy what the model hears, from when to when, as a table"
_ANALYSE = "have a model in a Python file answer beside the stream"
COMMANDS = (
    Command("file.open", "Open audio file…", "Ctrl+O", "play an audio file"),
    Command("file.front-end", "Open front-end…", "Ctrl+Shift+O", _FRONT_END),
    Command("file.model", "Open model folder…", "Ctrl+Alt+O", _MODEL),
    Command("file.region", "Save region as NumPy…", "Ctrl+S", _REGION),
    Command("file.record", "Record", "Ctrl+R", _RECORD),
    *(
        Command(f"file.past.{s:g}", span_text(s), key, _PAST.format(span_text(s)))
        for s, key in zip(PASTS_S, ("", "Ctrl+Shift+S", "", ""), strict=True)
    ),
    Command("file.folder", "Recording folder…", "", "choose where recordings go"),
    Command("file.16-bit", "16-bit recordings", "", _16_BIT, SWITCH),
    Command("file.gain", "Gain…", "", "choose a gain for this sound, before everything else"),
    Command("file.devices", "Refresh devices", "F5", "look for microphones again"),
    Command("file.quit", "Quit", "Ctrl+Q", "close the window"),
    Command("view.freeze", "Freeze", "Space", "freeze the picture; capture continues"),
    Command("view.overlay", "Latency overlay", "L", "latencies on the picture"),
    Command("view.latency", "Latency panel", "P", "the latency of the columns, in charts"),
    Command("view.spectrum", "Spectrum panel", "S", "the spectrum at the cursor, or now"),
    Command("view.copy-latency", "Copy latencies", "Ctrl+Shift+C", "copy the latencies as a table"),
    Command("view.full-screen", "Full screen", "F11", "fill the screen"),
    Command("view.notes", "Note names", "N", "notes on the frequency axis, or hertz", SWITCH),
    Command("view.waveform", "Waveform", "W", "show the waveform", SWITCH),
    Command("view.difference", "Difference", "D", _LESS, SWITCH),
    *(
        Command(f"view.theme.{theme}", theme.capitalize(), "", f"{theme} colours", CHOICE)
        for theme in get_args(Theme)
    ),
    Command("time.back", "Scroll back", "Left", "scroll back through what was heard", REPEATS),
    Command("time.forward", "Scroll forward", "Right", "scroll towards now", REPEATS),
    Command("time.page-back", "Page back", "PgUp", "scroll back by the whole span", REPEATS),
    Command("time.page-forward", "Page forward", "PgDown", _PAGE_FORWARD, REPEATS),
    Command("time.oldest", "Oldest", "Home", "go to the oldest sound that is kept"),
    Command("time.live", "Live", "End", "back to now"),
    Command("time.zoom-in", "Zoom in", "+ =", "show a shorter span"),
    Command("time.zoom-out", "Zoom out", "-", "show a longer span"),
    Command("time.clock", "Time of day", "T", "time of day on the time axis, or seconds", SWITCH),
    Command("colours.auto", "Auto range", "M", _AUTO, SWITCH),
    Command("colours.default", "Default range", "R", "range of colours of the front-end"),
    Command("colours.lower-down", "Lower limit down", "[", "lower limit down", REPEATS),
    Command("colours.lower-up", "Lower limit up", "]", "lower limit up", REPEATS),
    Command("colours.upper-down", "Upper limit down", "{", "upper limit down", REPEATS),
    Command("colours.upper-up", "Upper limit up", "}", "upper limit up", REPEATS),
    Command("colours.unit", "dB or model values", "U", "in dB, or as the model gets them"),
    *(
        Command(f"mark.{way}", f"Cursor {way}", f"Ctrl+{key}", f"move the cursor {way}", REPEATS)
        for key, way in ((key, key.lower()) for key in ("Left", "Right", "Up", "Down"))
    ),
    Command("mark.a", "Marker A", "A", "put marker A at the cursor; or click"),
    Command("mark.b", "Marker B", "B", "put marker B at the cursor; or Shift+click"),
    Command("mark.region", "Region from A to B", "G", _BETWEEN),
    Command("mark.clear", "Remove marks", "Esc", "remove markers, region and cursor"),
    Command("model.file", "Analyse with file…", "Ctrl+M", _ANALYSE),
    Command("model.restart", "Start again", "F9", "load the model anew, as its file is now"),
    Command("model.threshold-down", "Threshold down", ",", "lower the model's threshold", REPEATS),
    Command("model.threshold-up", "Threshold up", ".", "raise the model's threshold", REPEATS),
    Command("model.segments", "Copy segments", "Ctrl+Shift+M", _SEGMENTS),
    Command("model.stop", "Stop analysing", "", "end the model"),
    Command("help.keys", "Keys", "?", "show this sheet"),
)
"""In the order of the menus."""

SWITCHES = {
    "time.clock": "clock_time",
    "view.notes": "note_names",
    "view.waveform": "waveform",
    "view.difference": "difference",
    "colours.auto": "auto_range",
}
"""By command: the field of DisplayConfig that it switches."""


def acts_of(viewer: Viewer) -> dict[str, Act]:
    """Return, by command, what a viewer does."""
    stack, inspector, scroll = viewer.stack, viewer.inspector, viewer.stack.scroll_back
    limit, move, mark = viewer.move_range, inspector.move_cursor, inspector.set_marker

    def switch(field: str) -> Act:
        return lambda on: viewer.show_in(**{field: on})

    return {
        **{command: switch(field) for command, field in SWITCHES.items()},
        **{f"view.theme.{t}": partial(viewer.show_in, theme=t) for t in get_args(Theme)},
        "time.back": partial(scroll, 1),
        "time.forward": partial(scroll, -1),
        "time.page-back": partial(scroll, 10),
        "time.page-forward": partial(scroll, -10),
        "time.oldest": partial(stack.show_until, 0.0),
        "time.live": stack.go_live,
        "time.zoom-in": partial(viewer.zoom, 1),
        "time.zoom-out": partial(viewer.zoom, -1),
        "colours.default": viewer.reset_range,
        "colours.lower-down": partial(limit, 0, -1),
        "colours.lower-up": partial(limit, 0, 1),
        "colours.upper-down": partial(limit, 1, -1),
        "colours.upper-up": partial(limit, 1, 1),
        "colours.unit": viewer.toggle_unit,
        "model.threshold-down": partial(viewer.move_threshold, -1),
        "model.threshold-up": partial(viewer.move_threshold, 1),
        "model.segments": viewer.copy_segments,
        "mark.left": partial(move, -1, 0),
        "mark.right": partial(move, 1, 0),
        "mark.up": partial(move, 0, 1),
        "mark.down": partial(move, 0, -1),
        "mark.a": partial(mark, "a"),
        "mark.b": partial(mark, "b"),
        "mark.region": inspector.region_from_markers,
        "mark.clear": inspector.clear,
    }
