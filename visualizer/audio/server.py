"""The sound server's own sources: PulseAudio's, or PipeWire's, which speaks the same protocol.

PortAudio sees one ALSA device that leads to the server; which of the server's sources that then
is, "what the speakers play" among them, is said here. Only Linux has such servers; elsewhere, and
where there is none, there are no sources. Everything here may hang with the server.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from visualizer.audio.devices import Device

_RETRY_S = 2.0
_RECORDING_LIMIT_S = 2.0
_MONITOR = ".monitor"

_log = logging.getLogger(__name__)


def server_sources(first_index: int) -> list[Device]:
    """Return all sources; none where there is no server, or no libpulse to speak to it with."""
    try:
        with _connected() as pulse:
            return _read(pulse, first_index)
    except Exception as error:
        # A list without them is better than no list, whatever the server or libpulse said.
        _log.debug("no sources of a sound server: %r", error)
        return []


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
            with _connected() as pulse:
                _listen(pulse, compare)
        except (ImportError, OSError):
            return
        except Exception as error:
            _log.debug("the sound server is gone, or there is none: %r", error)
            compare([])
        time.sleep(_RETRY_S)


def leading_to(node: str) -> dict[str, str]:
    """The environment in which a device that leads to the server is opened as this source."""
    # PipeWire's plugin for ALSA has no monitors: there, the sink itself is captured.
    is_monitor = node.endswith(_MONITOR)
    return {
        "PULSE_SOURCE": node,
        "PIPEWIRE_NODE": node.removesuffix(_MONITOR),
        "PIPEWIRE_ALSA": f"{{ stream.capture.sink = {str(is_monitor).lower()} }}",
    }


def is_recorded_here(node: str) -> bool:
    """Whether the server says, soon enough, that this process records from the source."""
    deadline = time.monotonic() + _RECORDING_LIMIT_S
    try:
        with _connected() as pulse:
            while not _records(pulse, node):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            return True
    except Exception as error:
        _log.warning("the sound server does not say what is recorded: %r", error)
        return False


def _records(pulse: Any, node: str) -> bool:
    # PipeWire says whose a recording is by its client alone.
    own = {
        client.index
        for client in pulse.client_list()
        if client.proplist.get("application.process.id") == str(os.getpid())
    }
    nodes = {source.index: source.name for source in pulse.source_list()}
    return any(
        output.client in own and nodes.get(output.source) == node
        for output in pulse.source_output_list()
    )


@contextmanager
def _connected() -> Iterator[Any]:
    """A pulsectl.Pulse. Raises what pulsectl raises, OSError without libpulse."""
    # Loading it takes a tenth of a second, which most starts of the program can do without.
    import pulsectl

    with pulsectl.Pulse("mel-visualizer", connect=False) as pulse:
        # Without a time limit: pulsectl's always waits until it is over.
        pulse.connect(autospawn=False)
        yield pulse


def _read(pulse: Any, first_index: int = 0) -> list[Device]:
    # PipeWire calls itself "PulseAudio (on PipeWire …)".
    server = "PipeWire" if "PipeWire" in pulse.server_info().server_name else "PulseAudio"
    sinks = {sink.name: sink.description or sink.name for sink in pulse.sink_list()}
    return [
        Device(
            index=index,
            name=(
                f"{sinks[source.monitor_of_sink_name]} (what it plays)"
                if source.monitor_of_sink_name in sinks
                else source.description or source.name
            ),
            host_api=server,
            channels=source.channel_count,
            # Its own; the server converts to any other.
            native_rate=source.sample_spec.rate,
            server_source=source.name,
        )
        for index, source in enumerate(pulse.source_list(), first_index)
    ]


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
            tell(_read(pulse))
        pulse.event_listen()
