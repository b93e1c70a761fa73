"""The real parts that tests run on: a sound server, a screen, the program as a child process.

Where .ci/run calls, a missing part fails the tests that need it; elsewhere they are skipped with
the reason, since the user may have declined to install it.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import settings

from tests import needs
from tests.sound import SoundServer, running_server
from visualizer.audio.portaudio import rescan
from visualizer.support import system

ROOT = Path(__file__).parents[1]
DEADLINE_S = 20.0


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    show_crashes(config)
    let_python_keep_what_it_compiles()
    # A shell's background job ignores Ctrl-C, and so would every child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Limits on time would fail on a busy machine.
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two workers, let one alone call the compiler."""
    for item in items:
        if "compiled_simli" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("compiler"))


def let_python_keep_what_it_compiles() -> None:
    """Hundreds of children start faster if each need not compile the program again."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def show_crashes(config: pytest.Config) -> None:
    """Not to what is captured for a test, and of the thread that crashed alone: CI shows little."""
    faulthandler.enable(config.stash[fault_handler_stderr_fd_key], all_threads=False)


def require_real_parts() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("PulseAudio and Xvfb are of Linux")
    absent = system.missing() + needs.missing()
    if absent:
        reason = "not installed: " + ", ".join(need.what for need in absent)
        if os.environ.get("MEL_VISUALIZER_REAL_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)


def wait_for_line(stream: object, wanted: Callable[[str], bool], what: str) -> str:
    """The first line that fits, from a child's output; the test fails at the deadline."""
    found: list[str] = []

    def read() -> None:
        for line in stream:  # type: ignore[attr-defined]
            if wanted(line):
                found.append(line)
                return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert found, f"no {what} within {DEADLINE_S} s"
    return found[0]


@pytest.fixture(scope="session")
def sound_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """This process and its children record from it."""
    require_real_parts()
    folder = tmp_path_factory.mktemp("sound")
    with running_server(folder) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        # Of a test before, PortAudio may run here already and know no devices.
        rescan()
        yield server


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A screen of 1600×1000 of its own; DISPLAY points to it."""
    require_real_parts()
    reader, writer = os.pipe()
    # It must outlive this process's Qt, which ends the process when its server goes: so it ends
    # when the pipe closes, whatever way this process takes.
    screen = f"Xvfb -displayfd {writer} -screen 0 1600x1000x24 -nolisten tcp -noreset"
    until_exit, _kept_open = os.pipe()
    subprocess.Popen(
        ["sh", "-c", f"{screen} & read _; kill $!"],
        stdin=until_exit,
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    os.close(until_exit)
    with os.fdopen(reader) as numbers:
        number = wait_for_line(numbers, lambda line: line.strip().isdecimal(), "Xvfb").strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{number}")
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        patch.delenv("QT_QPA_PLATFORM", raising=False)
        yield f":{number}"


@pytest.fixture(scope="session")
def qapp_cls() -> Callable[[list[str]], object]:
    """pytest-qt makes the program's own application."""
    from visualizer.ui.app import make_application

    return make_application


@pytest.fixture(scope="session")
def qapp(display: str, qapp_cls: Callable[[list[str]], object]) -> Iterator[object]:
    from visualizer.ui.garbage import settle_here

    application = qapp_cls(["test"])
    collector = settle_here()
    yield application
    del collector


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As in the worker and in the commands; more would sum in an order that depends on the size."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's settings, or builds kernels by the way."""
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    no_folder = tmp_path / "a-file-where-the-cache-would-be"
    no_folder.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(no_folder))
    if "PyQt6.QtCore" in sys.modules:
        from PyQt6.QtCore import QSettings

        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder))
    return folder


@pytest.fixture
def log_folder(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Path]:
    """For a log of the program's; afterwards this process logs as it did before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield tmp_path / "log"
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("visualizer").setLevel(logging.NOTSET)
    show_crashes(pytestconfig)


_HURRIED_BUILDER = """
from visualizer.engine import kernel_builder
kernel_builder.run_when_idle = lambda: None
kernel_builder.main()
"""


def hurry_builders(patch: pytest.MonkeyPatch) -> None:
    """For a test that waits for one: else it is left to when the machine has nothing else to do."""
    from visualizer.engine import kernel_builder

    hurried = [sys.executable, "-P", "-c", _HURRIED_BUILDER]
    patch.setattr(kernel_builder, "own_command", lambda _: hurried)


@pytest.fixture(scope="session")
def compiled_simli(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The compiled kernel of simli at 16 kHz, built by the real compiler into a cache of its own.

    Tests that change something in the cache work on a copy.
    """
    from visualizer.engine import kernel_builder
    from visualizer.mel.kernels.artifacts import Artifact, write_record
    from visualizer.mel.presets import preset_for
    from visualizer.support.children import end

    if shutil.which("g++") is None and shutil.which("clang++") is None:
        reason = "not installed: a C++ compiler"
        if os.environ.get("MEL_VISUALIZER_REAL_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    # Where users have their folders: compilers take neither spaces nor quotes.
    folder = tmp_path_factory.mktemp('the user\'s "kernels" für hier')
    artifact = Artifact(preset_for("simli", 16_000), 1, folder / "kernels")
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "tmp"))
        hurry_builders(patch)
        builder = kernel_builder.start_builder(artifact, "cpu")
    # In its process, since some tests spoil the compiler of this one.
    with builder:
        for event in kernel_builder.events(builder):
            assert "error" not in event, event
            timings = event.get("timings", [])
            if len(timings) == 2:
                write_record(artifact, {"timings": timings})
                end(builder)
    return artifact


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Finished]:
    """Run the program as a user's shell would and wait for its end."""

    def run(*arguments: object, env: dict[str, str | None] | None = None) -> Finished:
        environment = dict(os.environ)
        for name, value in (env or {}).items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        done = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=90,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    return run
