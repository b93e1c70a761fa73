"""Lists the microphones in a process of its own: PortAudio's list is made once per process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from PyQt6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, pyqtSignal

from visualizer.audio.devices import devices_from_json
from visualizer.errors import DeviceError

_LIMIT_MS = 15_000


class DeviceScan(QObject):
    """One scan at a time; a scan that hangs is ended and said to have failed."""

    found = pyqtSignal(list)
    """of InputDevice"""
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        # This package need not be installed: run.py finds it beside itself.
        beside = [str(Path(__file__).parents[2]), environment.value("PYTHONPATH")]
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, beside)))
        self._process.setProcessEnvironment(environment)
        self._process.finished.connect(self._on_finished)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(self._process.kill)

    def start(self) -> None:
        """Begin, unless a scan is under way."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            self._process.start(sys.executable, ["-m", "visualizer", "devices", "--json"])
            self._limit.start(_LIMIT_MS)

    def close(self) -> None:
        """End what is under way."""
        self._process.finished.disconnect(self._on_finished)
        self._process.kill()
        self._process.waitForFinished(200)

    def _on_finished(self) -> None:
        self._limit.stop()
        process = self._process
        output = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        errors = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip()
        ended_well = process.exitStatus() == QProcess.ExitStatus.NormalExit
        if process.exitCode() != 0 or not ended_well:
            self.failed.emit(errors.splitlines()[-1] if errors else "PortAudio did not answer")
            return
        try:
            devices = devices_from_json(json.loads(output))
        except (DeviceError, ValueError) as error:
            self.failed.emit(str(error))
            return
        self.found.emit(devices)
