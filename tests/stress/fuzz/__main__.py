"""`python -m tests.stress.fuzz`: damaged files, settings, front-ends and sounds by the thousand."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.stress.fuzz.child import KINDS
from tests.stress.fuzz.runner import Outcome, run_kind

_OTHERS = [kind for kind in KINDS if kind != "files"]
_SHOWN_FAILURES = 20
_WIDTH = 120


def counts(count: int) -> dict[str, int]:
    """So many files, and the others together as many."""
    share, left = divmod(count, len(_OTHERS))
    return {"files": count} | {kind: share + (n < left) for n, kind in enumerate(_OTHERS)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="of files, and of all others")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="only these, `count` of them")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="of the first case")
    parser.add_argument("--chunk", type=int, default=500, help="cases in one process")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    options = parser.parse_args()
    wanted = {options.kind: options.count} if options.kind else counts(options.count)
    console = Console(highlight=False, soft_wrap=True, width=_WIDTH)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("cases", total=sum(wanted.values()))

        def run(kind: str) -> Outcome:
            return run_kind(
                kind,
                options.seed,
                options.first,
                wanted[kind],
                options.chunk,
                lambda: progress.update(task, advance=1),
            )

        # Two at a time: those of files wait for the clock more than they compute.
        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(run, wanted))
    console.print(_table(outcomes))
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    for failure in failures[:_SHOWN_FAILURES]:
        console.print(f"\n{failure.kind} {failure.case}: {failure.what}", markup=False)
    if options.json is not None:
        figures = {"seed": options.seed, "kinds": [outcome.to_dict() for outcome in outcomes]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if failures else 0


def _table(outcomes: list[Outcome]) -> Table:
    table = Table(
        "kind", "passed", "of these", "failed", "crashes", "hangs", "grown", "descriptors", "took"
    )
    for outcome in outcomes:
        table.add_row(
            outcome.kind,
            str(outcome.passed),
            ", ".join(f"{n} {result}" for result, n in sorted(outcome.results.items())),
            str(len(outcome.failures)),
            str(outcome.crashes),
            str(outcome.hangs),
            f"{outcome.most_grown_bytes / 1e6:.1f} MB",
            str(outcome.most_grown_descriptors),
            f"{outcome.seconds:.0f} s",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
