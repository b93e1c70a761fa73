"""PortAudio itself: loaded, started anew, and what it says.

Everything here may hang with the sound system: call it from the device thread or from a process
of its own, never from the window's thread.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import sys
from types import ModuleType

from visualizer.errors import DeviceError


@functools.cache
def portaudio() -> ModuleType:
    """The sounddevice module, which loads PortAudio.

    Raises DeviceError in words where that fails.
    """
    _silence_alsa()
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "the PortAudio library is missing, so no microphone can be opened; install it "
            "(Debian, Ubuntu: libportaudio2; Fedora, Arch: portaudio) and start again"
        ) from error
    except Exception as error:
        # A broken ALSA configuration makes PortAudio's own start fail inside the import.
        raise DeviceError(
            f"PortAudio does not start ({error}); check the sound configuration "
            "(`arecord -l` and ~/.asoundrc on Linux) and start again"
        ) from error
    module: ModuleType = sounddevice
    return module


_ERROR_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_IGNORE_MESSAGE = _ERROR_HANDLER(lambda *_: None)


def _silence_alsa() -> None:
    """ALSA prints a page of complaints on every scan of a healthy machine; keep the terminal."""
    if sys.platform != "linux":
        return
    library = ctypes.util.find_library("asound")
    if library is not None:
        ctypes.CDLL(library).snd_lib_error_set_handler(_IGNORE_MESSAGE)


def rescan() -> None:
    """Let PortAudio look again: it lists the devices once, when it starts.

    Ends open streams. Raises DeviceError where PortAudio does not start again.
    """
    sd = portaudio()
    try:
        # After a start that failed there is nothing to end.
        if sd._initialized:
            sd._terminate()
        sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {words(error)}") from error


def words(error: Exception) -> str:
    """What PortAudio said, without the exception's dressing."""
    return str(error.args[0]) if error.args else type(error).__name__
