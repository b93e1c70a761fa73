"""The sound server's own sources: PulseAudio's, or PipeWire's, which speaks the same protocol.

PortAudio sees one ALSA device that leads to the server; which of the server's sources that then
is, "what the speakers play" among them, is said here. Only Linux has such servers; elsewhere, and
where there is none, there are no sources. Everything here may hang with the server.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from visualizer.audio.devices import Device, told_apart

PULSEAUDIO, PIPEWIRE = "PulseAudio", "PipeWire"
"""The servers' names, which stand where others' have that of a host API."""
_RETRY_S = 2.0
_NAMED_LIMIT_S, _SOON_S = 2.0, 1.0
"""For the server to say what is recorded: a source that was named, or whatever the device is."""
_ASK_AGAIN_S = 0.02
_MONITOR = ".monitor"
STAYS = "node.dont-reconnect"
"""The property with which a recording ends with its source, for PipeWire."""
OPENING = "mel-visualizer.opening"
"""The property by which the server's client of an opening is known."""

_log = logging.getLogger(__name__)


def server_sources(first_index: int) -> list[Device]:
    """Return all sources; none where there is no server, or no libpulse to speak to it with."""
    try:
        with connected() as pulse:
            return list(read_sources(pulse, first_index).values())
    except Exception as error:
        # A list without them is better than no list, whatever the server or libpulse said.
        _log.debug("no sources of a sound server: %r", error)
        return []


def default_source() -> Device | None:
    """Return the source that is recorded where none is named; None where no server says it."""
    try:
        with connected() as pulse:
            name = pulse.server_info().default_source_name
            sources = read_sources(pulse).values()
            return next((one for one in sources if one.server_source == name), None)
    except Exception as error:
        _log.debug("no default source of a sound server: %r", error)
        return None


def follow_sources(on_change: Callable[[], None]) -> None:
    """Call `on_change` when the sources are others than before. Returns only without libpulse."""
    known: list[Device] = []

    def compare(sources: list[Device]) -> None:
        nonlocal known
        if sources != known:
            known = sources
            on_change()

    while True:
        try:
            with connected() as pulse:
                _listen(pulse, compare)
        except (ImportError, OSError):
            return
        except Exception as error:
            _log.debug("the sound server is gone, or there is none: %r", error)
            compare([])
        time.sleep(_RETRY_S)


def leading_to(node: str, opening: str) -> dict[str, str]:
    """The environment in which a device that leads to the server is opened as this source.

    `opening` is the value of the property `OPENING` that the recording will have.
    """
    # PipeWire's plugin for ALSA has no monitors: there, the sink itself is captured.
    is_monitor = node.endswith(_MONITOR)
    return named(opening) | {
        "PULSE_SOURCE": node,
        "PIPEWIRE_NODE": node.removesuffix(_MONITOR),
        # PipeWire then ends a recording whose source is gone; PulseAudio knows no such wish.
        f"PULSE_PROP_{STAYS}": "true",
        "PIPEWIRE_ALSA": f"{{ {OPENING} = {opening} {STAYS} = true "
        f"stream.capture.sink = {str(is_monitor).lower()} }}",
    }


def named(opening: str) -> dict[str, str]:
    """The environment in which what is opened has this value of the property `OPENING`."""
    return {f"PULSE_PROP_{OPENING}": opening}


@functools.cache
def _pulsectl() -> Any:
    """Loading it takes a tenth of a second, which most starts of the program can do without."""
    import pulsectl

    def keep_rate(info: Any, struct: Any) -> None:
        # Its own `sample_spec` is a view of memory that libpulse frees.
        info.rate = int(struct.sample_spec.rate)

    pulsectl.PulseServerInfo._init_from_struct = keep_rate
    pulsectl.PulseSourceInfo._init_from_struct = keep_rate
    return pulsectl


@contextmanager
def connected(poll: Callable[[list[Any], float], int] | None = None) -> Iterator[Any]:
    """A pulsectl.Pulse, that waits by `poll`, see its `set_poll_func`.

    Raises what pulsectl raises, OSError without libpulse.
    """
    with _pulsectl().Pulse("mel-visualizer", connect=False) as pulse:
        if poll is not None:
            pulse.set_poll_func(poll, lambda *_: None)
        # Without a time limit: pulsectl's always waits until it is over.
        pulse.connect(autospawn=False)
        yield pulse


def read_sources(pulse: Any, first_index: int = 0) -> dict[int, Device]:
    """Return the sources by the server's own numbers of them."""
    # PipeWire calls itself "PulseAudio (on PipeWire …)".
    info = pulse.server_info()
    server = PIPEWIRE if PIPEWIRE in info.server_name else PULSEAUDIO
    sinks = {sink.name: sink.description or sink.name for sink in pulse.sink_list()}
    sources = pulse.source_list()
    devices = [
        Device(
            index=index,
            name=(
                f"{sinks[source.monitor_of_sink_name]} (what it plays)"
                if source.monitor_of_sink_name in sinks
                else source.description or source.name
            ),
            host_api=server,
            channels=source.channel_count,
            # All that passes PipeWire has its graph's rate.
            native_rate=info.rate if server == PIPEWIRE else source.rate,
            server_source=source.name,
            positions=tuple(source.channel_list),
            source_rate=source.rate,
        )
        for index, source in enumerate(sources, first_index)
    ]
    numbers = (source.index for source in sources)
    return dict(zip(numbers, told_apart(devices), strict=True))


def own_recording(pulse: Any, opening: str) -> Any:
    """Return the newest recording of an opening of this process: ALSA's plugin may begin another.

    None: there is none.
    """
    clients = {client.index: client.proplist for client in pulse.client_list()}
    own: list[tuple[bool, int, Any]] = []
    for output in pulse.source_output_list():
        properties = clients.get(output.client, {}) | output.proplist
        named = properties.get(OPENING)
        # PipeWire's plugin for ALSA does not say more than whose it is.
        is_process = properties.get("application.process.id") == str(os.getpid())
        if named == opening or (named is None and is_process):
            own.append((named is not None, output.index, output))
    return max(own, key=lambda one: one[:2])[2] if own else None


def recorded_as(opening: str, node: str | None) -> tuple[Device, tuple[str, ...]] | None:
    """Return what an opening records, and the positions of its own channels.

    None: the server says, soon enough, nothing of it, or it is not `node`.
    """
    deadline = time.monotonic() + (_SOON_S if node is None else _NAMED_LIMIT_S)
    try:
        with connected() as pulse:
            while True:
                sources, recording = read_sources(pulse), own_recording(pulse, opening)
                source = None if recording is None else sources.get(recording.source)
                if source is not None and node in (None, source.server_source):
                    return source, tuple(recording.channel_list)
                if time.monotonic() > deadline:
                    return None
                time.sleep(_ASK_AGAIN_S)
    except Exception as error:
        _log.debug("the sound server does not say what is recorded: %r", error)
        return None


def _listen(pulse: Any, tell: Callable[[list[Device]], None]) -> None:
    """Tell the sources now and after each event, until the server is gone (an exception)."""
    import pulsectl

    has_changed = True

    def on_event(_: object) -> None:
        nonlocal has_changed
        has_changed = True
        raise pulsectl.PulseLoopStop

    pulse.event_callback_set(on_event)
    pulse.event_mask_set("source")
    while True:
        # What happens while the sources are read is noted, too, but stops no listening.
        while has_changed:
            has_changed = False
            tell(list(read_sources(pulse).values()))
        pulse.event_listen()
