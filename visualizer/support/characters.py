"""Text on an output whose encoding does not have all of its characters.

Encodings such as cp1252, ISO 8859-1 and ASCII lack some that the program writes, and file names may
hold bytes that are no text at all. What cannot be shown is replaced, and nothing ends for it.
"""

from __future__ import annotations

import codecs
import io
import sys

_HANDLER = "mel-visualizer"

_ALIKE = {
    "·": "|",
    "×": "x",
    "−": "-",
    "–": "-",
    "…": "...",
    "±": "+-",
    "→": ">",
    "≤": "<=",
    "µ": "u",
    "♯": "#",
    "½": "1/2",
    "√": "sqrt ",
    "Δ": "d",
    "Σ": "sum",
    "π": "pi",
    "●": "*",
    **dict(zip("▁▂▃▄▅▆▇█", ".:-=+*#@", strict=True)),
}
"""Those that the program writes, as ASCII has them; in tables, one for one."""


def replace_what_cannot_be_shown() -> None:
    """Let standard output and error replace characters that their encodings do not have."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        # What stands in for a stream may be another kind of file.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unshown = error.object[error.start : error.end]
    shown = "".join(_shown(character, error.encoding) for character in unshown)
    # UTF-8's own encoder takes no text but ASCII here.
    return shown if shown.isascii() else shown.encode(error.encoding), error.end


def _shown(character: str, encoding: str) -> str:
    # Here, since most outputs need nothing of it.
    import unicodedata

    plain = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in plain if not unicodedata.combining(part))
    for alike in (_ALIKE.get(character, ""), bare, "\N{REPLACEMENT CHARACTER}"):
        if alike and _has(encoding, alike):
            return alike
    return "?"


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True
