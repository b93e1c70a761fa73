"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table


def print_tables(parts: Iterable[Table | str]) -> None:
    """Print them, the texts as they are. Raises BrokenPipeError where nobody reads any more."""
    console = _Console(highlight=False, soft_wrap=True, markup=False)
    for part in parts:
        console.print(part)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # By itself it would end the program, as if that had failed.
        raise BrokenPipeError
