"""PortAudio itself: loaded, started anew, and what it says.

Everything here may hang with the sound system: call it from the device thread or from a process
of its own, never from the window's thread.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from visualizer.errors import DeviceError

_TRIAL_LIMIT_S = 6.0
_TRIAL_PAUSE_S = 20.0
"""After a trial that failed, before the next."""
_WINDOWS_CRASH = 0xC0000000
"""Exit codes from here on are crashes."""
_NO_JACK = {"JACK_DEFAULT_SERVER": "none-for-this-program"}
"""With this, libjack finds no server. PortAudio ends the whole process by a failed assertion when
it is ended after a JACK server that it has once found, even one that was never recorded from."""
_loading = threading.Lock()
"""Held while PortAudio starts."""
# PortAudio is one for the whole process, and so is this: who is inside, and the streams that are
# open, with their host APIs.
_inside: list[threading.Thread] = []
_streams: dict[Any, str] = {}
_JACK = "JACK"
_failed: list[tuple[float, DeviceError]] = []


def load_soon() -> None:
    """Load PortAudio on a thread of its own, while something else is loaded."""

    def load() -> None:
        # It is raised again where a device is opened.
        with suppress(DeviceError):
            portaudio()

    threading.Thread(target=load, name="portaudio", daemon=True).start()


def portaudio() -> ModuleType:
    """The sounddevice module, which loads PortAudio.

    Raises DeviceError where that fails.
    """
    with _loading:
        if _failed and time.monotonic() < _failed[-1][0]:
            raise _failed[-1][1]
        return _load()


@functools.cache
def _load() -> ModuleType:
    _try_apart()
    _keep_the_terminal()
    try:
        with environment(_NO_JACK):
            import sounddevice
    except OSError as error:
        raise _remembered(
            math.inf,
            DeviceError(
                "the PortAudio library is missing, so no microphone can be opened",
                "install it (Debian, Ubuntu: libportaudio2; Fedora, Arch: portaudio) and start "
                "again",
            ),
        ) from error
    except Exception as error:
        # A broken ALSA configuration makes PortAudio's own start fail inside the import.
        raise DeviceError(
            f"PortAudio does not start ({error})",
            "check the sound configuration (`arecord -l` and ~/.asoundrc on Linux) and start again",
        ) from error
    module: ModuleType = sounddevice
    return module


def wait_for_start(limit_s: float) -> None:
    """Let a start of PortAudio come to its end before this process does: see `lock_hint`."""
    if _loading.acquire(timeout=max(0.0, limit_s)):
        _loading.release()


def _try_apart() -> None:
    """See in another process whether PortAudio starts: some sound configurations make it abort."""
    command = [sys.executable, "-P", "-c", "import sounddevice"]
    try:
        trial = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_LIMIT_S,
            env=os.environ | _NO_JACK,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"PortAudio has not started within {_TRIAL_LIMIT_S:g} s",
            f"does the sound server answer (`pactl info` on Linux)?{lock_hint()}",
        ) from error
    except OSError:
        # No process to try it in; then it must do without.
        return
    code = trial.returncode
    if code < 0 or code >= _WINDOWS_CRASH:
        how = signal.strsignal(-code) if code < 0 else hex(code)
        raise _remembered(
            _TRIAL_PAUSE_S,
            DeviceError(
                f"PortAudio crashes with this sound configuration ({how})",
                "check it (`arecord -l` and ~/.asoundrc on Linux)",
            ),
        )


def lock_hint(shared_memory: Path = Path("/dev/shm")) -> str:
    """What else may help where PortAudio does not start.

    A process that ends while JACK's library, which PortAudio looks into, opens its database leaves
    it locked for all others of the user.
    """
    if sys.platform != "linux":
        return ""
    database = shared_memory / f"jack_db-{os.getuid()}"
    if not database.is_dir():
        return ""
    return (
        f" If it does, JACK's database may be locked: with no JACK server running, rm -r {database}"
    )


def _remembered(pause_s: float, error: DeviceError) -> DeviceError:
    """Let the error hold for so long, so that trying again and again costs nothing."""
    _failed.append((time.monotonic() + pause_s, error))
    return error


@contextmanager
def environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """These variables, for libraries that read them, and then what was there before.

    None: without that one.
    """
    before = {name: os.environ.get(name) for name in values}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_ALSA_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_JACK_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
_IGNORE_ALSA = _ALSA_HANDLER(lambda *_: None)
_IGNORE_JACK = _JACK_HANDLER(lambda _: None)


def _keep_the_terminal() -> None:
    """ALSA and JACK print a page of complaints on every scan of a healthy machine."""
    if sys.platform != "linux":
        return
    for name, handlers in (
        ("libasound.so.2", {"snd_lib_error_set_handler": _IGNORE_ALSA}),
        (
            "libjack.so.0",
            {"jack_set_error_function": _IGNORE_JACK, "jack_set_info_function": _IGNORE_JACK},
        ),
    ):
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            for function, handler in handlers.items():
                getattr(library, function)(handler)


@contextmanager
def inside() -> Iterator[None]:
    """Around what may hang in PortAudio: while one does, it is not ended under its feet."""
    thread = threading.current_thread()
    _inside.append(thread)
    try:
        yield
    finally:
        _inside.remove(thread)


def rescan(*, jack: bool = False) -> None:
    """Let PortAudio look again: it lists the devices once, when it starts.

    JACK's are among them only with `jack`. Where a stream is open, or hangs, the list stays as it
    was. Raises DeviceError where PortAudio does not start again.
    """
    sd = portaudio()
    if _streams or any(thread is not threading.current_thread() for thread in _inside):
        return
    try:
        with _loading:
            # After a start that failed there is nothing to end.
            if sd._initialized:
                sd._terminate()
            with environment({} if jack else _NO_JACK):
                sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {words(error)}") from error


def note_opened(stream: Any, host_api: str) -> None:
    """Let no list be made anew until `close_stream` has closed this one."""
    _streams[stream] = host_api


def close_stream(stream: Any, *, is_dead: bool) -> None:
    """Stop and close it; `abort`, since `stop` can hang on a suspended device.

    A dead stream of a JACK server that is gone is left as it is, for ever: closing it, or ending
    PortAudio, would end this process. What was listed stays listed.
    """
    if is_dead and is_jack(_streams[stream]):
        atexit.unregister(portaudio()._exit_handler)
        return
    try:
        stream.abort()
    finally:
        try:
            stream.close()
        finally:
            _streams.pop(stream, None)


def is_jack(host_api: str) -> bool:
    return host_api.startswith(_JACK)


def require_jack() -> None:
    """Raise DeviceError where JACK's server went away: PortAudio does not connect again."""
    if any(map(is_jack, list(_streams.values()))):
        raise DeviceError(
            "the JACK server went away, and PortAudio connects to one only once in a process",
            "start this program again, or choose another device",
        )


def words(error: Exception) -> str:
    """What PortAudio said, without the exception's dressing."""
    return str(error.args[0]) if error.args else type(error).__name__
