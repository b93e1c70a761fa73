"""Files that are damaged, huge, hostile or of another kind: one clear line each."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.mel.model_files.test_formats import FASTCONFORMER, TTS_CONFIG, chunk, onnx, varint
from tests.stress.fuzz.values import check_message
from visualizer.errors import ConfigError
from visualizer.mel.model_files import read_model

NEMO_YAML = json.dumps({"preprocessor": FASTCONFORMER}).encode()
GIBIBYTE = 1 << 30


def archive(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return made.getvalue()


def header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf()


def resized(size: bytes) -> bytes:
    """A configuration's header with another size, its checksum made right."""
    plain = header("model_config.yaml", 0)
    total = sum(plain[:124] + size + plain[136:148] + plain[156:]) + 8 * ord(" ")
    return plain[:124] + size + plain[136:148] + b"%06o\0 " % total + plain[156:] + bytes(2048)


def sparse(path: Path, start: bytes, size: int) -> None:
    """A file whose end is zeros, which take no room on the disk."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)


def bomb(path: Path, name: str) -> None:
    """A packed archive of a MB with a member of 1 GiB of zeros."""
    zeros = gzip.compress(bytes(GIBIBYTE // 64))
    path.write_bytes(gzip.compress(header(name, GIBIBYTE)) + zeros * 64)


def alias_bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def references() -> bytes:
    """Texts that hold the next one a thousand times each."""
    lines = [f"a{n}: '{f'${{a{n + 1}}}' * 1000}'" for n in range(12)]
    inner = "preprocessor: {features: '${a0}', window_size: 0.025}"
    return "\n".join([*lines, inner]).encode()


HOSTILE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a bomb for a configuration": (
        "model.nemo",
        lambda path: bomb(path, "model_config.yaml"),
        "holds more than 1 MiB",
    ),
    "a bomb in front of it": (
        "model.nemo",
        lambda path: bomb(path, "weights.ckpt"),
        "has no model_config.yaml in its first 128 MiB",
    ),
    "a truncated archive": (
        "model.nemo",
        lambda path: path.write_bytes(archive(("model_config.yaml", NEMO_YAML))[:700]),
        "ends within model_config.yaml",
    ),
    "a truncated packed archive": (
        "model.nemo",
        lambda path: path.write_bytes(
            gzip.compress(archive(("model_config.yaml", NEMO_YAML * 50)))[:200]
        ),
        "is damaged",
    ),
    "an archive without a configuration": (
        "model.nemo",
        lambda path: path.write_bytes(archive(("a", b"1"), ("b/model_config.yaml", NEMO_YAML))),
        "has no model_config.yaml",
    ),
    "a member that points outside": (
        "model.nemo",
        lambda path: path.write_bytes(
            archive(("../model_config.yaml", NEMO_YAML), ("/etc/model_config.yaml", NEMO_YAML))
        ),
        "has no model_config.yaml",
    ),
    "a member of more than there is": (
        "model.nemo",
        lambda path: sparse(path, header("weights", 1 << 32), 200 << 20),
        "has no model_config.yaml",
    ),
    "a member of less than nothing": (
        "model.nemo",
        lambda path: path.write_bytes(resized(b"-0000000001\0")),
        "is no tar archive",
    ),
    "a member of more than any disk": (
        "model.nemo",
        lambda path: path.write_bytes(resized(b"\x80" + b"\xff" * 11)),
        "is no tar archive",
    ),
    "a configuration of 200 MB": (
        "model.nemo",
        lambda path: sparse(path, header("model_config.yaml", 200 << 20), 201 << 20),
        "holds more than 1 MiB",
    ),
    "a damaged second header": (
        "model.nemo",
        lambda path: path.write_bytes(archive(("a", b"1"))[:1024] + b"x" * 2048),
        "is damaged: it has a bad header",
    ),
    "a tag that runs something": (
        "config.yaml",
        lambda path: path.write_text("a: !!python/object/apply:os.system ['touch hacked']"),
        "'!!python/object/apply:os.system', which would build an object",
    ),
    "a tag that imports something": (
        "config.yaml",
        lambda path: path.write_text("a: !!python/name:os.system ''"),
        "'!!python/name:os.system', which would build an object",
    ),
    "a bomb of aliases": (
        "config.yaml",
        lambda path: path.write_bytes(alias_bomb()),
        "holds more than 200000 values",
    ),
    "an alias within itself": (
        "config.yaml",
        lambda path: path.write_text("a: &a [*a]"),
        "refers to 'a', which it has not",
    ),
    "a bomb of references": (
        "config.yaml",
        lambda path: path.write_bytes(references()),
        "leads to no value, but to ever more",
    ),
    "brackets without an end": (
        "config.yaml",
        lambda path: path.write_bytes(b"[" * 500_000),
        "is not YAML",
    ),
    "deep blocks": (
        "config.yaml",
        lambda path: path.write_text("\n".join(" " * n + "a:" for n in range(900))),
        "nests more than 64 deep",
    ),
    "JSON of 200 MB": (
        "config.json",
        lambda path: sparse(path, b'{"a": "', 200 << 20),
        "holds more than 2 MiB",
    ),
    "YAML of 200 MB": (
        "config.yaml",
        lambda path: sparse(path, b"a: ", 200 << 20),
        "holds more than 1 MiB",
    ),
    "JSON of brackets": (
        "config.json",
        lambda path: path.write_bytes(b'{"a":' + b"[" * 1_000_000),
        "is not JSON",
    ),
    "JSON of many lists": (
        "config.json",
        lambda path: path.write_bytes(b'{"a":[' + b"[]," * 690_000 + b"1]}"),
        "no known model's file: it holds 'a'",
    ),
    "JSON of quotes": (
        "config.json",
        lambda path: path.write_bytes(b'{"\\' * 690_000),
        "is not JSON",
    ),
    "JSON of comments": (
        "config.json",
        lambda path: path.write_bytes(b"{/*" * 690_000),
        "is not JSON",
    ),
    "a number of a million digits": (
        "config.json",
        lambda path: path.write_bytes(b'{"sampling_rate": ' + b"9" * 1_000_000 + b"}"),
        "is not JSON",
    ),
    "a chain of thousands of stages": (
        "mine.json",
        lambda path: path.write_text(
            json.dumps({"name": "x", "sample_rate": 16000, "stages": [{"stage": "log"}] * 50_000})
        ),
        "the stage 'log' needs kind",
    ),
    "a checkpoint": (
        "model.pt",
        lambda path: path.write_bytes(pickle.dumps({"a": print})),
        "is no file that says what a model is fed",
    ),
    "a pickle that is called JSON": (
        "config.json",
        lambda path: path.write_bytes(pickle.dumps({"a": print})),
        "is not JSON",
    ),
    "a graph that does not end": (
        "model.onnx",
        lambda path: path.write_bytes(onnx({"model_type": "zipformer2"})[:500]),
        "is no .onnx file, or is damaged",
    ),
    "a graph of ever more fields": (
        "model.onnx",
        lambda path: path.write_bytes(chunk(2, b"") * 100_000),
        "is no .onnx file, or is damaged",
    ),
    "metadata without an end": (
        "model.onnx",
        lambda path: path.write_bytes(chunk(14, chunk(1, b"a") + b"\xff" * 9)),
        "is no .onnx file, or is damaged",
    ),
    "metadata of more than any disk": (
        "model.onnx",
        lambda path: path.write_bytes(chunk(14, b"\x0a" + b"\xff" * 9 + b"\x7f")),
        "is no .onnx file, or is damaged",
    ),
    "metadata of 200 MB": (
        "model.onnx",
        lambda path: sparse(path, varint(14 << 3 | 2) + varint(199 << 20), 200 << 20),
        "has more than 1 MiB of metadata",
    ),
    "a list of numbers that is none": (
        "model.onnx",
        lambda path: path.write_bytes(
            onnx(
                {
                    "lfr_window_size": 7,
                    "lfr_window_shift": 6,
                    "neg_mean": "1,nan",
                    "inv_stddev": "1",
                }
            )
        ),
        "it must be a list of 1 to 262144 numbers from -1e+12 to 1e+12",
    ),
    "nothing": ("config.json", lambda path: path.write_bytes(b""), "is not JSON"),
    "nothing at all": ("model.nemo", lambda path: path.write_bytes(b""), "is no tar archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    file, make, words = HOSTILE[name]
    path = tmp_path / "folder" / file
    path.parent.mkdir()
    make(path)
    with pytest.raises(ConfigError) as error:
        read_model(path)
    assert words in str(error.value)
    check_message(str(error.value))
    # Nothing was unpacked or run.
    assert list(path.parent.iterdir()) == [path]
    assert not Path("hacked").exists()


SUFFIXES = (".json", ".yaml", ".yml", ".nemo", ".onnx", ".pt", ".npz", ".txt", "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_noise_under_every_suffix_is_refused_in_one_line(suffix: str, tmp_path: Path) -> None:
    random = np.random.default_rng()
    path = tmp_path / f"model{suffix}"
    for size in (1, 2, 100, 511, 512, 5000):
        path.write_bytes(random.bytes(size))
        with pytest.raises(ConfigError) as error:
            read_model(path)
        check_message(str(error.value))


@pytest.mark.parametrize(
    "written", ["../../etc/passwd", "/etc/passwd", "..", ".", "", "..\\..\\passwd", "a\0b", 3, None]
)
def test_statistics_are_only_looked_for_beside_the_configuration(
    written: object, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "passwd").write_text("secret")
    config = TTS_CONFIG | {"normalize_conf": {"stats_file": written}}
    (folder / "config.yaml").write_text(json.dumps(config))
    (note,) = read_model(folder).notes
    assert "is not beside the configuration" in note


def zipped(size: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("sum.npy", bytes(size))
    return made.getvalue()


def npy(shape: tuple[int, ...], data: bytes) -> bytes:
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        made, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return made.getvalue() + data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(100 << 20), "holds more than 4 MiB"),
        (zipped(1000), "is damaged"),
        (zipped(1000)[:200], "is damaged"),
        (npy((1 << 40, 1 << 20), b"x" * 800), "ends within an array"),
        (npy((-1, 80), b"x" * 800), "ends within an array"),
        (npy((81,), b"\0" * 648), "is not a statistics file"),
        (npy((2, 81), b"\0" * 1296), "statistics that are no numbers"),
        (npy((2, 5), np.ones(10).tobytes()), "has statistics of 4 rows; the model has 80"),
    ],
)
def test_statistics_that_are_damaged_are_refused_in_one_line(
    content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(json.dumps(TTS_CONFIG))
    (tmp_path / "feats_stats.npz").write_bytes(content)
    with pytest.raises(ConfigError) as error:
        read_model(tmp_path)
    assert words in str(error.value)
    check_message(str(error.value))
