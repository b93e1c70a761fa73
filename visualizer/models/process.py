"""A model's process, as its parent sees it: asked a question at a time, and ended where it must be.

Two threads, owned here: "model words" keeps what the process prints, "model watch" ends one that
takes too much memory or never answers. `load`, `call` and `close` are of one thread, which waits.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from visualizer.models.contract import ModelSpec
from visualizer.models.loading import Reference
from visualizer.models.wire import Header, receive, send
from visualizer.models.words import Words
from visualizer.support.children import end, how_it_ended, own_command, own_environment

_WATCH_S = 0.1
_GRACE_S = 2.0
"""for a process that hangs to say where, before it is ended from here"""
_LAST_S = 1.0
"""for its last words"""


@dataclass(frozen=True)
class Limits:
    """What a model may take."""

    load_s: float = 120.0
    call_s: float = 10.0
    memory_bytes: int = min(4 << 30, psutil.virtual_memory().total // 2)
    """of the memory that its process has in use"""


@dataclass(frozen=True, eq=False)
class Answer:
    """What one call gave."""

    numbers: NDArray[np.float32]
    """(answers, n_numbers)"""
    texts: tuple[tuple[str, ...], ...]
    bad: int


class ModelFailedError(Exception):
    """The model cannot go on."""

    def __init__(self, problem: str, traceback: str) -> None:
        super().__init__(problem)
        self.problem, self.traceback = problem, traceback


class ModelProcess:
    """A process with one model in it."""

    def __init__(self, limits: Limits) -> None:
        """Start it; nothing is loaded yet."""
        self._limits = limits
        # Its arrays are small, and threads of its own would take the stream's cores.
        alone = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
        self._process = subprocess.Popen(
            own_command("visualizer.models.child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=alone | own_environment(),
            # What it starts ends with it.
            start_new_session=True,
        )
        assert self._process.stderr is not None
        self._words = Words(self._process.stderr)
        self._due_at: float | None = None
        """monotonic s, when it must have answered"""
        self._why = ""
        """why it was ended from here"""
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._watch_over, name="model watch", daemon=True)
        self._watch.start()

    def load(self, reference: Reference, *, is_trusted: bool) -> ModelSpec | str:
        """Load a model, and return what it says of itself; or what must be unpickled for it.

        Raises ModelFailedError.
        """
        limits = self._limits
        order = {
            "module": reference.module,
            "name": reference.name,
            "file": reference.file and str(reference.file),
            "is_trusted": is_trusted,
            "load_s": limits.load_s,
            "call_s": limits.call_s,
        }
        header, _ = self._ask(order, None, limits.load_s, "could not be loaded")
        return header["asking"] if "asking" in header else ModelSpec.from_dict(header["loaded"])

    def call(self, spec: ModelSpec, values: NDArray[np.float32], *, is_fresh: bool) -> Answer:
        """Return what the model answers. Raises ModelFailedError."""
        order = {"is_fresh": is_fresh}
        header, numbers = self._ask(order, values, self._limits.call_s, "did not answer")
        texts = tuple(map(tuple, header["texts"]))
        return Answer(numbers.reshape(spec.answers, spec.n_numbers), texts, header["bad"])

    def end(self) -> None:
        """End it at once, so that whoever waits for its answer no longer does; on any thread."""
        end(self._process)

    def close(self) -> None:
        """End it, and the threads here."""
        self._closed.set()
        end(self._process)
        self._process.wait()
        self._watch.join()
        self._words.join(_LAST_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _ask(
        self,
        order: Mapping[str, Any],
        block: NDArray[np.float32] | None,
        limit_s: float,
        what_failed: str,
    ) -> tuple[Header, NDArray[np.float32]]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        self._due_at = time.monotonic() + limit_s + _GRACE_S
        try:
            send(process.stdin, order, block)
            header, numbers = receive(process.stdout)
        except (EOFError, OSError):
            raise self._failed(what_failed, limit_s) from None
        except ValueError as error:
            problem = "wrote to where its answers go, which only this program may"
            raise ModelFailedError(problem, "") from error
        finally:
            self._due_at = None
        if "failed" in header:
            raise ModelFailedError(header["failed"], header["traceback"])
        return header, numbers

    def _failed(self, what: str, limit_s: float) -> ModelFailedError:
        """Return why it has ended."""
        end(self._process)
        code = self._process.wait()
        self._words.join(_LAST_S)
        hangs_at = self._words.where_it_hangs()
        if self._why:
            return ModelFailedError(self._why, hangs_at or self._words.last())
        if hangs_at:
            return ModelFailedError(f"{what} within {limit_s:g} s, and was ended", hangs_at)
        return ModelFailedError(f"ended {how_it_ended(code)}", self._words.last())

    def _watch_over(self) -> None:
        process, most = self._process, self._limits.memory_bytes
        seen = psutil.Process(process.pid)
        while not self._closed.wait(_WATCH_S):
            if process.poll() is not None:
                # What it has started may hold its pipes open.
                end(process)
                return
            with suppress(psutil.Error):
                if seen.memory_info().rss > most:
                    self._why = f"took more than {most / 2**30:.3g} GiB of memory, and was ended"
                    end(process)
            due_at = self._due_at
            if due_at is not None and time.monotonic() > due_at:
                # It did not end by itself, as it was told to.
                self._why = "did not answer in time, and was ended"
                end(process)
