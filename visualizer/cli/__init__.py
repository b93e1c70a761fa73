"""The command line: it has the command run that was asked for."""

from __future__ import annotations

import sys
from typing import NoReturn

from visualizer.cli.commands import COMMANDS, make_parser
from visualizer.errors import ConfigError, VisualizerError
from visualizer.support import process
from visualizer.support.characters import replace_what_cannot_be_shown

_WITHOUT_COMMAND = ("-h", "--help", "--version")


def main() -> NoReturn:
    """Run what the command line says and end with the exit code."""
    process.hold_standard_streams()
    replace_what_cannot_be_shown()
    process.keep_arrays_on_one_thread()
    process.leave(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code: 2, after one line, for an error of the user's.

    Raises:
        SystemExit: after --help and --version.
    """
    try:
        return _run(arguments)
    except VisualizerError as error:
        print(f"visualizer: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of the output has seen enough.
        return 0
    except OSError as error:
        if error.filename is not None:
            raise
        print(f"visualizer: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    if not arguments or (arguments[0][:1] == "-" and arguments[0] not in _WITHOUT_COMMAND):
        arguments = ["run", *arguments]
    name = arguments[0]
    if name not in (*COMMANDS, *_WITHOUT_COMMAND):
        raise ConfigError(f"unknown command {name!r}", f"{_hint(name)}; see `visualizer --help`")
    parser = make_parser(name)
    parsed, rest = parser.parse_known_args(arguments)
    if rest and name != "test":
        unknown = " ".join(rest)
        raise ConfigError(f"unrecognized arguments: {unknown}", f"see `visualizer {name} --help`")
    parsed.pytest_args = rest
    # Not needed, and slow to import, where --help or --version has ended the program by now.
    from visualizer.support.console_log import log_to_console

    log_to_console()
    exit_code: int = parsed.run(parsed)
    return exit_code


def _hint(unknown: str) -> str:
    import difflib

    near = difflib.get_close_matches(unknown, COMMANDS, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
