"""Tables on standard output, and progress beside it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress
from rich.table import Table


def print_tables(parts: Iterable[Table | str]) -> None:
    """Print them, the texts as they are. Raises BrokenPipeError where nobody reads any more."""
    console = _Console(highlight=False, soft_wrap=True, markup=False)
    for part in parts:
        console.print(part)


def progress_on_terminal() -> Progress:
    """Return a progress display on standard error, shown while it lasts and only to a person."""
    beside = Console(stderr=True)
    return Progress(console=beside, transient=True, disable=not beside.is_terminal)


def hush_torch() -> None:
    """Let torch's compiler keep to itself what it notices of its own functions."""
    warnings.simplefilter("ignore")
    for name in ("torch", "torch.utils.cpp_extension"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # By itself it would end the program, as if that had failed.
        raise BrokenPipeError
