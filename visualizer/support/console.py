"""Tables on standard output, and progress beside it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table


def plain_console(*, stderr: bool = False) -> Console:
    """Return a console that shows texts as they are: brackets and colons mean nothing in them.

    Printing raises BrokenPipeError where nobody reads any more.
    """
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_tables(parts: Iterable[Table | str]) -> None:
    """Print them, the texts as they are. Raises BrokenPipeError where nobody reads any more."""
    console = plain_console()
    for part in parts:
        console.print(part, soft_wrap=True)


def progress_on_terminal() -> Progress:
    """Return a progress display on standard error, shown while it lasts and only to a person."""
    beside = plain_console(stderr=True)
    name = TextColumn("{task.description}", style="progress.description", markup=False)
    _, *others = Progress.get_default_columns()
    return Progress(name, *others, console=beside, transient=True, disable=not beside.is_terminal)


def hush_torch() -> None:
    """Let torch's compiler keep to itself what it notices of its own functions."""
    warnings.simplefilter("ignore")
    for name in ("torch", "torch.utils.cpp_extension"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # By itself it would end the program, as if that had failed.
        raise BrokenPipeError
