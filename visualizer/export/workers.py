"""Jobs done side by side, by processes of this machine's or whatever else is an executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from itertools import islice

from threadpoolctl import threadpool_limits

from visualizer.errors import SourceError
from visualizer.export.corpus import Job, Outcome, failed

Compute = Callable[[Job], Outcome]
"""what can be sent to another process"""
_LOOK_S = 1.0
_EACH = 2
"""Jobs handed out for each worker, so that none waits for the next."""


def cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def done_by_processes(
    compute: Compute, jobs: Iterator[Job], n: int
) -> Generator[Outcome, None, None]:
    """Yield what came of each job, as they end, with `n` processes.

    Where a process ends by itself, those of its time are done again, one by one, so that the file
    which it cannot bear is known. Closing the iterator ends the processes.
    """
    is_over = False
    while not is_over:
        with _processes(n) as pool:
            suspects = yield from done_by(pool, compute, jobs, n)
        is_over = not suspects
        while suspects:
            with _processes(1) as pool:
                suspects = yield from _one_by_one(pool, compute, suspects)


def _one_by_one(
    executor: Executor, compute: Compute, jobs: list[Job]
) -> Generator[Outcome, None, list[Job]]:
    """Yield what came of each job, as `done_by`; return those after the one that it broke at."""
    for i, job in enumerate(jobs):
        if (yield from done_by(executor, compute, iter((job,)), 1)):
            yield failed(job, SourceError("the process that computed it ended by itself"))
            return jobs[i + 1 :]
    return []


def done_by(
    executor: Executor,
    compute: Compute,
    jobs: Iterator[Job],
    n: int,
    require: Callable[[], None] = lambda: None,
) -> Generator[Outcome, None, list[Job]]:
    """Yield what came of each job, as they end, with an executor of `n` workers.

    Only as many are handed out as the workers need. While they take long, `require` is called again
    and again; it may raise where nothing more is to be expected of the executor.

    Returns:
        The jobs that were begun when the executor broke; [] where all are done.
    """
    waiting: dict[Future[Outcome], Job] = {}
    lost: list[Job] = []
    while not lost:
        for job in islice(jobs, _EACH * n - len(waiting)):
            try:
                waiting[executor.submit(compute, job)] = job
            except BrokenExecutor:
                lost.append(job)
        if not waiting:
            break
        done, _ = wait(waiting, _LOOK_S, return_when=FIRST_COMPLETED)
        if not done:
            require()
        for future in done:
            job = waiting.pop(future)
            try:
                yield future.result()
            except BrokenExecutor:
                lost.append(job)
            except Exception as error:
                yield failed(job, error)
    return lost + list(waiting.values())


@contextmanager
def _processes(n: int) -> Iterator[Executor]:
    # Not forked: libraries have threads here, and it is the same everywhere.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n, mp_context=context, initializer=_begin)
    try:
        yield pool
    except BaseException:
        # What they have begun is of no use.
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def on_one_thread(compute: Compute, job: Job) -> Outcome:
    """Do a job where others compute on the other cores."""
    with threadpool_limits(1):
        return compute(job)


def _begin() -> None:
    """Have a worker's process compute on one thread, and end with the one that started it."""
    threadpool_limits(1)
    # Ctrl-C in a terminal reaches all of them; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
