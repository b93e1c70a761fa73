"""Jobs done by the workers of a Dask cluster that exists already."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from visualizer.errors import ConfigError, one_line, quoted

_TIMEOUT = "10s"


@contextmanager
def connected(address: str) -> Iterator[tuple[Executor, int]]:
    """Connect to the scheduler at an address; yield an executor and how many jobs it does at once.

    Raises:
        ConfigError: Dask is not installed, no scheduler answers, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "a cluster needs Dask, which is not installed",
            "`pip install 'mel-visualizer[cluster]'` installs it",
        ) from error
    try:
        client = Client(address, timeout=_TIMEOUT)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {quoted(address)}: {one_line(error)}",
            "it prints its address when it starts, such as tcp://10.0.0.1:8786",
        ) from error
    with client:
        n_threads = sum(client.nthreads().values())
        if not n_threads:
            raise ConfigError(
                f"the Dask cluster at {quoted(address)} has no workers",
                f"`dask worker {address}` starts one",
            )
        # Not pure: the files may have changed since it was asked the same.
        yield client.get_executor(pure=False), n_threads
