"""Which channels of a recording are which of the sound server's source.

The server brings channels together by the names of their positions. What has no counterpart of its
name is mixed into others, or left out. ALSA's plugin names the channels of a recording by their
number alone, see `_plugin`; so a recording of as many as it takes has each of the source's channels
by itself, elsewhere and among others.
"""

from __future__ import annotations

from collections.abc import Sequence

# fmt: off
_FIRST = (
    "front-left", "front-right", "rear-left", "rear-right", "front-center", "lfe",
    "side-left", "side-right",
)
# fmt: on
_GROUPS = (8, 6, 5, 4, 2, 1)
"""The plugin gives a recording the largest of these numbers of positions that it has channels for,
and calls the rest aux0, aux1, …"""
PLUGIN_MAX = 32
"""What ALSA's plugin for PulseAudio, and PulseAudio itself, have at most."""


def channels_to_open(source: Sequence[str]) -> int | None:
    """Return with how many channels ALSA's plugin records each of a source's by itself.

    `source` has the position of each, as the server calls it. None: there is no such number.
    """
    numbers = range(len(source), PLUGIN_MAX + 1)
    return next((n for n in numbers if channel_order(source, _plugin(n)) is not None), None)


def channel_order(source: Sequence[str], recording: Sequence[str]) -> tuple[int, ...] | None:
    """Return the index in a recording of each channel of its source.

    Args:
        source: The positions of the source's channels, as the server calls them.
        recording: Those of the recording's.

    Returns:
        None where not every channel of the source is in the recording by itself.
    """
    if len(source) == len(recording) == 1 or tuple(source) == tuple(recording):
        # One is what it is, whatever it is called.
        return tuple(range(len(source)))
    is_known = all(source.count(one) == recording.count(one) == 1 for one in source)
    return tuple(recording.index(one) for one in source) if is_known else None


def _plugin(n: int) -> tuple[str, ...]:
    """Return how ALSA's plugin for PulseAudio calls the channels of a recording.

    Measured for 1 to 32 with PulseAudio 16 and alsa-plugins 1.2.7; libpulse's documentation has it
    as pa_channel_map_init_extend of PA_CHANNEL_MAP_ALSA.
    """
    if n == 1:
        return ("mono",)
    named = next(group for group in _GROUPS if group <= n)
    return _FIRST[:named] + tuple(f"aux{i}" for i in range(n - named))
