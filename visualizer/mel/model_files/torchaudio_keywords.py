"""The keywords of torchaudio's MelSpectrogram, and of its AmplitudeToDB, written to a file.

In one object, or each class's under its name: {"MelSpectrogram": {…}, "AmplitudeToDB": {…}}.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.chain import ignore, mel, stage, whole_half
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import (
    LIBROSA_FLOOR,
    centred_frames,
    padded_frames,
    part,
    sample_rate,
)
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of
from visualizer.mel.stages.window import Window

_SPECTROGRAM = (
    *("sample_rate", "n_fft", "win_length", "hop_length", "f_min", "f_max", "pad", "n_mels"),
    *("window_fn", "power", "normalized", "wkwargs", "center", "pad_mode", "onesided", "norm"),
    "mel_scale",
)
_DECIBELS = ("stype", "top_db")
_NESTED = (
    ("MelSpectrogram", "mel_spectrogram", "melspectrogram"),
    ("AmplitudeToDB", "amplitude_to_db"),
)
_EDGES = {"reflect": "reflect", "constant": "zeros"}
_WINDOWS = ("hann", "hamming", "blackman", "bartlett")


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of an object of keywords; None where it is none.

    Raises:
        ConfigError: naming the keyword that does not fit.
    """
    nested, decibels = (
        next((values[key] for key in keys if isinstance(values.get(key), dict)), None)
        for keys in _NESTED
    )
    given = values if nested is None else nested
    if nested is None and len(given) < 2:
        return None
    if any(key not in (*_SPECTROGRAM, *_DECIBELS) for key in given):
        return None
    source = source_of(file)
    conf = FileValues(given, source)
    if decibels is None and any(key in given for key in _DECIBELS):
        decibels = given
    rate = sample_rate(conf, "sample_rate", 16_000)
    n_fft = conf.whole("n_fft", 400)
    win = conf.whole("win_length", None) if conf.raw("win_length") is not None else n_fft
    has_hop = conf.raw("hop_length") is not None
    hop = conf.whole("hop_length", None) if has_hop else win.map(lambda n: n // 2)
    window, factor = _window(conf, win, n_fft)
    padding = conf.whole("pad", 0, low=0)
    f_max = conf.number("f_max", None) if conf.raw("f_max") is not None else whole_half(rate)
    ignore(conf, "the spectrum of real samples", "onesided")
    stages = [
        stage("sound_pad", front=padding, behind=padding) if padding.value else None,
        _frames(conf, win, hop, n_fft),
        factor,
        window,
        stage("spectrum", n_fft=n_fft, power=_power(conf)),
        mel(
            rate,
            n_mels=conf.whole("n_mels", 128),
            f_min=conf.number("f_min", 0.0),
            f_max=f_max,
            mel_scale=conf.text("mel_scale", "htk", ("htk", "slaney")),
            norm=_norm(conf),
        ),
        *([] if decibels is None else _decibels(FileValues(decibels, source))),
    ]
    notes: tuple[str, ...] = ()
    if n_fft.value % 2:
        notes = ("torchaudio lays out the bins of an odd n_fft as though it were one less",)
    whose = "MelSpectrogram of torchaudio"
    return described(name_of(file), whose, conf, rate, stages, notes)


def _frames(conf: FileValues, win: Known, hop: Known, n_fft: Known) -> StageValues:
    edge = conf.text("pad_mode", "reflect", tuple(_EDGES)).map(_EDGES.__getitem__)
    centre = conf.flag("center", True)
    if centre.value:
        return centred_frames(win, hop, n_fft, edge)
    return padded_frames(win, hop, n_fft, centre.map(lambda _: 0), "zeros")


def _window(conf: FileValues, win: Known, n_fft: Known) -> tuple[StageValues | None, Any]:
    """Return the window, and what the samples are multiplied by where it is normalised."""
    name = conf.raw("window_fn")
    words = FileValues(part({"": conf.raw("wkwargs")}, ""), conf.source)
    if isinstance(name, str):
        # As text: "torch.hann_window", "hann_window" or "hann".
        short = name.rpartition(".")[2].removesuffix("_window")
        if short not in _WINDOWS:
            raise conf.error("window_fn", " or ".join(f"'{each}_window'" for each in _WINDOWS))
        function = Known(short, "file", "window_fn")
    else:
        function = conf.text("window_fn", "hann", _WINDOWS)
    periodic = words.flag("periodic", True)
    kind = of(lambda f, is_periodic: f if is_periodic else f"{f}_symmetric", function, periodic)
    how = conf.raw("normalized")
    if how in (None, False):
        return stage("window", kind=kind), None
    if how not in (True, "window", "frame_length"):
        raise conf.error("normalized", "true, false, 'window' or 'frame_length'")
    written = Known(how, "file", "normalized")
    factor = of(_factor, written, kind, win, n_fft)
    return stage("window", kind=kind), stage("scale", factor=factor)


def _factor(how: Any, kind: Any, win_length: int, n_fft: int) -> float:
    if how == "frame_length":
        return 1.0 / math.sqrt(n_fft)
    return 1.0 / math.sqrt(float((Window(kind).weights(win_length) ** 2).sum()))


def _power(conf: FileValues) -> Known:
    power = conf.number("power", 2.0)
    if power.value not in (1.0, 2.0):
        raise conf.error("power", "1 or 2")
    return power.map(int)


def _norm(conf: FileValues) -> Known:
    if conf.raw("norm") is None:
        return Known(None, "file" if "norm" in conf else "class", "norm")
    return conf.text("norm", None, ("slaney",))


def _decibels(conf: FileValues) -> list[StageValues]:
    """Return AmplitudeToDB."""
    kind = conf.text("stype", "power", ("power", "magnitude"))
    log = stage(
        "log", kind=kind.map({"power": "db", "magnitude": "db20"}.__getitem__), floor=LIBROSA_FLOOR
    )
    if conf.raw("top_db") is None:
        return [log]
    return [log, stage("dynamic_range", below=conf.number("top_db", None))]
