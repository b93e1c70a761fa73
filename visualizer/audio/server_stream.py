"""A recording straight from the sound server, with the very channels of its source.

For sources whose channels ALSA's plugin, through which PortAudio reaches the server, has no names
for. It serves as a stream of sounddevice's does.

Thread "server stream", one for each, owned here: it speaks with the server, and runs the callback.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.devices import Device
from visualizer.audio.server import OPENING, STAYS, connected
from visualizer.errors import DeviceError

_READY_LIMIT_S = 2.0
_END_S = 0.25
"""A stream that is closed ends so soon."""
_NO_LIMIT = 2**32 - 1
_NATIVE_BYTES = 4

_log = logging.getLogger(__name__)


class ServerStream:
    """Records one source of the server, as promptly as can be."""

    latency = 0.0
    """not known"""

    def __init__(
        self,
        source: Device,
        sample_rate: int,
        callback: Callable[..., None],
        finished: Callable[[], None],
        block_length: int,
        opening: str,
    ) -> None:
        """Begin to record `source` at `sample_rate` (Hz); `callback` drops what it has no use for.

        Callbacks, `block_length` and `opening` are those of `open_stream`. Raises DeviceError.
        """
        self._source = source
        self._sample_rate = sample_rate
        self._callback, self._finished = callback, finished
        self._block_length, self._opening = block_length, opening
        self._ready = threading.Event()
        self._is_over = False
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._run, name="server stream", daemon=True)
        self._thread.start()
        if not self._ready.wait(_READY_LIMIT_S) or self._fault is not None:
            self._is_over = True
            raise DeviceError(
                f"the sound server does not let {source.name!r} be recorded: "
                f"{self._fault or 'it does not answer'}"
            )

    def start(self) -> None:
        """Blocks come from the beginning on."""

    def abort(self) -> None:
        """Let no more blocks come."""
        self._is_over = True
        self._thread.join(2 * _END_S)

    def close(self) -> None:
        """Nothing is left after `abort`."""

    def _run(self) -> None:
        try:
            with connected() as pulse:
                self._record(pulse)
        except Exception as error:
            _log.debug("the server's stream ended: %r", error)
            self._fault = repr(error)
        finally:
            self._ready.set()
            if not self._is_over:
                self._finished()

    def _record(self, pulse: Any) -> None:
        # pulsectl has libpulse's streams for its level meter, without a class of their own.
        from pulsectl import _pulsectl as lib

        positions = self._source.positions
        layout = lib.PA_CHANNEL_MAP()
        lib.pa.channel_map_parse(ctypes.byref(layout), ",".join(positions).encode())
        spec = lib.PA_SAMPLE_SPEC(
            format=lib.PA_SAMPLE_FLOAT32NE, rate=self._sample_rate, channels=len(positions)
        )
        properties = lib.pa.proplist_from_string(f"{OPENING}={self._opening} {STAYS}=true")
        stream = lib.pa.stream_new_with_proplist(
            pulse._ctx, "recording", ctypes.byref(spec), ctypes.byref(layout), properties
        )
        lib.pa.proplist_free(properties)
        status = SimpleNamespace(input_overflow=False)

        @lib.PA_STREAM_REQUEST_CB_T  # type: ignore[untyped-decorator]
        def take(stream: Any, _n_bytes: int, _: Any) -> None:
            for samples in _blocks(lib, stream, len(positions)):
                if not self._is_over:
                    self._callback(samples, len(samples), None, status)

        lib.pa.stream_set_read_callback(stream, take, None)
        block = self._block_length * len(positions) * _NATIVE_BYTES
        node = self._source.server_source
        lib.pa.stream_connect_record(
            stream,
            None if node is None else node.encode(),
            lib.PA_BUFFER_ATTR(fragsize=block, maxlength=_NO_LIMIT),
            lib.PA_STREAM_DONT_MOVE | lib.PA_STREAM_ADJUST_LATENCY,
        )
        self._ready.set()
        pulse.event_callback_set(lambda _: None)
        try:
            while not self._is_over:
                pulse.event_listen(_END_S)
        finally:
            if pulse.connected:
                lib.pa.stream_disconnect(stream)
            lib.pa.stream_unref(stream)


def _blocks(lib: Any, stream: Any, n_channels: int) -> list[NDArray[np.float32]]:
    """Take what came, as (n_samples, n_channels); what is missing is left out."""
    taken: list[NDArray[np.float32]] = []
    while True:
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        place = ctypes.cast(ctypes.byref(size), ctypes.POINTER(ctypes.c_int))
        lib.pa.stream_peek(stream, ctypes.byref(data), place)
        if size.value == 0:
            return taken
        if data.value is not None:
            content = ctypes.string_at(data.value, size.value)
            taken.append(np.frombuffer(content, np.float32).reshape(-1, n_channels))
        lib.pa.stream_drop(stream)
