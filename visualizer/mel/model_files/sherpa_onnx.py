"""sherpa-onnx: the metadata of an .onnx file that say how it is fed.

What each model's reader sets is in sherpa-onnx/csrc (features.h, offline-recognizer-*-impl.h,
speaker-embedding-extractor-general-impl.h); the columns are kaldi-native-fbank's. Of the protobuf
only the outermost fields of ModelProto are walked over (onnx.proto); the graph is skipped.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.chain import half, per_row, stage
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import kaldi_columns, sample_rate
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of

_METADATA = 14
"""ModelProto.metadata_props"""
_KEY, _VALUE = 1, 2
"""of StringStringEntryProto"""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""what follows a field's number"""
_MOST_FIELDS = 10_000
_MOST_BYTES = 1 << 20
"""Of all metadata."""
_RATE = Known(16_000)
"""Hz, of recognizers"""
_SPEAKERS = ("wespeaker", "3d-speaker")


def read(file: Path) -> Described:
    """Return the front-end of an .onnx file.

    Raises:
        ConfigError: where it is none, or has no metadata that say how it is fed.
    """
    values = metadata(file)
    source = source_of(file)
    kind = values.get("model_type", "")
    framework = values.get("framework", "")
    if not values:
        raise ConfigError(
            f"{source} has no metadata, so it does not say how it is fed",
            "give the folder that it was exported from",
        )
    conf = FileValues({key: _plain(value) for key, value in values.items()}, source)
    if "lfr_window_size" in values:
        return _stacked(conf, kind, name_of(file))
    is_other = "whisper" in kind or kind.startswith(("EncDec", "telespeech", "moonshine", "tdnn"))
    is_other = is_other or framework == "nemo" or "normalize_type" in values
    told = ("feat_dim", "feature_dim", "n_mels", "normalize_samples", "model_type")
    if is_other or not any(key in values for key in told):
        said = kind or framework or ", ".join(list(values)[:5])
        raise ConfigError(
            f"{source}: of a model {quoted(said)}, its metadata do not say how it is fed",
            "give the folder or the archive that it was exported from",
        )
    return _kaldi_like(conf, kind, framework, name_of(file))


def metadata(file: Path) -> dict[str, str]:
    """Return the metadata of an .onnx file.

    Raises:
        ConfigError: where it is no .onnx file, or ends too early.
    """
    try:
        with file.open("rb") as opened:
            return dict(_entries(opened, file))
    except OSError as error:
        raise ConfigError(f"{quoted(file)} cannot be read: {error.strerror}") from error


def _entries(opened: IO[bytes], file: Path) -> Iterator[tuple[str, str]]:
    end = opened.seek(0, 2)
    at = opened.seek(0)
    left = _MOST_BYTES
    for _ in range(_MOST_FIELDS):
        if at == end:
            return
        number, wire, size = _field(opened, file)
        start = opened.tell()
        at = start + size
        if at > end or (number == 0):
            raise _damaged(file)
        if number == _METADATA and wire == _BYTES:
            left -= size
            if left < 0:
                problem = f"{quoted(file)} has more than {_MOST_BYTES >> 20} MiB of metadata"
                raise ConfigError(problem)
            yield _entry(opened.read(size), file)
        opened.seek(at)
    raise _damaged(file)


def _field(opened: IO[bytes], file: Path) -> tuple[int, int, int]:
    """Return a field's number, its kind, and the bytes of its value, which follow."""
    tag = _varint(opened, file)
    number, wire = tag >> 3, tag & 7
    if wire == _VARINT:
        _varint(opened, file)
        return number, wire, 0
    if wire == _BYTES:
        return number, wire, _varint(opened, file)
    if wire in (_FIXED64, _FIXED32):
        return number, wire, 8 if wire == _FIXED64 else 4
    raise _damaged(file)


def _varint(opened: IO[bytes], file: Path) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = opened.read(1)
        if not byte:
            raise _damaged(file)
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _damaged(file)


def _entry(content: bytes, file: Path) -> tuple[str, str]:
    """Return key and value of one of the metadata."""
    found: dict[int, str] = {}
    opened = io.BytesIO(content)
    while opened.tell() < len(content):
        number, _, size = _field(opened, file)
        if opened.tell() + size > len(content):
            raise _damaged(file)
        found[number] = opened.read(size).decode("utf-8", "replace")
    return found.get(_KEY, ""), found.get(_VALUE, "")


def _damaged(file: Path) -> ConfigError:
    return ConfigError(f"{quoted(file)} is no .onnx file, or is damaged")


def _plain(text: str) -> Any:
    """Return the number that a text is, or the list of numbers."""
    try:
        return float(text) if "," not in text else [float(part) for part in text.split(",")]
    except ValueError:
        return text


def _stacked(conf: FileValues, kind: Any, name: str) -> Described:
    """Return Paraformer's and SenseVoice's: samples of 16 bits, seven columns every six."""
    n, hop = conf.whole("lfr_window_size", None, high=64), conf.whole("lfr_window_shift", None)
    scaled = _scaled(conf, default=0)
    bands = conf.whole("feat_dim", 80, origin="assumed")
    rows = of(lambda each, many: each * many, bands, n)
    shifts = per_row(conf, "neg_mean", rows, lambda mean: mean)
    scales = per_row(conf, "inv_stddev", rows, lambda inverse: inverse)
    normalised = None
    if shifts is not None and scales is not None:
        normalised = stage("row_affine", shifts=shifts, scales=scales)
    stages = [
        *kaldi_columns(_RATE, scaled, "hamming_symmetric", bands, half(_RATE), is_snipped=True),
        stage("stack", n=n, hop=hop),
        normalised,
    ]
    notes = (
        "FunASR's own code puts three copies of the first column in front, and fills the last "
        "stack with copies of the last one",
    )
    which = "SenseVoice" if "sense_voice" in str(kind) else "Paraformer"
    return described(name, f"{which} of sherpa-onnx", conf, _RATE, stages, notes)


def _kaldi_like(conf: FileValues, kind: str, framework: str, name: str) -> Described:
    rate = sample_rate(conf, "sample_rate", 16_000)
    bands = Known(80, "assumed")
    for key in ("feat_dim", "feature_dim", "n_mels"):
        if key in conf:
            bands = conf.whole(key, 80)
            break
    scaled = _scaled(conf, default=0 if "wenet" in kind else 1)
    mean = conf.raw("feature_normalize_type") == "global-mean"
    subtracted = Known("mean", "file", "feature_normalize_type")
    stages = [
        *kaldi_columns(rate, scaled, "povey", bands, rate.map(lambda hz: hz / 2 - 400.0)),
        stage("statistics", kind=subtracted) if mean else None,
    ]
    whose = framework if framework in _SPEAKERS else (kind or "a model")
    return described(name, f"{whose} of sherpa-onnx", conf, rate, stages)


def _scaled(conf: FileValues, default: int) -> StageValues | None:
    """Return the scale to samples of 16 bits, where they are not taken as ±1."""
    is_normal = conf.whole("normalize_samples", default, low=0, high=1)
    return None if is_normal.value else stage("scale", factor=is_normal.map(lambda _: 32768.0))
