"""What pip cannot bring and only the tests need: programs, and what sound servers are reached by.

Standard library only, so that the launcher can ask before anything is installed.
"""

import os
import shutil
import sys
from pathlib import Path

from visualizer.support.system import COMPILER, Need

PURPOSE = "the tests"

PROGRAMS = (
    Need("pulseaudio", PURPOSE, "pulseaudio"),
    Need("pactl", PURPOSE, "pulseaudio-utils", "", "libpulse"),
    Need("Xvfb", PURPOSE, "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need("weston", PURPOSE, "weston"),
    Need("xdotool", PURPOSE, "xdotool"),
    Need("openbox", PURPOSE, "openbox"),
    Need("setxkbmap", PURPOSE, "x11-xkb-utils", "setxkbmap", "xorg-setxkbmap"),
    Need("desktop-file-validate", PURPOSE, "desktop-file-utils"),
    Need("ffmpeg", PURPOSE, "ffmpeg"),
    Need("strace", PURPOSE, "strace"),
    Need("dbus-daemon", PURPOSE, "dbus", "dbus-daemon", "dbus"),
    Need("localedef", PURPOSE, "libc-bin", "glibc-common", "glibc"),
)

LOCALE_SOURCES = Need(
    "/usr/share/i18n/locales/en_US", PURPOSE, "locales", "glibc-locale-source", "glibc"
)
# ALSA opens it by path, so the linker's search does not find it.
ALSA_PULSE = Need(
    "libasound_module_pcm_pulse.so",
    PURPOSE,
    "libasound2-plugins",
    "alsa-plugins-pulseaudio",
    "alsa-plugins",
)
ALSA_PLUGIN_FOLDERS = ("*-linux-gnu*/alsa-lib", "../lib64/alsa-lib", "alsa-lib")


def pipewire_root() -> Path | None:
    """Return the folder that PipeWire's packages were unpacked into; None: there is none."""
    folder = os.environ.get("MEL_VISUALIZER_PIPEWIRE")
    root = Path(folder) if folder else Path(__file__).parents[1] / ".pipewire"
    return root if (root / "usr" / "bin" / "wireplumber").is_file() else None


def missing() -> list[Need]:
    """Return what of it this machine lacks, in a fixed order; always empty outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    absent = [need for need in PROGRAMS if shutil.which(need.what) is None]
    if not any(map(shutil.which, (COMPILER.what, "clang++"))):
        absent.append(COMPILER)
    if not Path(LOCALE_SOURCES.what).exists():
        absent.append(LOCALE_SOURCES)
    usr_lib = Path("/usr/lib")
    if not any(any(usr_lib.glob(f"{f}/{ALSA_PULSE.what}")) for f in ALSA_PLUGIN_FOLDERS):
        absent.append(ALSA_PULSE)
    return absent
