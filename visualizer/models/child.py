"""The process of a model: it loads the user's class, and answers block after block.

`ModelProcess` starts it. Orders come on standard input and answers go to standard output, see
`wire`; before anything of the user's is imported both are moved away from there, so that what it
prints goes to standard error. Two threads: the main one calls the model; "orders" reads, and ends
the process, and what that started, when its reader has ended, whatever the model is doing. Only
while that holds Python's lock, nothing but its limit of time ends it.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import VisualizerError, one_line
from visualizer.models.contract import Model, ModelSpec, read_answers, spec_of
from visualizer.models.loading import Reference, load_class
from visualizer.models.wire import Header, receive, send

_LONGEST_TRACEBACK = 20_000
_PACKAGE = str(Path(__file__).parents[1])
_ADAPTERS = str(Path(__file__).with_name("adapters"))


class _EndedError(Exception):
    """The model cannot go on."""

    def __init__(self, problem: str, cause: BaseException) -> None:
        super().__init__(problem)
        self.problem, self.cause = problem, cause


def main() -> None:
    """Serve until the orders end, or the model fails."""
    orders_pipe, answers, words = _take_pipes()
    faulthandler.enable(words, all_threads=False)
    _be_ended_first()
    orders: queue.SimpleQueue[tuple[Header, NDArray[np.float32]]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(orders_pipe, orders), name="orders", daemon=True).start()
    try:
        _serve(orders, answers, words)
    except _EndedError as error:
        send(answers, {"failed": error.problem, "traceback": _traceback(error.cause)})
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # Whatever threads the user's code has left behind.
    _leave()


def _serve(
    orders: queue.SimpleQueue[tuple[Header, NDArray[np.float32]]],
    answers: IO[bytes],
    words: IO[str],
) -> None:
    order, _ = orders.get()
    call_s = order["call_s"]
    with _limit(order["load_s"], words), _failing("could not be loaded"):
        sys.argv[:] = [order["module"]]
        file = order["file"] and Path(order["file"])
        kind = load_class(Reference(order["module"], order["name"], file))
        question = kind.unpickles
        if question and not order["is_trusted"]:
            send(answers, {"asking": question})
            return
        model = kind()
        spec = spec_of(model)
    send(answers, {"loaded": spec.to_dict()})
    while True:
        order, block = orders.get()
        with _limit(call_s, words):
            numbers, texts, bad = _answered(model, spec, block, order["is_fresh"])
        send(answers, {"texts": texts, "bad": bad}, numbers)


def _answered(
    model: Model, spec: ModelSpec, block: NDArray[np.float32], is_fresh: bool
) -> tuple[NDArray[np.float32], tuple[tuple[str, ...], ...], int]:
    with _failing("failed"):
        if is_fresh:
            model.reset()
        returned = model(block if spec.is_fed_samples else block.reshape(-1, spec.window))
        return read_answers(spec, returned)


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """Raise _EndedError for whatever the user's code raises."""
    try:
        yield
    except SystemExit as error:
        raise _EndedError(f"{what}: it called sys.exit({error.code!r})", error) from error
    except VisualizerError as error:
        # Which says by itself what does not fit.
        raise _EndedError(error.line, error) from error
    except BaseException as error:
        last = "".join(traceback.format_exception_only(type(error), error)[-1:])
        raise _EndedError(f"{what}: {one_line(last)}", error) from error


@contextmanager
def _limit(seconds: float, words: IO[str]) -> Iterator[None]:
    """End the process where this takes longer, telling where it is; also if it never lets go of
    Python's lock."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=words)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _take_pipes() -> tuple[IO[bytes], IO[bytes], IO[str]]:
    """Return those of orders, answers and words; what is printed from here on is words."""
    orders, answers, words = (
        os.fdopen(os.dup(n), mode) for n, mode in enumerate(("rb", "wb", "w"))
    )
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        # Else what it has printed is lost where it crashes.
        assert isinstance(stream, TextIOWrapper)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    return orders, answers, words


def _be_ended_first() -> None:
    """Where memory runs out, let the system end this process and not the window's."""
    if sys.platform == "linux":
        # Where it is so already, or worse, this may not be allowed.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")


def _read(
    pipe: IO[bytes], orders: queue.SimpleQueue[tuple[Header, NDArray[np.float32]]]
) -> NoReturn:
    try:
        while True:
            orders.put(receive(pipe))
    except (EOFError, OSError, ValueError):
        _leave()


def _leave() -> NoReturn:
    """End this process, and on POSIX what it started."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _traceback(error: BaseException) -> str:
    """Return the traceback of the user's code, without the part that is this program's."""
    part = error.__traceback__
    while part is not None and _is_ours(part.tb_frame.f_code.co_filename):
        part = part.tb_next
    if part is None and isinstance(error, VisualizerError):
        # What a model says of itself or answers, which no line of it raised.
        return ""
    lines = traceback.format_exception(type(error), error, part)
    return "".join(lines).strip()[-_LONGEST_TRACEBACK:]


def _is_ours(filename: str) -> bool:
    is_package = filename.startswith(_PACKAGE) and not filename.startswith(_ADAPTERS)
    return is_package or filename.startswith("<frozen importlib") or "contextlib" in filename


if __name__ == "__main__":
    main()
