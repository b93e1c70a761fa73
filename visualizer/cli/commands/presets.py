"""`visualizer presets`: the front-ends that come with the program, and what one is made of."""

from __future__ import annotations

import argparse
import json

from visualizer.cli.options import FRONT_END, add_option
from visualizer.mel.presets import GROUPS, PRESETS


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--check", action="store_true", help="compute each and show how far it is from float64"
    )
    text = f"show where each number of one front-end comes from: {FRONT_END}"
    add_option(other, "--of", "WHAT", str, text)
    parser.add_argument("--json", action="store_true", help="print JSON, with the whole chains")


def run(arguments: argparse.Namespace) -> int:
    """Print them, or how exactly each is computed."""
    if arguments.of is not None:
        _show(arguments.of, arguments.json)
    elif arguments.check:
        _check()
    elif arguments.json:
        print(json.dumps([_row(name) for name in PRESETS], indent=2))
    else:
        _list()
    return 0


def _list() -> None:
    width = max(map(len, PRESETS))
    for group in GROUPS:
        print(f"\n{group}" if group != GROUPS[0] else group)
        for p in PRESETS.values():
            if p.group == group:
                print(f"  {p.name:<{width}}  {p.summary}\n  {'':<{width}}  from: {p.source}")


def _show(what: str, as_json: bool) -> None:
    # Here, since the list needs nothing of it.
    from visualizer.cli.origins import origin_lines, origin_values
    from visualizer.mel.front_ends import find_front_end

    found = find_front_end(what)
    if as_json:
        print(json.dumps(origin_values(found), indent=2, default=str))
    else:
        print("\n".join(origin_lines(found)))


def _row(name: str) -> dict[str, object]:
    # Here, since the list needs no flat form.
    from visualizer.engine.report import front_end_fields

    p = PRESETS[name]
    row = {"name": p.name, "group": p.group, "summary": p.summary, "source": p.source}
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
