"""Front-ends of transformers' models, from the files that save_pretrained writes.

A class of transformers decides what is computed, its file only some numbers of it. So there is a
function for each class, in the modules beside this one; `extractors` lists them. Each gives the
form that the class computes of one clip by default.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.extractors import (
    OF_MODEL_TYPES,
    RAW_RATES_HZ,
    READERS,
)
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import sample_rate
from visualizer.mel.model_files.values import FileValues, described

Load = Callable[[Path], Mapping[str, Any]]

_PROCESSOR, _EXTRACTOR, _MODEL = (
    "processor_config.json",
    "preprocessor_config.json",
    "config.json",
)
_NESTED = ("feature_extractor", "audio_processor")
"""Under which a processor's file holds its extractor, since transformers 5."""
_TYPE = "feature_extractor_type"
_NEWER_TYPE, _NEWER_NUMBERS = "audio_processor_type", "spectrogram_config"
"""What comes after transformers 5.24."""
_BANDS = ("num_mel_bins", "n_mels")
"""What a model's configuration calls its bands, if it has them."""
_TYPING_ERROR = 0.9
"""How alike two names are; most end in the same word."""
_OF_BANDS = ("feature_size", "num_mel_bins", "n_mels")
"""What extractors call them."""


def read(path: Path, load: Load) -> Described | None:
    """Return the front-end of a transformers model.

    Args:
        path: its folder, or one of its files.
        load: returns the object of a JSON file; it raises ConfigError where there is none.

    Returns:
        None where nothing of it is a file that transformers writes.

    Raises:
        ConfigError: where its extractor is not known or computes no columns, or a number does not
            fit, naming the file and its own name of the number.
    """
    if path.is_dir():
        files = [path / name for name in (_PROCESSOR, _EXTRACTOR, _MODEL)]
    elif path.name in (_PROCESSOR, _EXTRACTOR):
        files = [path, path.parent / _MODEL]
    elif path.suffix == ".json":
        files = [path]
    else:
        return None
    untold: FileValues | None = None
    for file in filter(_is_file, files):
        content = load(file)
        source = source_of(file)
        held = _extractor(file.name, content)
        if held is not None:
            values = FileValues(held, source)
            if _TYPE in held:
                return _read(held[_TYPE], values, path)
            if _NEWER_TYPE in held or _NEWER_NUMBERS in held:
                return _newer(held, values, path)
            untold = values
        model_type = content.get("model_type")
        if isinstance(model_type, str):
            return _of_model(model_type, content, source, untold, path)
    if untold is not None:
        raise ConfigError(
            f"{untold.source} does not name its {_TYPE}",
            f"put the model's {_MODEL} beside it, which has its model_type",
        )
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # In a folder that may not be searched.
        return False


def _extractor(file_name: str, content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a file holds of an extractor; None where it is another file."""
    nested = (content[key] for key in _NESTED if isinstance(content.get(key), dict))
    held = next(nested, content)
    is_named = any(key in held for key in (_TYPE, _NEWER_TYPE, _NEWER_NUMBERS))
    if not is_named and file_name not in (_PROCESSOR, _EXTRACTOR):
        return None
    return {key: _flat(value) for key, value in held.items()}


def _flat(value: Any) -> Any:
    """Return a list that arrays of more dimensions, all but one of them 1, were written as."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        (value,) = value
    return value


def _read(name: Any, values: FileValues, path: Path) -> Described:
    if isinstance(name, str) and name in RAW_RATES_HZ:
        rate = sample_rate(values, "sampling_rate", RAW_RATES_HZ[name]).value
        raise ConfigError(
            f"{values.source}: {name} feeds raw samples at {rate} Hz, so there are no mel columns"
        )
    if not isinstance(name, str) or name not in READERS:
        near = difflib.get_close_matches(str(name)[:100], READERS, n=1, cutoff=_TYPING_ERROR)
        raise ConfigError(
            f"{values.source}: the extractor {quoted(name)} is not known",
            f"did you mean {near[0]}?" if near else "write its front-end as a chain of stages",
        )
    chain = READERS[name](values)
    notes = tuple(filter(None, chain.notes))
    whose = f"{name} of transformers"
    return described(name_of(path), whose, values, chain.sample_rate, chain.stages, notes)


def _newer(held: Mapping[str, Any], values: FileValues, path: Path) -> Described:
    """Return the front-end of an audio processor that has the numbers of its extractor."""
    name = held.get(_NEWER_TYPE)
    if _NEWER_NUMBERS in held or not isinstance(name, str):
        raise ConfigError(
            f"{values.source}: {_NEWER_NUMBERS}, which came after transformers 5.24, is not known",
            "write its front-end as a chain of stages",
        )
    return _read(name.replace("AudioProcessor", "FeatureExtractor"), values, path)


def _of_model(
    model_type: str,
    config: Mapping[str, Any],
    source: str,
    untold: FileValues | None,
    path: Path,
) -> Described:
    """Return the front-end of a type of model, with what an extractor's file without a type has."""
    name, part = _extractor_of(model_type, config)
    if name is None:
        raise ConfigError(
            f"{source}: no extractor is known for the model_type {quoted(model_type)}",
            "write its front-end as a chain of stages",
        )
    if config.get("audio_config", part) is None:
        raise ConfigError(f"{source}: this {model_type} has no audio_config, so it takes no sound")
    bands = next((key for key in _BANDS if key in part), "")
    n_bands = FileValues(part, source).whole(bands, None).value if bands else None
    given = dict.fromkeys(_OF_BANDS, n_bands) if bands else {}
    found = _read(name, FileValues(given, source) if untold is None else untold, path)
    fields = tuple(
        replace(field, key=bands if untold is None else field.key)
        if field.origin == "file"
        else replace(field, origin="assumed")
        for field in found.fields
    )
    note = f"{name} is assumed from the model_type {quoted(model_type)}"
    ignored = () if untold is None else found.ignored
    return replace(found, fields=fields, ignored=ignored, notes=(*found.notes, note))


def _extractor_of(
    model_type: str, config: Mapping[str, Any]
) -> tuple[str | None, Mapping[str, Any]]:
    """Return the extractor of a type of model, and the part of its configuration that says so.

    Parts have types such as "qwen2_audio_encoder".
    """
    parts = list(_audio_parts(config))
    if model_type in OF_MODEL_TYPES:
        has_bands = (part for part in (config, *parts) if any(key in part for key in _BANDS))
        return OF_MODEL_TYPES[model_type], next(has_bands, config)
    for part in parts:
        name = part.get("model_type")
        while isinstance(name, str) and name:
            if name in OF_MODEL_TYPES:
                return OF_MODEL_TYPES[name], part
            name = name.rpartition("_")[0]
    return None, config


def _audio_parts(config: Mapping[str, Any], depth: int = 2) -> Iterator[Mapping[str, Any]]:
    for key, part in config.items():
        if isinstance(part, dict) and depth:
            if any(word in key for word in ("audio", "speech", "encoder")):
                yield part
            yield from _audio_parts(part, depth - 1)
