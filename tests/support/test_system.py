"""What is missing on the machine, the line that installs it, and whether a window can be opened."""

import ctypes
import importlib.util
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs
from visualizer.support import system

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture
def only_programs(tmp_path, monkeypatch):
    """Return a function that makes PATH hold just the named programs."""

    def make(*names: str) -> Path:
        for name in names:
            program = tmp_path / name
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    return make


@pytest.fixture
def display(monkeypatch):
    """Return a function that sets exactly the given display variables."""

    def make(**variables: str) -> None:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return make


@pytest.fixture
def without(monkeypatch):
    """Return a function that makes the linker find every library but the named ones."""

    def make(*sonames: str) -> None:
        def load(name: str) -> None:
            if name in sonames:
                raise OSError(f"{name}: cannot open shared object file")

        monkeypatch.setattr(ctypes, "CDLL", load)

    return make


def names(needs):
    return [need.what for need in needs]


def test_missing_names_just_the_libraries_that_do_not_load(without):
    without("libportaudio.so.2", "libxcb-icccm.so.4")
    assert names(system.missing()) == ["libportaudio.so.2", "libxcb-icccm.so.4"]


def test_missing_without_a_window_asks_for_sound_only(without):
    without("libportaudio.so.2", "libxcb-icccm.so.4")
    assert names(system.missing(window=False)) == ["libportaudio.so.2"]


def test_what_only_the_tests_need_is_named_apart(without, only_programs, monkeypatch):
    without()
    only_programs("Xvfb", "xdotool")
    monkeypatch.setattr(needs, "ALSA_PLUGIN_FOLDERS", ("no-such-folder",))
    assert system.missing() == []
    programs = [need.what for need in needs.PROGRAMS if need.what not in ("Xvfb", "xdotool")]
    assert names(needs.missing()) == [*programs, "g++", needs.ALSA_PULSE.what]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_nothing_is_missing_outside_linux(platform, without, display, monkeypatch):
    without("libportaudio.so.2")
    display()
    monkeypatch.setattr(sys, "platform", platform)
    assert system.missing() == needs.missing() == []
    assert system.display_problem() is None


def test_the_table_covers_what_qt_links_to():
    spec = importlib.util.find_spec("PyQt6")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    qt = Path(spec.submodule_search_locations[0]) / "Qt6"
    files = [qt / "plugins/platforms/libqxcb.so", *qt.glob("lib/libQt6Widgets.so.6")]
    linked = "".join(
        subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
        for file in files
    )
    of_x11 = re.findall(r"^\s*(lib(?:xcb|X11|xkbcommon|EGL|GL\b|dbus|fontconfig)\S*)", linked, re.M)
    assert "libxcb-cursor.so.0" in of_x11
    assert set(of_x11) - set(names(system.WINDOW)) == set()


NEEDS = [
    system.Need("liba.so", "a", "a-apt", "a-dnf", "a-pacman"),
    system.Need("libb.so", "b", "b-apt", "a-dnf", "a-pacman"),
]


@pytest.mark.parametrize(
    ("installer", "expected"),
    [
        (
            "apt-get",
            [
                "sh",
                "-c",
                "apt-get update; DEBIAN_FRONTEND=noninteractive "
                "apt-get install -y --no-install-recommends a-apt b-apt",
            ],
        ),
        ("dnf", ["dnf", "install", "-y", "a-dnf"]),
        ("pacman", ["pacman", "-Sy", "--needed", "--noconfirm", "a-pacman"]),
    ],
)
def test_install_command_speaks_to_the_package_manager_there(
    installer, expected, only_programs, monkeypatch
):
    only_programs(installer, "sudo")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert system.install_command(NEEDS) == expected
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system.install_command(NEEDS) == ["sudo", *expected]


def test_install_command_does_without_a_sudo_that_is_not_there(only_programs, monkeypatch):
    only_programs("dnf")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system.install_command(NEEDS) == ["dnf", "install", "-y", "a-dnf"]


def test_no_install_command_without_needs_or_installer(only_programs):
    only_programs("apt-get")
    assert system.install_command([]) is None
    only_programs().joinpath("apt-get").unlink()
    assert system.install_command(NEEDS) is None


def test_no_display_is_a_problem(display):
    display()
    problem = system.display_problem()
    assert problem is not None
    assert "neither DISPLAY nor WAYLAND_DISPLAY" in str(problem)


def test_an_x_server_that_is_not_there_is_a_problem(display):
    display(DISPLAY=":9731")
    problem = system.display_problem()
    assert problem is not None
    assert "DISPLAY=:9731 does not answer" in str(problem)


def test_a_running_x_server_is_fine_and_stays_so(display, monkeypatch):
    # Xvfb picks a free number itself, and writes it once it takes connections. It ends with its
    # last client: asking must not be what ends it.
    monkeypatch.setattr(system, "_held_x_connection", [])
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-terminate"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        display(DISPLAY=f":{number}")
        assert system.display_problem() is None
        display(DISPLAY=f":{number}", QT_QPA_PLATFORM="xcb")
        assert [system.display_problem() for _ in range(20)] == [None] * 20
    finally:
        server.terminate()
        server.wait()


def test_a_display_is_no_use_without_qts_libraries(display, only_programs, monkeypatch):
    # What Qt needs is installed here; only the linker's answer can be made to differ.
    display(DISPLAY=":0")
    only_programs("dnf")
    monkeypatch.setattr(system, "_x_server_answers", lambda: True)
    monkeypatch.setattr(system, "_loads", lambda soname: soname != "libxcb-cursor.so.0")
    problem = system.display_problem()
    assert problem is not None
    assert "libxcb-cursor.so.0" in str(problem)
    assert "dnf install -y xcb-util-cursor" in str(problem)


def test_a_wayland_socket_is_fine_and_a_missing_one_is_not(display, tmp_path):
    display(WAYLAND_DISPLAY="wayland-7", XDG_RUNTIME_DIR=str(tmp_path))
    problem = system.display_problem()
    assert problem is not None
    assert str(tmp_path / "wayland-7") in str(problem)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "wayland-7"))
        assert system.display_problem() is None


@pytest.mark.parametrize("platform", ["offscreen", "minimal", "vnc:size=800x600", "xcb;offscreen"])
def test_platforms_that_need_no_display_are_fine(platform, display):
    display(QT_QPA_PLATFORM=platform)
    assert system.display_problem() is None


@pytest.mark.parametrize("platform", ["xcb", "wayland;xcb"])
def test_platforms_that_need_a_display_are_not(platform, display):
    display(QT_QPA_PLATFORM=platform)
    assert system.display_problem() is not None


def test_only_the_standard_library_is_imported():
    code = (
        "import sys; sys.path.insert(0, '.'); from visualizer.support import system;"
        "system.missing(); system.display_problem();"
        "print(sorted({'torch', 'numpy', 'PyQt6', 'sounddevice', 'rich'} & set(sys.modules)))"
    )
    root = Path(system.__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr
