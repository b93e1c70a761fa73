"""ESPnet 2: the config.yaml of a recognizer or a synthesizer.

The classes are espnet2's asr/frontend/default.py (DefaultFrontend), layers/log_mel.py (LogMel),
layers/utterance_mvn.py, layers/global_mvn.py and those in tts/feats_extract/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import (
    LIBROSA_FLOOR,
    centred_frames,
    half,
    ignore,
    padded_frames,
    part,
    sample_rate,
    stage,
)
from visualizer.mel.model_files.statistics_file import PickledError, arrays_of
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of

_RECOGNIZER, _SYNTHESIZER = "frontend_conf", "feats_extract_conf"
_WINDOWS = ("hann", "hamming", "blackman", "bartlett")
_META = "meta.yaml"
"""What packing a model writes, at the root"""
_DEEPEST = 4
"""folders that a configuration lies below that"""
_SIZE = re.compile(r"\s{0,9}([0-9]{1,9}(?:\.[0-9]{1,9})?)\s{0,9}([kK]?)(?:[hH][zZ])?\s{0,9}")
"""humanfriendly's way to write 16000 as 16k"""


def packed(folder: Path, load: Callable[[Path], dict[str, Any]]) -> list[Path]:
    """Return the configurations that the meta.yaml of a packed model names.

    Args:
        folder: that the model was unpacked to.
        load: returns the mapping of a YAML file.
    """
    meta = folder / _META
    try:
        written = part(load(meta), "yaml_files").values() if meta.is_file() else ()
    except ConfigError:
        # Of another purpose, then.
        return []
    paths = (_within(folder, path) for path in written)
    return [path for path in paths if path is not None]


def _within(folder: Path, written: Any) -> Path | None:
    """Return a file by its path from a folder, where it does not lead out of that."""
    if not isinstance(written, str) or "\0" in written:
        return None
    path = PurePosixPath(written)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(written).anchor:
        return None
    return folder / path if (folder / path).is_file() else None


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is not ESPnet's.

    Raises:
        ConfigError: naming a front-end that is not known, or the field that does not fit.
    """
    if _SYNTHESIZER in values or "feats_extract" in values:
        return _synthesizer(values, file)
    if _RECOGNIZER in values or ("frontend" in values and "normalize" in values):
        return _recognizer(values, file)
    return None


def _recognizer(values: dict[str, Any], file: Path) -> Described:
    source = source_of(file)
    kind = values.get("frontend", "default")
    if kind != "default":
        raise _unknown(source, "frontend", kind)
    conf = FileValues(part(values, _RECOGNIZER), source)
    rate, n_fft, frames = _frames(conf, 512, 128)
    bands = conf.whole("n_mels", 80)
    ignore(conf, "of arrays of microphones only", "frontend_conf")
    ignore(conf, "the spectrum of real samples", "onesided")
    normalised, notes = _normalised(values, file, bands, "utterance_mvn")
    stages = [
        *frames,
        stage("spectrum", n_fft=n_fft, power=2),
        _mel(conf, rate, bands, None, None),
        stage("log", kind="ln", floor=LIBROSA_FLOOR),
        *normalised,
    ]
    whose = "DefaultFrontend of ESPnet"
    return described(name_of(file), whose, conf, rate, stages, notes)


def _synthesizer(values: dict[str, Any], file: Path) -> Described:
    source = source_of(file)
    kind = values.get("feats_extract", "fbank")
    if kind not in ("fbank", "linear_spectrogram", "log_spectrogram", "spectrogram"):
        raise _unknown(source, "feats_extract", kind)
    conf = FileValues(part(values, _SYNTHESIZER), source)
    rate, n_fft, frames = _frames(conf, 1024, 256)
    bands = conf.whole("n_mels", 80)
    ignore(conf, "the spectrum of real samples", "onesided")
    filters = _mel(conf, rate, bands, 80.0, 7600.0) if kind == "fbank" else None
    is_log = kind in ("fbank", "log_spectrogram")
    rows = bands if kind == "fbank" else n_fft.map(lambda n: n // 2 + 1)
    normalised, notes = _normalised(values, file, rows, "global_mvn")
    stages = [
        *frames,
        stage("spectrum", n_fft=n_fft, power=1, epsilon=LIBROSA_FLOOR, epsilon_rule="max"),
        filters,
        stage("log", kind="log10", floor=LIBROSA_FLOOR) if is_log else None,
        *normalised,
    ]
    whose = "LogMelFbank of ESPnet" if kind == "fbank" else f"{kind} of ESPnet"
    return described(name_of(file), whose, conf, rate, stages, notes)


def _unknown(source: str, key: str, kind: Any) -> ConfigError:
    return ConfigError(
        f"{source}: {key} is {quoted(kind)}, of which no mel columns are known",
        "write its front-end as a chain of stages",
    )


def _frames(
    conf: FileValues, n_fft_default: int, hop_default: int
) -> tuple[Known, Known, list[StageValues | None]]:
    """Return sample rate, points and the stages before the spectrum (espnet2/layers/stft.py)."""
    rate = _rate(conf)
    n_fft = conf.whole("n_fft", n_fft_default)
    win = conf.whole("win_length", None) if conf.raw("win_length") is not None else n_fft
    hop = conf.whole("hop_length", hop_default)
    edge = conf.text("pad_mode", "reflect", ("reflect", "constant"))
    edge = edge.map({"reflect": "reflect", "constant": "zeros"}.__getitem__)
    centre = conf.flag("center", True)
    if centre.value:
        frames = centred_frames(win, hop, n_fft, edge)
    else:
        frames = padded_frames(win, hop, n_fft, centre.map(lambda _: 0), "zeros")
    scale = None
    if conf.flag("normalized", False).value:
        factor = of(lambda n, _: 1.0 / math.sqrt(n), n_fft, conf.flag("normalized", False))
        scale = stage("scale", factor=factor)
    window = None
    if conf.raw("window") is not None or "window" not in conf:
        window = stage("window", kind=conf.text("window", "hann", _WINDOWS))
    return rate, n_fft, [frames, scale, window]


def _rate(conf: FileValues) -> Known:
    written = conf.raw("fs")
    if not isinstance(written, str):
        return sample_rate(conf, "fs", 16_000)
    found = _SIZE.fullmatch(written)
    if found is None:
        raise conf.error("fs", "a sample rate, such as 16000 or '16k'")
    hz = float(found.group(1)) * (1000 if found.group(2) else 1)
    return Known(int(hz), "file", "fs")


def _mel(
    conf: FileValues, rate: Known, bands: Known, f_min: float | None, f_max: float | None
) -> StageValues:
    """Return librosa's filters; null is all from 0 to half the rate."""
    low = _frequency(conf, "fmin", f_min, Known(0.0))
    high = _frequency(conf, "fmax", f_max, half(rate))
    scale = conf.flag("htk", False).map(lambda is_htk: "htk" if is_htk else "slaney")
    return stage("mel", n_mels=bands, f_min=low, f_max=high, mel_scale=scale, norm="slaney")


def _frequency(conf: FileValues, key: str, default: float | None, null: Known) -> Known:
    if conf.raw(key) is None and (default is None or key in conf):
        return null
    return conf.number(key, default)


def _normalised(
    values: dict[str, Any], file: Path, rows: Known, default: str
) -> tuple[list[StageValues | None], tuple[str, ...]]:
    """Return the stages of `normalize`, and notes on it."""
    kind = values.get("normalize", default)
    conf = FileValues(part(values, "normalize_conf"), source_of(file))
    notes: tuple[str, ...] = ()
    if "normalize" not in values:
        notes = (
            f"no normalize is written; {default} is ESPnet's own choice, a recipe's may differ",
        )
    if kind is None:
        return [], notes
    means, deviations = conf.flag("norm_means", True), conf.flag("norm_vars", kind == "global_mvn")
    if kind == "utterance_mvn":
        if not means.value:
            if deviations.value:
                raise conf.error("norm_means", "true, where norm_vars is")
            return [], notes
        how = deviations.map(lambda divides: "std" if divides else "mean")
        if "normalize" not in values:
            how = Known(how.value, "assumed", "normalize")
        ignore(conf, "it only keeps a divisor from 0", "eps")
        return [stage("statistics", kind=how, ddof=0)], notes
    if kind != "global_mvn":
        raise _unknown(source_of(file), "normalize", kind)
    written = conf.raw("stats_file")
    stats = _beside(file, written)
    left_out = f"the corpus's statistics (global_mvn) are left out: {quoted(written)}"
    if stats is None:
        return [], (*notes, f"{left_out} is not beside the configuration")
    try:
        mean, deviation = _statistics(stats, conf.number("eps", 1e-20, low=0.0).value)
    except PickledError as error:
        return [], (*notes, f"{left_out} would have to be unpickled ({error.problem})")
    if len(mean) != rows.value:
        raise ConfigError(
            f"{quoted(stats)} has statistics of {len(mean)} rows", f"the model has {rows.value}"
        )
    shifts = tuple(-mean) if means.value else (0.0,) * len(mean)
    scales = tuple(1.0 / deviation) if deviations.value else (1.0,) * len(mean)
    numbers = (Known(tuple(map(float, each)), "file", "stats_file") for each in (shifts, scales))
    return [stage("row_affine", **dict(zip(("shifts", "scales"), numbers, strict=True)))], notes


def _beside(file: Path, written: Any) -> Path | None:
    """Return the file of statistics: by its name alone, since its folder is of another machine.

    In a packed model it is where it is written, from the folder of meta.yaml on.
    """
    if not isinstance(written, str):
        return None
    found = _within(file.parent, PureWindowsPath(PurePosixPath(written).name).name)
    roots = (folder for folder in file.parents[:_DEEPEST] if (folder / _META).is_file())
    root = next(roots, None)
    return found if found is not None or root is None else _within(root, written)


def _statistics(path: Path, epsilon: float) -> tuple[Any, Any]:
    """Return mean and deviation of each row (GlobalMVN of espnet2/layers/global_mvn.py)."""
    arrays = arrays_of(path)
    try:
        if "" in arrays:
            sums, squares = np.asarray(arrays[""], np.float64)
            count, sums, squares = sums.flatten()[-1], sums[:-1], squares[:-1]
        else:
            count, sums, squares = (
                np.asarray(arrays[key], np.float64) for key in ("count", "sum", "sum_square")
            )
        # What is no number then is refused below.
        with np.errstate(all="ignore"):
            mean = np.ravel(sums / count)
            variance = np.ravel(squares / count) - mean * mean
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{quoted(path)} is not a statistics file", "it must have count, sum and sum_square"
        ) from error
    deviation = np.sqrt(np.maximum(variance, epsilon))
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0).all()):
        raise ConfigError(f"{quoted(path)} has statistics that are no numbers")
    return mean, deviation
