"""What NumPy computes starts without torch, which takes seconds to load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT

ASK = """\
import sys
from visualizer.cli import run_command
code = run_command(sys.argv[1:])
print("loaded:", sorted({"torch", "torchaudio", "PyQt6"} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["mel", "sound.wav", "-o", "out.npz", "--front-end", "whisper-80"],
        ["mel", "sound.wav", "-o", "out.npy", "--front-end", "hifigan", "--streaming"],
        ["diff", "whisper-80", "whisper-80:reference", "--on", "sound.wav"],
        ["presets", "--check"],
        ["presets", "--json"],
        ["stream", "--source", "sound.wav", "--front-end", "kaldi", "--kernel", "numpy"],
    ],
    ids=" ".join,
)
def test_a_command_that_numpy_serves_loads_no_torch(words: list[str], tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.1, 12_000).astype(np.float32)
    soundfile.write(tmp_path / "sound.wav", noise, 24_000, subtype="FLOAT")
    done = subprocess.run(
        [sys.executable, "-c", ASK, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "loaded: []" in done.stderr.splitlines()
