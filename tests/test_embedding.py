"""`import visualizer` as another program does it."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import visualizer
from tests.conftest import ROOT
from visualizer import MelStream, preset

ALONE = """
import sys
import time

BLOCKED = {
    "PyQt6", "pyqtgraph", "sounddevice", "pulsectl", "soundfile", "av", "psutil", "platformdirs",
    "rich", "torchaudio", "librosa", "scipy", "kaldi_native_fbank",
}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Blocker())
"""

USER = """
import numpy as np
import torch

import visualizer
from visualizer import Column, FrontEnd, MelConfig, MelKernel, MelStream
from visualizer import front_end, listen, preset

config: MelConfig | FrontEnd = preset("whisper-80")
stream = MelStream(config, 48_000, n_channels=1)
columns = stream.push(np.zeros((480, 1), np.float32))
kernel = MelKernel(front_end("whisper-80"), "cpu")
mel: torch.Tensor = kernel.clip(torch.zeros(16_000, 1))
try:
    with listen("demo", front_end="whisper-80") as listener:
        for column in listener:
            newest: Column = column
            reveal_type(column.values)
except visualizer.DeviceError as error:
    print(error, visualizer.__version__)
stream.push("no samples")
"""


def child(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_front_end_runs_where_only_torch_and_numpy_are() -> None:
    shapes = child(
        ALONE
        + """
from visualizer import MelConfig, MelKernel, MelStream, preset
import numpy, torch
config = preset("whisper-80")
print(MelStream(config, 16_000, 1).push(numpy.zeros((16_000, 1), numpy.float32)).shape)
print(tuple(MelKernel(config).clip(torch.zeros(16_000, 1)).shape))
compilers = [m for m in sys.modules if m.startswith(("torch._dynamo", "torch._inductor"))]
print(compilers)
"""
    )
    # The last of the 100 columns reaches past the end.
    assert shapes.splitlines() == ["(1, 80, 99)", "(1, 80, 100)", "[]"]


def test_the_import_itself_loads_nothing() -> None:
    loaded = child(
        "import sys; before = set(sys.modules); import visualizer\n"
        "dir(visualizer), visualizer.__version__\n"
        "new = {m for m in set(sys.modules) - before}\n"
        "print(*sorted(m for m in new if m.partition('.')[0] not in sys.stdlib_module_names))"
    )
    assert loaded == "visualizer visualizer._version\n"


def test_a_front_end_is_found_by_name_or_file_and_taken_as_it_is(tmp_path: Path) -> None:
    kaldi = visualizer.front_end("kaldi")
    assert kaldi == visualizer.front_end(preset("kaldi")) == visualizer.front_end(kaldi)
    path = tmp_path / "own.json"
    path.write_text(json.dumps(kaldi.to_dict()))
    assert visualizer.front_end(path) == visualizer.front_end(str(path)) == kaldi
    assert visualizer.front_end("simli", 48_000).sample_rate == 48_000
    with pytest.raises(visualizer.ConfigError, match="kaldi works at 16000 Hz, not at 8000"):
        visualizer.front_end(path, 8_000)
    with pytest.raises(
        visualizer.ConfigError, match="the front-end is 7; it must be a name, a path"
    ):
        visualizer.front_end(7)  # type: ignore[arg-type]
    # As a path it would be the current folder.
    with pytest.raises(visualizer.ConfigError, match="the front-end is ''; it must be a name or"):
        visualizer.front_end("")


def test_settings_and_presets_come_without_torch() -> None:
    script = "import sys; from visualizer import MelConfig, preset; print('torch' in sys.modules)"
    assert child(script) == "False\n"


def test_all_that_is_public_is_there_and_says_what_it_is() -> None:
    for name in visualizer.__all__:
        assert name in dir(visualizer)
        assert name == "__version__" or getattr(visualizer, name).__doc__
    with pytest.raises(AttributeError, match="'visualizer' has no attribute 'MelSteam'"):
        visualizer.MelSteam  # type: ignore[attr-defined] # noqa: B018


EXAMPLES = [
    path
    for path in sorted((ROOT / "visualizer").rglob("*.py"))
    if "    >>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_in_the_docstrings_hold(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0


@pytest.mark.timeout(400)
def test_the_types_reach_a_users_type_checker(tmp_path: Path) -> None:
    program = tmp_path / "user.py"
    program.write_text(USER)
    # The project's settings are strict, and with its cache torch need not be read again.
    command = [sys.executable, "-m", "mypy", "--cache-dir", f".mypy_cache/{sys.platform}"]
    done = subprocess.run([*command, str(program)], cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout + done.stderr
    revealed, wrong, _ = lines
    assert 'Revealed type is "numpy.ndarray[' in revealed
    assert 'incompatible type "str"' in wrong


@pytest.mark.parametrize("dtype", [np.float64, np.int16])
def test_samples_of_another_type_are_refused(dtype: type) -> None:
    stream = MelStream(preset("simli", 16_000), 16_000, 1)
    with pytest.raises(ValueError, match=r"float32, ±1\.0 at full scale, is expected"):
        stream.push(np.zeros((100, 1), dtype))
