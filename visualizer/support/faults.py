"""The program's own faults: logged in full once, told in a line, and kept for who reports them.

Any thread may report one; nothing here waits for another, except for the file.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from visualizer._version import __version__
from visualizer.errors import one_line
from visualizer.support.console_log import ConsoleFormatter
from visualizer.support.crashes import CrashReport
from visualizer.support.folders import log_folder

if TYPE_CHECKING:
    # A name that the module has for type checkers only.
    from sys import UnraisableHookArgs

LOG_NAME = "visualizer.log"
LOG_BYTES, OLD_LOGS = 1_000_000, 2
"""The size of a log file, and how many full ones are kept beside it."""

_KEPT_TRACEBACKS = 5
_KEPT_KINDS = 32
_CRASH_CHARACTERS = 6000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """A fault that nobody foresaw, and how often it came."""

    text: str
    times: int


class Faults:
    """Where the faults of one run go: the log file, standard error and memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """The log is kept in `folder`, else where this system keeps such files of a user."""
        folder = folder or log_folder()
        self.path = folder / LOG_NAME
        """of the log file"""
        self.on_report: Callable[[], None] = lambda: None
        """called for each fault, on the thread that reports it; must not block"""
        self._file = _LogFile(self.path)
        self._tracebacks = _Newest()
        self._crash = CrashReport(folder)
        self._faults, self._warnings = _Repeats(), _Repeats()
        self._thread_hook, self._unraisable_hook = threading.excepthook, sys.unraisablehook

    @property
    def problem(self) -> str | None:
        """Return why no log is kept; None while one is."""
        return self._file.problem

    @property
    def crash(self) -> Path | None:
        """What the last run left behind if it crashed."""
        return self._crash.left_behind

    def __enter__(self) -> Faults:
        """Take over the logging of this process, and what no thread catches."""
        console = logging.StreamHandler()
        console.setFormatter(_OneLine(self._file))
        self._tracebacks.setFormatter(self._file.formatter)
        # The file goes first: the line on standard error says whether the traceback is there.
        handlers: list[logging.Handler] = [self._file, self._tracebacks, console]
        logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
        console.setLevel(logging.WARNING)
        logging.getLogger("visualizer").setLevel(logging.INFO)
        _log.info("starts: %s", ", ".join(versions()))
        threading.excepthook, sys.unraisablehook = self._on_thread, self._on_unraisable
        if self.problem is None:
            try:
                self._crash.begin()
            except OSError as error:
                _log.warning("a crash could leave no report: %s", error)
        if self.crash is not None:
            _log.warning("the last run crashed; details in %s", self.crash)
        return self

    def __exit__(self, *_: object) -> None:
        """Count what came last, and let go of all."""
        threading.excepthook, sys.unraisablehook = self._thread_hook, self._unraisable_hook
        self._faults.close()
        self._warnings.close()
        _log.info("ends: %s", ", ".join(versions()))
        for handler in (self._file, self._tracebacks):
            logging.getLogger().removeHandler(handler)
            handler.close()
        self._crash.close()

    def report(self, what: str, error: BaseException) -> None:
        """Log what failed in full, or, where the same comes again, how often it came."""
        lines = tuple((f.f_code, n) for f, n in traceback.walk_tb(error.__traceback__))
        if self._faults.is_new((what, type(error), lines), f"{what}: {one_line(repr(error))}"):
            _log.error(what, exc_info=error)
        self.on_report()

    def warn(self, text: str) -> None:
        """Log what a library says, or, where it says the same again, how often it did."""
        if self._warnings.is_new(text, text):
            _log.warning(text)

    def on_exception(
        self, _kind: type[BaseException], error: BaseException, _: TracebackType | None
    ) -> None:
        """For `sys.excepthook`: without one, an exception in a slot or a paint ends PyQt."""
        self.report("a part of the window failed", error)
        # They would keep alive what the failed call held, such as a painter, until the next one.
        sys.last_value = sys.last_traceback = None

    def reported(self) -> tuple[Fault, ...]:
        """The newest of what was reported, in the order in which each came first."""
        return self._faults.counted()

    def details(self) -> str:
        """The versions, where the log is, the newest tracebacks, and where the last run crashed."""
        log = f"log: {self.path}" if self.problem is None else f"no log: {self.problem}"
        counts = [f"{fault.text} ({fault.times} times)" for fault in self.reported()]
        parts = ["\n".join([*versions(), log, *counts]), *self._tracebacks.texts()]
        if self.crash is not None:
            parts.append(f"the last run crashed; {self.crash}:\n{_beginning(self.crash)}")
        return "\n\n".join(parts)

    def _on_thread(self, arguments: threading.ExceptHookArgs) -> None:
        error, thread = arguments.exc_value, arguments.thread
        if error is not None and not isinstance(error, SystemExit):
            name = thread.name if thread else "unknown"
            self.report(f"the thread {name!r} failed", error)

    def _on_unraisable(self, arguments: UnraisableHookArgs) -> None:
        error = arguments.exc_value or arguments.exc_type()
        self.report("a call that nobody waits for failed", error)


class _Repeats:
    """Counts what comes again and again, so that the log need not have it each time."""

    def __init__(self) -> None:
        self._faults: dict[Hashable, Fault] = {}
        # The garbage collector may report in the middle of a report on the same thread.
        self._lock = threading.RLock()

    def is_new(self, key: Hashable, text: str) -> bool:
        """Count it; return whether it was not known. The oldest make room for new ones."""
        with self._lock:
            known = self._faults.get(key)
            if known is not None:
                self._faults[key] = replace(known, times=known.times + 1)
                return False
            if len(self._faults) == _KEPT_KINDS:
                del self._faults[next(iter(self._faults))]
            self._faults[key] = Fault(text, 1)
            return True

    def counted(self) -> tuple[Fault, ...]:
        with self._lock:
            return tuple(self._faults.values())

    def close(self) -> None:
        """Log how often came what came again."""
        for fault in self.counted():
            if fault.times > 1:
                _log.info("%s (%d times)", fault.text, fault.times)


class _LogFile(RotatingFileHandler):
    """A file that may be impossible to write, which is said once and stops nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path,
            maxBytes=LOG_BYTES,
            backupCount=OLD_LOGS,
            encoding="utf-8",
            delay=True,
            errors="backslashreplace",
        )
        # As it was given: the handler makes a path absolute, even that of a home that is not there.
        self.path = path
        self.problem: str | None = None
        self.formatter: logging.Formatter = logging.Formatter(
            # Programs that run side by side write into the same file.
            "%(asctime)s %(process)d %(threadName)s %(levelname)s %(name)s: %(message)s"
        )

    def _open(self) -> TextIOWrapper:
        if not self.path.is_absolute():
            raise FileNotFoundError(2, "this user has no home folder")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        if self.problem is None:
            error = sys.exception()
            reason = error.strerror if isinstance(error, OSError) else repr(error)
            self.problem = f"the log cannot be written to {str(self.path)!r}: {reason}"
            print(f"visualizer: {self.problem}; going on without", file=sys.stderr)


class _Newest(logging.Handler):
    """Keeps the newest records with a traceback, as text."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._texts: deque[str] = deque(maxlen=_KEPT_TRACEBACKS)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._texts.append(self.format(record))

    def texts(self) -> list[str]:
        return list(self._texts)


class _OneLine(ConsoleFormatter):
    """What a terminal shows: a traceback only where no file has it."""

    def __init__(self, file: _LogFile) -> None:
        super().__init__()
        self._file = file

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self._file.problem is not None:
            return super().format(record)
        record.message = record.getMessage()
        where = f"the traceback is in {self._file.path}"
        return f"{self.formatMessage(record)}: {one_line(repr(error))}; {where}"


def versions() -> list[str]:
    """This program, Python and the system, then the libraries as far as they are loaded."""
    found = [
        f"mel-visualizer {__version__}",
        f"Python {platform.python_version()}",
        platform.platform(),
    ]
    modules = sys.modules
    # One that another thread is just loading may not have its version yet.
    with suppress(KeyError, AttributeError):
        found.append(f"torch {modules['torch'].__version__}")
    with suppress(KeyError, AttributeError):
        found.append(f"Qt {modules['PyQt6.QtCore'].qVersion()}")
    with suppress(KeyError, AttributeError):
        found.append(modules["sounddevice"].get_portaudio_version()[1])
    return found


def _beginning(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:_CRASH_CHARACTERS]
    except OSError as error:
        return str(error)
