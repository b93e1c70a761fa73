"""`visualizer devices`: what can be recorded from."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with accepted rates")
    form.add_argument(
        "--watch",
        action="store_true",
        help="print the list as a line of JSON, now and on each change, until standard input ends",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the list, once or on each change."""
    from visualizer.audio.devices import table
    from visualizer.audio.listing import accepted_rates, list_devices
    from visualizer.audio.portaudio import rescan

    if arguments.watch:
        from visualizer.audio.watch import watch
        from visualizer.support.children import yield_to_others

        yield_to_others()
        watch(sys.stdin, sys.stdout)
    rescan(jack=True)
    listed = list_devices()
    if arguments.json:
        rows = [
            asdict(replace(device, sample_rates=accepted_rates(device)))
            for device in listed.devices
        ]
        print(json.dumps(rows, indent=2))
    else:
        print(table(listed.devices) if listed.devices else "no microphone was found")
    if listed.note:
        print(listed.note, file=sys.stderr)
    return 0
