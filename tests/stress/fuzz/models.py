"""Models' files of every format, with values of any kind or damaged; what is read must work."""

from __future__ import annotations

import copy
import gzip
import io
import json
import shutil
import tarfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.mel.model_files import test_formats as formats
from tests.stress.fuzz.values import Refused, anything, check_message, damaged
from visualizer.errors import quoted
from visualizer.mel.described import Described
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.model_files import read_model
from visualizer.mel.presets import PRESETS
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.whole import reference_columns

_WHISPER = {
    "feature_extractor_type": "WhisperFeatureExtractor", "sampling_rate": 16000, "hop_length": 160,
    "feature_size": 80, "chunk_length": 30, "n_fft": 400, "padding_value": 0.0,
}  # fmt: skip
_VOCOS = {
    "feature_extractor": {
        "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
        "init_args": {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": 100},
    }
}
_FILES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("preprocessor_config.json", _WHISPER),
    ("model_config.yaml", {"preprocessor": formats.FASTCONFORMER}),
    ("model.nemo", {"preprocessor": formats.FASTCONFORMER}),
    ("config.yaml", formats.ESPNET[0][0]),
    ("config.yaml", formats.TTS_CONFIG),
    ("config.yaml", formats.FUNASR),
    ("config.json", formats.HIFIGAN[0]),
    ("config.json", {"data": formats.RVC, "model": {"spk_embed_dim": 109}}),
    ("config.json", {"model": "tacotron2", "audio": formats.COQUI}),
    ("config.yaml", _VOCOS),
    ("mel.json", {"sample_rate": 16000, "n_fft": 512, "n_mels": 64, "normalized": True}),
    ("model.onnx", {"lfr_window_size": 7, "lfr_window_shift": 6, "normalize_samples": 0}),
    ("mine.json", PRESETS["whisper-80"].front_end.to_dict()),
)


def run(random: np.random.Generator, folder: Path) -> str:
    """Return what came of it: "used", "valid" where it is too slow, or "refused"."""
    model = folder / "model"
    model.mkdir()
    try:
        name, values = _FILES[random.integers(len(_FILES))]
        values = copy.deepcopy(values)
        for _ in range(random.integers(4)):
            _change(random, values)
        content = _written(name, values)
        if random.integers(2):
            content = damaged(random, content, _written(*_FILES[random.integers(len(_FILES))]))
        # Under a name of another format, now and then.
        name = _FILES[random.integers(len(_FILES))][0] if random.integers(6) == 0 else name
        (model / name).write_bytes(content)
        with Refused() as refused:
            found = read_model(model if random.integers(2) else model / name)
        return "refused" if refused.words is not None else _use(random, found)
    finally:
        shutil.rmtree(model)


def _change(random: np.random.Generator, values: dict[str, Any]) -> None:
    """Replace a value of an object or one in it, or take it away."""
    at: Any = values
    while True:
        keys = list(at)
        key = keys[random.integers(len(keys))] if keys else "key"
        if not isinstance(at.get(key), dict) or not at[key] or random.integers(4) == 0:
            break
        at = at[key]
    kind = random.integers(4)
    if kind == 0:
        at.pop(key, None)
    elif kind == 1 and isinstance(at.get(key), int | float) and abs(at[key]) < 1e9:
        at[key] = type(at[key])(at[key] * random.choice([0, -1, 0.5, 2, 3, 1000]))
    elif kind == 2:
        at[str(random.choice(["normalize", "stats_path", "fmax", "stages", "stats_file"]))] = (
            anything(random)
        )
    else:
        at[key] = anything(random)


def _written(name: str, values: dict[str, Any]) -> bytes:
    if name.endswith(".onnx"):
        texts = {quoted(key).strip("'"): quoted(value).strip("'") for key, value in values.items()}
        return formats.onnx(texts)
    try:
        content = json.dumps(_plain(values)).encode()
        if not name.endswith(".json"):
            content = yaml.safe_dump(json.loads(content)).encode()
    except ValueError:
        # Python writes and reads no int of thousands of digits.
        content = b'{"sampling_rate": ' + b"1" * 5000 + b"}"
    if not name.endswith(".nemo"):
        return content
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("./model_config.yaml")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue()) if len(content) % 2 else packed.getvalue()


def _plain(values: Any) -> Any:
    """Numbers of NumPy, which `anything` gives as well, as Python's."""
    if isinstance(values, dict):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_plain(value) for value in values]
    return values.item() if isinstance(values, np.generic) else values


def _use(random: np.random.Generator, found: Described) -> str:
    front_end = found.front_end
    for words in (front_end.name, found.whose, found.source, *found.notes):
        check_message(words)
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end
    named = {(field.stage, field.field): field.value for field in found.fields}
    for i, stage in enumerate(front_end.stages):
        for field in fields(stage):
            assert named[i, field.name] == getattr(stage, field.name), (i, field.name)
    if not _is_affordable(front_end):
        return "valid"
    samples = random.normal(0, 0.1, 3 * front_end.win_length).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        columns = reference_columns(samples, front_end)
    assert len(columns) == front_end.n_model_rows
    return "used"


def _is_affordable(front_end: FrontEnd) -> bool:
    """Whether it is at most a second's work: others are no less valid, but slow."""
    kinds = {type(stage): stage for stage in front_end.stages}
    mel, spectrum = kinds.get(Mel), kinds[Spectrum]
    n_mels = mel.n_mels if isinstance(mel, Mel) else 1
    assert isinstance(spectrum, Spectrum)
    fills = any(
        stage.stage in ("sound_length", "sound_multiple", "sound_pad") for stage in front_end.stages
    )
    return (
        spectrum.n_fft * n_mels <= 1 << 20
        and spectrum.n_fft <= 8192
        and front_end.hop_length >= 16
        and front_end.n_model_rows <= 1 << 14
        and not fills
    )
