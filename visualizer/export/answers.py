"""A model's answers as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.export.archive import model_parts, opened_archive, write_arrays
from visualizer.models.contract import ModelSpec
from visualizer.models.history import Answered
from visualizer.support.files import replacing, writing


def write_answers(path: Path, answered: Answered) -> None:
    """Write answers to an .npz, in one step. Raises ConfigError where that fails."""
    n_texts = sum(output.kind == "text" for output in answered.spec.outputs)
    texts = np.array(answered.texts, np.str_).reshape(len(answered.times_s), n_texts)
    parts = model_parts(answered.spec, answered.times_s, answered.numbers, texts)
    with writing(path, "the answers"), replacing(path) as unfinished:
        write_arrays(unfinished, parts)


def read_answers(path: Path) -> Answered:
    """Read what `write_answers` wrote. Raises ConfigError for anything else."""
    name = quoted(path)
    try:
        with opened_archive(path) as held:
            spec = ModelSpec.from_dict(json.loads(str(held["model_spec"])))
            times_s, numbers = held["model_times_s"], held["model"].T
            texts = tuple(map(tuple, held["model_texts"].T)) if "model_texts" in held else ()
        if numbers.shape != (len(times_s), spec.n_numbers) or numbers.dtype != np.float32:
            raise ValueError(f"'model' is {numbers.dtype} of the shape {numbers.shape}")
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or one_line(error)}") from error
    except Exception as error:
        # A damaged one is found by NumPy, zipfile, zlib or json, each with errors of its own.
        raise ConfigError(
            f"{name} is not a file of answers as `visualizer answers` writes them: "
            f"{one_line(error)}"
        ) from error
    return Answered(spec, times_s, numbers, texts or ((),) * len(times_s))


def holds_answers(path: Path) -> bool:
    """Return whether a file holds answers and no columns; False where it cannot be read."""
    try:
        with opened_archive(path) as held:
            return "model_spec" in held and "mel" not in held
    except Exception:
        return False
