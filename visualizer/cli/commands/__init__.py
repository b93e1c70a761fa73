"""The commands, one module each.

`register(parser)` declares a command's options, `run(arguments)` does it and returns the exit code.
A module is imported only when its command is asked for.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any, NoReturn

from visualizer._version import __version__
from visualizer.errors import ConfigError

COMMANDS = {
    "run": "open the live window (the default)",
    "devices": "list what can be recorded from",
    "presets": "list the front-ends",
    "stream": "columns on standard output, for scripts and pipes",
    "mel": "a file's features, as the model would get them",
    "answers": "what a model answers to a file",
    "diff": "two front-ends, kernels, recordings or feature files",
    "identify": "which front-end made the features in a file",
    "bench": "time our kernels, and what people call instead, on this machine",
    "latency": "play clicks, find them in the input, and say how late they are",
    "doctor": "what this machine has and what is missing, with a try of the microphone",
    "completion": "print a script that has a shell complete commands, options, presets and files",
    "test": "run the project's tests (in a checkout); further options are pytest's",
}
"""Their names, which are those of the modules, and what `visualizer --help` says of them."""


class Parser(argparse.ArgumentParser):
    """Answers in one line, and takes no option by its first letters."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError."""
        raise ConfigError(message.removeprefix("argument "), f"see `{self.prog} --help`")


def make_parser(*names: str) -> Parser:
    """Return the parser of the whole command line, with the options of these commands only."""
    parser = Parser(
        prog="visualizer",
        epilog="`visualizer run --help` shows the options of the window.",
        description="Show, as you speak, the mel features that a model would be fed, and how "
        "many milliseconds late each of them is. Without a command: run.",
    )
    parser.add_argument("--version", action="version", version=f"mel-visualizer {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary)
        if name in names:
            module = import_module(f"{__name__}.{name}")
            module.register(subparser)
            subparser.set_defaults(run=module.run)
    return parser
