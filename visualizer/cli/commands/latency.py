"""`visualizer latency`: how late clicks that are played come back through the input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from visualizer.audio.capture import CaptureConfig
from visualizer.cli.options import (
    add_front_end,
    add_option,
    chosen_front_end,
    number,
    require_writable,
    whole_number,
)
from visualizer.engine.config import EngineConfig, choice
from visualizer.mel.limits import SAMPLE_RATE_MAX_HZ
from visualizer.support import process
from visualizer.tools.roundtrip.clicks import LOWEST_RATE_HZ

FEWEST_CLICKS, MOST_CLICKS = 5, 100


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    names = "NAME_OR_INDEX"
    add_option(parser, "--device", names, str, "which microphone (default: the system's)")
    text = "what to play to: its index, its name or a part of it (default: the system's)"
    add_option(parser, "--output", names, str, text)
    rates = whole_number(LOWEST_RATE_HZ, SAMPLE_RATE_MAX_HZ)
    add_option(parser, "--sample-rate", "HZ", rates, "of both (default: each device's own)")
    numbers = whole_number(FEWEST_CLICKS, MOST_CLICKS)
    add_option(parser, "--clicks", "N", numbers, "how many to play (default: 20)", 20)
    add_front_end(parser, "front-end (default: simli)")
    levels = number(-60.0, -3.0, "a number from -60 to -3 (dB of full scale)")
    text = "of the clicks' peak, dB of full scale, at most -3 (default: -12)"
    add_option(parser, "--level", "DB", levels, text, -12.0)
    add_option(parser, "--json", "FILE", Path, "save each click as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Play the clicks, print how late each came, and write that as JSON where asked to."""
    require_writable((arguments.json, "the figures"))
    process.begin()
    from visualizer.engine.report import write_report
    from visualizer.support.console import print_tables
    from visualizer.tools.roundtrip.click_test import ClickSettings, measure
    from visualizer.tools.roundtrip.tables import click_json, click_tables

    settings = ClickSettings(
        EngineConfig(
            CaptureConfig("mic", device=arguments.device, sample_rate=arguments.sample_rate),
            **choice(chosen_front_end(arguments)),
        ),
        arguments.output,
        arguments.clicks,
        arguments.level,
    )

    def announce(text: str) -> None:
        # All is loaded by now.
        process.settle()
        print(f"visualizer: {text}", file=sys.stderr, flush=True)

    report = measure(settings, announce)
    if arguments.json is not None:
        write_report(arguments.json, click_json(report))
    print_tables(click_tables(report))
    return 0
