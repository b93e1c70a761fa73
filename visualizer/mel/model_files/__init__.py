"""Front-ends read from models' own folders and files, one format a module.

Formats are told apart by what is in the files, not by what they are called. Nothing of them is
run or unpickled, and how much is read of them is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files import (
    coqui,
    espnet,
    funasr,
    hifigan,
    hugging_face,
    nemo,
    own,
    sherpa_onnx,
    torchaudio_keywords,
    vits,
    vocos,
)
from visualizer.mel.model_files.loading import load_json, load_yaml, text_of

_READERS: tuple[Callable[[dict[str, Any], Path], Described | None], ...] = (
    nemo.read,
    funasr.read,
    espnet.read,
    hifigan.read,
    vits.read,
    coqui.read,
    vocos.read,
    torchaudio_keywords.read,
)
_KNOWN_NAMES = ("model_config.yaml", "config.yaml", "config.yml", "config.json")
"""Which files of a folder are looked at first."""
_MOST_OTHERS = 8
"""Of each kind."""
_MOST_OTHER_BYTES = 64 << 10
"""Configurations are small, and vocabularies are not."""
_MOST_ENTRIES = 10_000
_JSON, _YAML = (".json",), (".yaml", ".yml")
_REMEDY = "give a model's folder or its configuration, or write a chain of stages"
_TAR_AT, _TAR = 257, b"ustar"
_LOOKED_AT = 512
"""Bytes that tell what a file is."""


def read_model(path: Path) -> Described:
    """Return the front-end of a model's folder or file, or of a JSON front-end.

    Raises:
        ConfigError: where it has none, saying what is known of it.
    """
    try:
        return _folder(path) if path.is_dir() else _file(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{quoted(path)} cannot be read: {one_line(error)}") from error


def _folder(folder: Path) -> Described:
    # Several readers look at the same file.
    load = cache(load_json)
    readers: list[Callable[[], Described | None]] = [partial(hugging_face.read, folder, load)]
    readers += [partial(_known, file, load) for file in _candidates(folder)]
    refused: list[ConfigError] = []
    for read in readers:
        try:
            found = read()
        except ConfigError as error:
            # Another file of the folder may tell more.
            refused.append(error)
            continue
        if found is not None:
            return found
    if refused:
        raise refused[0]
    raise ConfigError(f"{quoted(folder)} holds no model's files that are known", _REMEDY)


def _candidates(folder: Path) -> Iterator[Path]:
    """Give the files of a folder that may say what its model is fed, likely ones first."""
    named = [folder / name for name in _KNOWN_NAMES]
    entries = sorted(islice(folder.iterdir(), _MOST_ENTRIES))
    others = [file for file in entries if file not in named and file.is_file()]
    archives = [file for file in others if file.suffix == ".nemo"]
    small = [
        file
        for file in others
        if file.suffix in (*_JSON, *_YAML) and file.stat().st_size <= _MOST_OTHER_BYTES
    ]
    graphs = [file for file in others if file.suffix == ".onnx"]
    yield from filter(Path.is_file, named)
    yield from espnet.packed(folder, load_yaml)[:_MOST_OTHERS]
    for files in (archives, small, graphs):
        yield from files[:_MOST_OTHERS]


def _known(file: Path, load: Callable[[Path], dict[str, Any]]) -> Described | None:
    """Return the front-end of a file of a folder, or None where it is of another purpose."""
    if file.suffix == ".nemo":
        return nemo.read_archive(file)
    if file.suffix == ".onnx":
        return sherpa_onnx.read(file)
    return _of_values(load_yaml(file) if file.suffix in _YAML else load(file), file)


def _of_values(values: dict[str, Any], file: Path) -> Described | None:
    for read in _READERS:
        found = read(values, file)
        if found is not None:
            return found
    # Last, since it also takes what has mistakes.
    return own.described(values, file) if own.is_own(values) else None


def _file(file: Path) -> Described:
    suffix = file.suffix.lower()
    if suffix == ".nemo":
        return nemo.read_archive(file)
    if suffix == ".onnx":
        return sherpa_onnx.read(file)
    if suffix not in (*_JSON, *_YAML):
        with file.open("rb") as opened:
            start = opened.read(_LOOKED_AT)
        if start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR or start.startswith(b"\x1f\x8b"):
            return nemo.read_archive(file)
        if not text_of(start, "ignore").lstrip().startswith("{"):
            problem = f"{quoted(file)} is no file that says what a model is fed"
            raise ConfigError(problem, "give its model's folder or its configuration")
    values = load_yaml(file) if suffix in _YAML else load_json(file)
    found = _of_values(values, file)
    if found is None and suffix not in _YAML:
        found = hugging_face.read(file, lambda path: values if path == file else load_json(path))
    if found is not None:
        return found
    names = ", ".join(quoted(key[:40]) for key in list(values)[:5])
    raise ConfigError(
        f"{quoted(file)} is no front-end and no known model's file: it holds {names or 'nothing'}",
        _REMEDY,
    )
