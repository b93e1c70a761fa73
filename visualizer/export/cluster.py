"""Jobs done by the workers of a Dask cluster that exists already."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualizer.errors import ConfigError, one_line, quoted

if TYPE_CHECKING:
    from distributed import Client

_TIMEOUT = "5s"
"""Within which a scheduler has to answer, at first and when the connection broke."""
_WITHOUT_WORKERS_S = 30.0
"""For how long a cluster may be without: those that die may be started again by their nannies."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that is connected."""

    executor: Executor
    n: int
    """jobs that it does at once"""
    require: Callable[[], None]
    """raises ConfigError once the connection is lost for good, or the workers are"""


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """Connect to the scheduler at an address.

    Raises:
        ConfigError: Dask is not installed, no scheduler answers, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "a cluster needs Dask, which is not installed",
            "`pip install '.[cluster]'`, in the folder of this program's source, installs it",
        ) from error
    try:
        client = Client(address, timeout=_TIMEOUT)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {quoted(address)}: {one_line(error)}",
            "it prints its address when it starts, such as tcp://10.0.0.1:8786",
        ) from error

    looked_s = seen_s = time.monotonic()

    def require() -> None:
        nonlocal looked_s, seen_s
        now_s = time.monotonic()
        # Nobody looks while jobs come back, so there were workers until then.
        if now_s - looked_s > _WITHOUT_WORKERS_S or _has_workers(client):
            seen_s = now_s
        looked_s = now_s
        if now_s - seen_s > _WITHOUT_WORKERS_S:
            raise ConfigError(
                f"all workers of the Dask cluster at {quoted(address)} are gone",
                "once there are some, run the same command again to go on",
            )
        if client.status == "closed":
            raise ConfigError(
                f"the Dask scheduler at {quoted(address)} is gone",
                "once it is back, run the same command again to go on",
            )

    with client:
        n_threads = sum(client.nthreads().values())
        if not n_threads:
            raise ConfigError(
                f"the Dask cluster at {quoted(address)} has no workers",
                f"`dask worker {address}` starts one",
            )
        # Not pure: the files may have changed since it was asked the same.
        yield Cluster(client.get_executor(pure=False), n_threads, require)


def _has_workers(client: Client) -> bool:
    """Whether there are workers, or that cannot be known: Dask connects again, or closes."""
    try:
        return client.status != "running" or bool(client.nthreads())
    except OSError:
        return True
