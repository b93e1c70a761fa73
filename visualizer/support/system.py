"""What pip cannot bring: system libraries, programs, and a display to open a window on.

Standard library only, so that the launcher can ask before anything is installed. It has to ask
before Qt starts: Qt ends the whole process when one of its libraries or the display is missing.
Only on Linux can anything be missing; on macOS and Windows the wheels carry all of it.
"""

import ctypes
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from visualizer.errors import DisplayError


@dataclass(frozen=True)
class Need:
    """One library (by its soname) or program, and the packages that hold it.

    Where the name under dnf is that under apt, and the name under pacman that under dnf, it is "".
    """

    what: str
    purpose: str
    apt: str
    dnf: str = ""
    pacman: str = ""


_SOUND = "sound from a microphone"
_WINDOW = "the window (Qt)"
_TEST = "the tests"

SOUND = (Need("libportaudio.so.2", _SOUND, "libportaudio2", "portaudio"),)

# What PyQt6's own libraries and its xcb plugin link to outside their wheel.
WINDOW = tuple(
    Need(what, _WINDOW, *packages)
    for what, *packages in (
        ("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor"),
        ("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm"),
        ("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms"),
        ("libxcb-image.so.0", "libxcb-image0", "xcb-util-image"),
        ("libxcb-util.so.1", "libxcb-util1", "xcb-util"),
        ("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil"),
        ("libxcb-randr.so.0", "libxcb-randr0", "libxcb"),
        ("libxcb-render.so.0", "libxcb-render0", "libxcb"),
        ("libxcb-shape.so.0", "libxcb-shape0", "libxcb"),
        ("libxcb-shm.so.0", "libxcb-shm0", "libxcb"),
        ("libxcb-sync.so.1", "libxcb-sync1", "libxcb"),
        ("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb"),
        ("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb"),
        ("libxcb.so.1", "libxcb1", "libxcb"),
        ("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11"),
        ("libX11.so.6", "libx11-6", "libX11", "libx11"),
        ("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
        ("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
        ("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
        ("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
        ("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
        ("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
        ("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
        ("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    )
)

# Never closed: some servers (Xvfb) reset themselves when their last client leaves, and turn away
# who comes meanwhile. That would be Qt.
_held_x_connection: list[int] = []

TEST_PROGRAMS = (
    Need("pulseaudio", _TEST, "pulseaudio"),
    Need("pactl", _TEST, "pulseaudio-utils", "", "libpulse"),
    Need("Xvfb", _TEST, "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need("xdotool", _TEST, "xdotool"),
    Need("desktop-file-validate", _TEST, "desktop-file-utils"),
)

# For compiled kernels; the program itself goes on without one.
COMPILER = Need("g++", _TEST, "g++", "gcc-c++", "gcc")

# ALSA opens it by path, so the linker's search does not find it.
ALSA_PULSE = Need(
    "libasound_module_pcm_pulse.so",
    _TEST,
    "libasound2-plugins",
    "alsa-plugins-pulseaudio",
    "alsa-plugins",
)
ALSA_PLUGIN_FOLDERS = ("*-linux-gnu*/alsa-lib", "../lib64/alsa-lib", "alsa-lib")


def missing(test: bool = False, window: bool = True) -> list[Need]:
    """Return what is missing on this machine, in a fixed order; always empty outside Linux.

    Args:
        test: also look for what only the tests need.
        window: also look for what only the window needs.
    """
    if not sys.platform.startswith("linux"):
        return []
    absent = [need for need in SOUND if not _loads(need.what)]
    if window or test:
        absent += [need for need in WINDOW if not _loads(need.what)]
    if test:
        absent += [need for need in TEST_PROGRAMS if shutil.which(need.what) is None]
        if not any(map(shutil.which, (COMPILER.what, "clang++"))):
            absent.append(COMPILER)
        usr_lib = Path("/usr/lib")
        if not any(any(usr_lib.glob(f"{f}/{ALSA_PULSE.what}")) for f in ALSA_PLUGIN_FOLDERS):
            absent.append(ALSA_PULSE)
    return absent


def install_command(needs: Iterable[Need]) -> list[str] | None:
    """Return the one command that installs `needs`; None without needs or a known installer.

    It starts with sudo where that is needed and there. Being an argument list, it is shown with
    `shlex.join`.
    """
    needs = list(needs)
    if not needs:
        return None
    if shutil.which("apt-get"):
        packages = shlex.join(dict.fromkeys(need.apt for need in needs))
        # A fresh container has no package lists. A failing update does not stop the line: one
        # broken source of many must not keep the others from being used.
        command = [
            "sh",
            "-c",
            "apt-get update; DEBIAN_FRONTEND=noninteractive "
            f"apt-get install -y --no-install-recommends {packages}",
        ]
    elif shutil.which("dnf"):
        command = ["dnf", "install", "-y", *dict.fromkeys(need.dnf or need.apt for need in needs)]
    elif shutil.which("pacman"):
        packages_ = dict.fromkeys(need.pacman or need.dnf or need.apt for need in needs)
        command = ["pacman", "-Sy", "--needed", "--noconfirm", *packages_]
    else:
        return None
    return ["sudo", *command] if not is_root() and shutil.which("sudo") else command


def is_root() -> bool:
    """Return whether this process may install system packages without asking."""
    return sys.platform != "win32" and os.geteuid() == 0


def display_problem() -> DisplayError | None:
    """Return why no window can be opened; None when one can."""
    if not sys.platform.startswith("linux"):
        return None
    platforms = filter(None, os.environ.get("QT_QPA_PLATFORM", "").split(";"))
    if any(not platform.startswith(("xcb", "wayland")) for platform in platforms):
        return None  # offscreen, vnc and the like draw without a display
    x_display = os.environ.get("DISPLAY")
    wayland_display = os.environ.get("WAYLAND_DISPLAY")
    x_answers = bool(x_display) and _x_server_answers()
    absent = [need for need in WINDOW if x_answers and not _loads(need.what)]
    if x_answers and not absent:
        return None
    if wayland_display and _wayland_socket(wayland_display).is_socket():
        return None
    if absent:
        names = ", ".join(need.what for need in absent)
        command = install_command(absent)
        how = shlex.join(command) if command else "the package manager of this system"
        problem = f"system libraries that Qt needs are missing ({names})"
        return DisplayError(problem, f"install them with: {how}")
    if x_display:
        why = f"the X server at DISPLAY={x_display} does not answer, or refuses this user"
    elif wayland_display:
        why = f"there is no Wayland socket at {_wayland_socket(wayland_display)}"
    else:
        why = "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    return DisplayError(why, "start it in a desktop session, over `ssh -X`, or under `xvfb-run`")


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _wayland_socket(name: str) -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR", ""), name)  # an absolute name stays as it is


def _x_server_answers() -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)  # never NULL: a failed one carries its error
    answers = bool(xcb.xcb_connection_has_error(connection) == 0)
    if answers and not _held_x_connection:
        _held_x_connection.append(connection)
    else:
        xcb.xcb_disconnect(connection)
    return answers
