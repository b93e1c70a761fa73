"""Keeps the list of microphones: a process of its own makes it anew whenever they change.

PortAudio makes its list once per process, and may hang with the sound system; here nothing waits
for it. The process ends when its standard input does, so it outlives no window, even a killed one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, pyqtSignal

from visualizer.audio.devices import from_json
from visualizer.errors import DeviceError
from visualizer.support.children import own_command, own_environment

LIMIT_S = 15.0
"""Seconds for a list to come before the process is given up."""
_END_MS = 200
"""To wait for its end."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0
"""Before the process is started again; doubled each time that it fails."""

_log = logging.getLogger(__name__)


class DeviceWatch(QObject):
    """Tells what there is to record from, and again on each change."""

    found = pyqtSignal(object)
    """a DeviceList"""
    failed = pyqtSignal(str)
    """there is no list, and why; once, however often it is tried again

    A list that nobody asked for may fail once and is made again without a word: PortAudio ends its
    process with some of the servers that it speaks to.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limit_s = LIMIT_S
        self._process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in own_environment().items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._on_end)
        self._process.errorOccurred.connect(self._on_error)
        self._limit = _single_shot(self, self._give_up)
        self._again = _single_shot(self, self._start)
        self._pause_s = _FIRST_PAUSE_S
        self._in_use: tuple[str, str] | None = None
        self._is_asked = False
        self._failures = 0
        self._is_said = False
        self._gave_up = False

    def ask(self, in_use: tuple[str, str] | None) -> None:
        """Have a fresh list made now; also begins to watch.

        `in_use` is the host API and name of the device that is recorded from: it is left alone.
        """
        self._in_use = in_use
        self._is_asked, self._is_said = True, False
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._start()
        else:
            self._request()

    def close(self) -> None:
        """Watch no longer."""
        self._again.stop()
        self._limit.stop()
        self._process.blockSignals(True)
        # Not killed: a list that is being made is finished first, and then it ends by itself. (The
        # QProcess would kill it; the program ends without taking that apart.)
        self._process.closeWriteChannel()
        self._process.waitForFinished(_END_MS)

    def _start(self) -> None:
        self._again.stop()
        self._gave_up = False
        program, *arguments = own_command("visualizer", "devices", "--watch")
        self._process.start(program, arguments)
        self._request()

    def _request(self) -> None:
        self._process.write(json.dumps(self._in_use).encode() + b"\n")
        self._expect()

    def _expect(self) -> None:
        # A list that is awaited already is not given more time.
        if not self._limit.isActive():
            self._limit.start(round(self.limit_s * 1e3))

    def _read(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine().data())
            try:
                message = json.loads(line)
                if message.get("listing"):
                    self._expect()
                    continue
                self._limit.stop()
                if "listing" in message:
                    continue
                if "error" in message:
                    self._say_failure(str(message["error"]))
                else:
                    self.found.emit(from_json(message))
                    self._pause_s = _FIRST_PAUSE_S
                    self._is_asked, self._is_said, self._failures = False, False, 0
            except (DeviceError, ValueError, TypeError, AttributeError) as error:
                self._say_failure(str(error))

    def _give_up(self) -> None:
        self._gave_up = True
        self._process.kill()

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._on_end()

    def _on_end(self) -> None:
        self._limit.stop()
        errors = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        lines = errors.strip().splitlines()
        if self._gave_up:
            reason = f"the sound system did not answer within {self.limit_s:g} s"
        else:
            reason = lines[-1] if lines else "the process that lists them ended"
        self._say_failure(f"{reason}; it is asked again in {self._pause_s:g} s")
        self._again.start(round(self._pause_s * 1e3))
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _say_failure(self, reason: str) -> None:
        _log.warning("the devices could not be listed: %s", reason)
        self._failures += 1
        if not self._is_said and (self._is_asked or self._failures > 1):
            self._is_said = True
            self.failed.emit(reason)


def _single_shot(parent: QObject, act: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(act)
    return timer
