"""`visualizer test`: the project's checks and tests, in a checkout."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from visualizer.errors import ConfigError


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options: all that follow are pytest's, and come as `pytest_args`."""


def run(arguments: argparse.Namespace) -> int:
    """Run every check, also where one fails; return 1 if any did."""
    root = Path(__file__).parents[3]
    if not (root / "tests").is_dir():
        raise ConfigError("the tests are part of a checkout of the project, which this is not")
    python = sys.executable
    checks = (
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        [python, "-m", "pytest", *arguments.pytest_args],
    )
    failed = [check for check in checks if subprocess.run(check, cwd=root).returncode != 0]
    for check in failed:
        print(f"failed: {' '.join(check[1:] or check)}", file=sys.stderr)
    return 1 if failed else 0
