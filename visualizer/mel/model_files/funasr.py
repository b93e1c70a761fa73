"""FunASR: the config.yaml of Paraformer, SenseVoice and others, with the am.mvn beside it.

The class is WavFrontend (funasr/frontends/wav_frontend.py).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from visualizer.errors import ConfigError, one_line, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.loading import read_at_most, text_of
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import (
    KALDI_WINDOWS,
    half,
    ignore,
    kaldi_columns,
    noise,
    part,
    per_row,
    sample_rate,
    stage,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of

_NAMES = ("WavFrontend", "WavFrontendOnline", "wav_frontend", "wav_frontend_online")
_STATISTICS = "am.mvn"
_MOST_BYTES = 1 << 20


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is not FunASR's.

    Raises:
        ConfigError: naming the field that does not fit.
    """
    if values.get("frontend") not in _NAMES:
        return None
    conf = FileValues(part(values, "frontend_conf"), source_of(file))
    rate = sample_rate(conf, "fs", 16_000)
    bands = conf.whole("n_mels", 80)
    scales = conf.flag("upsacle_samples", True)
    scaled = stage("scale", factor=scales.map(lambda _: 32768.0)) if scales.value else None
    window = conf.text("window", "hamming", tuple(KALDI_WINDOWS)).map(KALDI_WINDOWS.__getitem__)
    n, hop = conf.whole("lfr_m", 1, high=64), conf.whole("lfr_n", 1, high=64)
    is_stacked = (n.value, hop.value) != (1, 1)
    before = n.map(lambda each: (each - 1) // 2)
    ignore(conf, "not used", "filter_length_min", "filter_length_max")
    rows = of(lambda each, many: each * many, bands, n)
    normalised, note = _normalised(conf, file, rows)
    stages = [
        *kaldi_columns(
            rate,
            scaled,
            window if window.value else None,
            bands,
            half(rate),
            length_ms=conf.number("frame_length", 25.0, low=1.0, high=1e4),
            shift_ms=conf.number("frame_shift", 10.0, low=1.0, high=1e4),
            is_snipped=conf.flag("snip_edges", True).value,
        ),
        stage("stack", n=n, hop=hop, before=before, rest="repeat") if is_stacked else None,
        normalised,
    ]
    notes = tuple(filter(None, (noise(conf, 1.0), note)))
    return described(name_of(file), "WavFrontend of FunASR", conf, rate, stages, notes)


def _normalised(conf: FileValues, file: Path, rows: Known) -> tuple[StageValues | None, str | None]:
    """Return the stage of the corpus's statistics, or a note that they are not there."""
    written = conf.raw("cmvn_file")
    name = PurePosixPath(written).name if isinstance(written, str) else _STATISTICS
    path = file.parent / name
    if "\0" in name or not path.is_file():
        return None, f"the corpus's statistics ({quoted(name)}) are not beside the configuration"
    found = FileValues(_statistics(path), source_of(path))
    shifts = per_row(found, "AddShift", rows, lambda shift: shift)
    scales = per_row(found, "Rescale", rows, lambda scale: scale)
    if shifts is None or scales is None:
        raise ConfigError(f"{quoted(path)} holds no statistics", "AddShift and Rescale")
    return stage("row_affine", shifts=shifts, scales=scales), None


def _statistics(path: Path) -> dict[str, list[float]]:
    """Return the lists of Kaldi's text form: <AddShift> … <LearnRateCoef> 0 [ … ]."""
    words = text_of(read_at_most(path, _MOST_BYTES), "replace").split()
    found = {}
    for name in ("AddShift", "Rescale"):
        try:
            start = words.index("[", words.index(f"<{name}>"))
            found[name] = list(map(float, words[start + 1 : words.index("]", start)]))
        except ValueError as error:
            problem = f"{quoted(path)} is not a statistics file: {one_line(error)}"
            raise ConfigError(problem) from error
    return found
