"""`visualizer completion`: a script that has a shell complete the command line.

shtab makes it from the parser itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping

from visualizer.cli.commands import COMMANDS, make_parser
from visualizer.mel.presets import PRESETS

_WORDS = {"on": ("demo",), "source": ("mic", "demo"), "a": ("demo", *PRESETS)}
_WORDS |= {"b": _WORDS["a"]} | dict.fromkeys(("front_end", "of", "near"), tuple(PRESETS))
"""What may stand for a file, by the name of the argument."""
_FILES = ("EXE", "FEATURES", "FILE", "FOLDER", "IN", "JSON", "MINE", "OUT", "PNG")
"""What the help calls arguments that are files."""


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "For the current bash: source <(visualizer completion bash). For good, write it to "
        "~/.local/share/bash-completion/completions/visualizer, or for zsh to a file _visualizer "
        "in a folder of $fpath."
    )
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from visualizer.models.loading import adapters

    parser = make_parser(*COMMANDS)
    words = _WORDS | {"model": adapters()}
    for action in _arguments(parser):
        if action.dest in words:
            _mark(action, _words_or_files(action.dest, words[action.dest]))
        elif action.metavar in _FILES:
            _mark(action, shtab.FILE)
    print(shtab.complete(parser, arguments.shell))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _arguments(command)
        else:
            yield action


def _mark(action: argparse.Action, takes: Mapping[str, object]) -> None:
    action.complete = takes  # type: ignore[attr-defined]  # where shtab looks for it


def _words_or_files(name: str, words: Iterable[str]) -> dict[str, object]:
    joined, function = " ".join(words), f"_mel_visualizer_{name}"
    both = f"'words:word:({joined})' 'files:file:_files'"
    preamble = {
        "bash": f'{function}() {{ compgen -W "{joined}" -- "$1"; compgen -f -- "$1"; }}',
        "zsh": f"{function}() {{ _alternative {both} }}",
    }
    return {"bash": function, "zsh": function, "preamble": preamble}
