"""`.safetensors` files are read, whichever library wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from visualizer.cli import run_command as main
from visualizer.export.archive import read_tensors
from visualizer.tools.identify.observation import read_features


def test_what_another_library_wrote_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng()
    path = tmp_path / "theirs.safetensors"
    held = {
        "z": rng.normal(size=(2, 3, 4)).astype(np.float16),
        "a": np.arange(5),
        "empty": np.zeros((0, 3), np.float32),
    }
    save_file(held, path, {"who": "they"})
    tensors, metadata = read_tensors(path)
    assert metadata == {"who": "they"}
    assert set(tensors) == set(held)
    for name, values in held.items():
        assert tensors[name].dtype == values.dtype
        np.testing.assert_array_equal(tensors[name], values)
    save_file({"logmel": held["z"]}, path, {"format": "pt"})
    np.testing.assert_array_equal(read_features(path), held["z"])


def entry(shape: object, begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"mel": None},
        {"mel": {"dtype": "F32", "shape": [2, 2]}},
        {"mel": entry([2, 2], 0, 16, "BF16")},
        {"mel": entry([2, 2], 0, 16), "__metadata__": {"config": 1}},
        {"mel": entry([2, 3], 0, 24)},
        {"mel": entry([2, 2], 0, 15)},
        {"mel": entry([2, 2], -8, 8)},
        {"mel": entry([-2, -2], 0, 16)},
        {"mel": entry([1 << 40, 1 << 40], 0, 1 << 82)},
        {"mel": entry([1.0, 4], 0, 16)},
        {"mel": entry([2, 2], 0, 16), "again": entry([2, 2], 0, 16)},
        {"mel": entry([1] * 100 + [4], 0, 16)},
    ],
)
def test_a_header_that_lies_is_one_line(
    tmp_path: Path, header: object, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(header).encode()
    refuse(tmp_path, len(text).to_bytes(8, "little") + text + bytes(16), capsys)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no such thing",
        (1 << 63).to_bytes(8, "little") + b"{}",
        (1 << 22).to_bytes(8, "little") + bytes(1 << 22),
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
    ],
)
def test_what_is_none_is_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse(tmp_path, content, capsys)


def refuse(folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "bad.safetensors"
    path.write_bytes(content)
    for command, words in (
        (["diff", str(path), "demo"], "bad.safetensors' is not a file of features"),
        (["identify", str(path), "--on", "demo"], "bad.safetensors' is not an array of numbers"),
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
