"""`visualizer doctor`: what this machine has for the program, and what is missing."""

from __future__ import annotations

import argparse
import json
from contextlib import closing


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-capture", action="store_true", help="do not try the microphone")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; return 1 where the program cannot do all that it is for."""
    from visualizer.tools.doctor.check import Check
    from visualizer.tools.doctor.examination import describe, examine, problems, report

    found: dict[str, Check] = {}
    # Closed, since its processes end with it.
    with closing(examine(not arguments.no_capture)) as findings:
        for name, check in findings:
            found[name] = check
            if not arguments.json:
                print(describe(name, check), flush=True)
    names = ", ".join(problems(found))
    if arguments.json:
        print(json.dumps(report(found), indent=2))
    else:
        print(f"\nProblems: {names}." if names else "\nNo problems.")
    return 1 if names else 0
