"""`visualizer test`: the project's checks and tests, in a checkout."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from visualizer.errors import ConfigError

PLATFORMS = ("linux", "win32", "darwin")
"""Whose types are checked, wherever this runs."""
TWO_WORKERS = ("-n", "2", "--dist", "loadgroup")
"""Much of the suite waits for sound, windows and other processes."""


def register(parser: argparse.ArgumentParser) -> None:
    """Declare the options: all that follow are pytest's, and come as `pytest_args`."""


def run(arguments: argparse.Namespace) -> int:
    """Run every check, also where one fails; return 1 if any did."""
    root = Path(__file__).parents[3]
    if not (root / "tests").is_dir():
        raise ConfigError("the tests are part of a checkout of the project, which this is not")
    python = sys.executable
    checks = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
    ]
    for platform in PLATFORMS:
        # A cache holds what was found for one platform.
        options = ["--platform", platform, "--cache-dir", f".mypy_cache/{platform}"]
        checks.append([python, "-m", "mypy", *options])
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for check, done in zip(checks, pool.map(partial(_finish, root), checks), strict=True):
            print(done.stdout, end="", flush=True)
            if done.returncode != 0:
                failed.append(check)
    # Tests that were picked start at once, and stop where `--pdb` says.
    pytest_args = arguments.pytest_args or TWO_WORKERS
    tests = [python, "-m", "pytest", *pytest_args]
    if subprocess.run(tests, cwd=root).returncode != 0:
        failed.append(tests)
    for check in failed:
        print(f"failed: {' '.join(check[1:])}", file=sys.stderr)
    return 1 if failed else 0


def _finish(root: Path, check: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        check,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
