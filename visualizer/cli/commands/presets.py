"""`visualizer presets`: the front-ends that come with the program."""

from __future__ import annotations

import argparse
import json

from visualizer.mel.presets import PRESETS


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--check", action="store_true", help="compute each and show how far it is from float64"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with the whole configs")


def run(arguments: argparse.Namespace) -> int:
    """Print them, or how exactly each is computed."""
    if arguments.check:
        _check()
    elif arguments.json:
        print(json.dumps([_row(name) for name in PRESETS], indent=2))
    else:
        width = max(map(len, PRESETS))
        for p in PRESETS.values():
            print(f"{p.name:<{width}}  {p.summary}\n{'':<{width}}  from: {p.source}")
    return 0


def _row(name: str) -> dict[str, object]:
    # Here, since the list needs no flat form.
    from visualizer.engine.report import front_end_fields

    p = PRESETS[name]
    row = {"name": p.name, "summary": p.summary, "source": p.source}
    return row | front_end_fields(p.front_end)


def _check() -> None:
    import numpy as np

    from visualizer.mel.clip import largest_deviation

    width = max(map(len, PRESETS))
    print("The largest deviation of the kernel (float32) from the reference (float64) over 2 s of")
    print("fresh noise, the largest value there is, and the first as a share of the second:")
    for p in PRESETS.values():
        noise = np.random.default_rng().normal(0.0, 0.1, 2 * p.front_end.sample_rate)
        deviation, largest = largest_deviation(p.front_end, noise.astype(np.float32))
        share = deviation / largest
        print(f"{p.name:<{width}}  {deviation:8.1e} of {largest:9.4g}  {share:8.1e}", flush=True)
