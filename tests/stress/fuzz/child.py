"""Runs a range of cases, and tells before and after each: `python -m tests.stress.fuzz.child`.

A process of its own, so that a crash or a hang of a library ends with it, and names the case.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import tempfile
import traceback
import zlib
from pathlib import Path

import numpy as np
import psutil

KINDS = ("files", "settings", "configs", "models", "sounds")


def random_of(kind: str, seed: int, case: int) -> np.random.Generator:
    """What a case is made of, whichever others run."""
    return np.random.default_rng([seed, zlib.crc32(kind.encode()), case])


def main() -> None:
    kind, seed, first, count = sys.argv[1], *map(int, sys.argv[2:])
    # What libraries print goes to stderr, and nothing but our lines to this one.
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module = importlib.import_module(f"tests.stress.fuzz.{kind}")
    if kind in ("configs", "models", "sounds"):
        import torch

        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for n, case in enumerate(range(first, first + count)):
            if n == count // 2:
                lines.write(json.dumps({"grown": _size()}) + "\n")
            lines.write(json.dumps({"start": case}) + "\n")
            failure = result = None
            try:
                result = module.run(random_of(kind, seed, case), Path(folder))
            except BaseException:
                failure = traceback.format_exc()
            lines.write(json.dumps({"end": case, "result": result, "failure": failure}) + "\n")
        lines.write(json.dumps({"grown": _size()}) + "\n")


def _size() -> tuple[int, int]:
    """Bytes in memory, and open descriptors."""
    gc.collect()
    process = psutil.Process()
    return process.memory_info().rss, process.num_fds()


if __name__ == "__main__":
    main()
