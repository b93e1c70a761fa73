"""`visualizer doctor`: what this machine has for the program, and what is missing."""

from __future__ import annotations

import argparse
import json


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-capture", action="store_true", help="do not try the microphone")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; return 1 where the program cannot do all that it is for."""
    from visualizer.tools.doctor.examination import describe, examine

    listen = not arguments.no_capture
    if arguments.json:
        found = examine(listen, lambda check: None)
        print(json.dumps(found.to_dict(), indent=2))
    else:
        found = examine(listen, lambda check: print(describe(check), flush=True))
        names = ", ".join(found.lacking)
        print(f"\nThis machine lacks: {names}." if names else "\nNothing is lacking.")
    return 1 if found.lacking else 0
