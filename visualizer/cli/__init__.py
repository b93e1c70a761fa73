"""The command line: has the command run that was asked for."""

from __future__ import annotations

import argparse
import difflib
import logging
import sys
from collections.abc import Callable
from typing import NoReturn

from visualizer.cli.parser import make_parser
from visualizer.errors import VisualizerError
from visualizer.support import process


def main() -> NoReturn:
    """Run what the command line says and end with the exit code."""
    process.hold_standard_streams()
    process.leave(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors of the user's are one line and a 2."""
    parser, by_name = make_parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in by_name:
        near = difflib.get_close_matches(arguments[0], by_name, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(by_name)}"
        parser.error(f"unknown command {arguments[0]!r}; {hint}")
    if not arguments or arguments[0] not in (*by_name, "-h", "--help", "--version"):
        arguments = ["run", *arguments]
    parsed, rest = parser.parse_known_args(arguments)
    if rest and arguments[0] != "test":
        by_name[arguments[0]].error(f"unrecognized arguments: {' '.join(rest)}")
    parsed.pytest_args = rest
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except VisualizerError as error:
        print(f"visualizer: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever reads the output has seen enough.
        return 0
    except OSError as error:
        if error.filename is not None:
            raise
        print(f"visualizer: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
