"""Which output is meant; see visualizer/audio/catalogue.py for those that there are."""

from __future__ import annotations

from collections.abc import Sequence

from visualizer.audio.catalogue import Entry
from visualizer.audio.names import left_out_words
from visualizer.errors import DeviceError, quoted


def find_output(outputs: Sequence[Entry], unreadable: int, wanted: str | None) -> Entry:
    """The one that is meant: by index, exact name, or a part that only one name has.

    None means the system's default. `unreadable` tells how many could not be listed. Raises
    DeviceError, saying what there is, where none or several fit.
    """
    left_out = f"; {left_out_words(unreadable)}" if unreadable else ""
    if not outputs:
        raise DeviceError("no output was found", f"plug in or switch on a loudspeaker{left_out}")
    if wanted is None:
        fitting = [output for output in outputs if output.is_default]
        problem = "the system names no default output"
    elif wanted.isdecimal():
        fitting = [output for output in outputs if output.index == int(wanted)]
        problem = f"there is no output {quoted(wanted)}"
    else:
        part = wanted.casefold()
        fitting = [output for output in outputs if output.name == wanted] or [
            output for output in outputs if part in output.name.casefold()
        ]
        problem = f"{len(fitting) or 'no'} outputs fit {quoted(wanted)}"
    if len(fitting) != 1:
        there_is = ", ".join(f"{output.index} {output.name!r}" for output in outputs)
        raise DeviceError(problem, f"name one of {there_is} (--output){left_out}")
    return fitting[0]
