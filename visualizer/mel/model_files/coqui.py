"""Coqui TTS: the `audio` of config.json, which AudioProcessor takes.

The formulas are those of TTS/utils/audio/processor.py and numpy_transforms.py, the defaults those
of BaseAudioConfig (TTS/config/shared_configs.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visualizer.errors import ConfigError, quoted
from visualizer.mel.described import Described
from visualizer.mel.model_files.hugging_face.chain import half, ignore, mel, stage, whole_half
from visualizer.mel.model_files.naming import name_of, source_of
from visualizer.mel.model_files.parts import centred_frames, padded_frames, part, sample_rate
from visualizer.mel.model_files.values import FileValues, Known, StageValues, described, of

_FLOOR = 1e-8
"""amp_to_db's; 1e-5 in its first versions"""
_EDGES = {"reflect": "reflect", "constant": "zeros", "symmetric": "symmetric"}
_KINDS = {("np.log10", 20.0): "db20", ("np.log10", 10.0): "db", ("np.log10", 1.0): "log10"}
_LOGS = {"np.log10": "log10", "np.log": "ln"}


def read(values: dict[str, Any], file: Path) -> Described | None:
    """Return the front-end of a configuration; None where it is none of Coqui's.

    Raises:
        ConfigError: naming the field that does not fit.
    """
    audio = part(values, "audio") or values
    source = source_of(file)
    if values.get("model") == "xtts" and "fft_size" not in audio:
        raise ConfigError(
            f"{source}: XTTS does not write its mel to its configuration",
            "write it as a chain of stages",
        )
    if "sample_rate" not in audio or not ("fft_size" in audio or "num_freq" in audio):
        return None
    conf = FileValues(audio, source)
    name = name_of(file)
    if values.get("model") == "vits" and "signal_norm" not in audio:
        return _vits(conf, name)
    model = part(values, "model_params")
    if model.get("use_torch_spec"):
        return _encoder(conf, FileValues(model, source), name)
    return _processor(conf, name)


def _processor(conf: FileValues, name: str) -> Described:
    rate = sample_rate(conf, "sample_rate", 22_050)
    n_fft = _points(conf)
    win, hop = _lengths(conf, rate)
    bands = conf.whole("num_mels", 80)
    f_max = half(rate) if conf.raw("mel_fmax") is None else conf.number("mel_fmax", None)
    edge = conf.text("stft_pad_mode", "reflect", tuple(_EDGES)).map(_EDGES.__getitem__)
    coefficient = conf.number("preemphasis", 0.0)
    f_min = conf.number("mel_fmin", 0.0)
    logarithm = _logarithm(conf) if conf.flag("do_amp_to_db_mel", True).value else []
    normalised, notes = _normalised(conf)
    ignore(conf, "Griffin and Lim's, which turns mels into sound", "power", "griffin_lim_iters")
    ignore(conf, "of the pitch", "pitch_fmin", "pitch_fmax")
    ignore(conf, "of linear spectrograms", "do_amp_to_db_linear")
    for key, what in (
        ("do_trim_silence", "cuts silence off the sound"),
        ("do_sound_norm", "scales each sound to a peak of 0.95"),
        ("do_rms_norm", "scales each sound to a loudness"),
    ):
        if conf.flag(key, False).value:
            notes.append(f"{key}: its training {what} first, which is left out")
    ignore(conf, "of cutting and scaling sound before", "trim_db", "db_level", "resample")
    stages = [
        stage("preemphasis", coefficient=coefficient) if coefficient.value else None,
        centred_frames(win, hop, n_fft, edge),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1),
        stage("mel", n_mels=bands, f_min=f_min, f_max=f_max, mel_scale="slaney", norm="slaney"),
        *logarithm,
        *normalised,
    ]
    return described(name, "AudioProcessor of Coqui TTS", conf, rate, stages, tuple(notes))


def _vits(conf: FileValues, name: str) -> Described:
    """Return what Coqui's VITS is fed (wav_to_spec of TTS/tts/models/vits.py)."""
    rate, n_fft = sample_rate(conf, "sample_rate", 22_050), conf.whole("fft_size", 1024)
    win, hop = conf.whole("win_length", 1024), conf.whole("hop_length", 256)
    padding = of(lambda n, hop_length: (n - hop_length) // 2, n_fft, hop)
    ignore(conf, "of the mel, which is the loss's", "num_mels", "mel_fmin", "mel_fmax")
    stages = [
        padded_frames(win, hop, n_fft, padding, "reflect"),
        stage("window", kind="hann"),
        stage("spectrum", n_fft=n_fft, power=1, epsilon=1e-6),
    ]
    notes = ("the network is fed the linear spectrogram; the mel is only its loss's",)
    return described(name, "wav_to_spec of Coqui TTS's VITS", conf, rate, stages, notes)


def _encoder(conf: FileValues, model: FileValues, name: str) -> Described:
    """Return a speaker encoder's (get_torch_mel_spectrogram_class of TTS/encoder/models)."""
    rate, n_fft = sample_rate(conf, "sample_rate", 16_000), conf.whole("fft_size", 512)
    win, hop = conf.whole("win_length", 400), conf.whole("hop_length", 160)
    ignore(conf, "0 to half the rate in the class", "mel_fmin", "mel_fmax")
    coefficient = conf.number("preemphasis", 0.97)
    has_log = model.flag("log_input", False).value
    bands = conf.whole("num_mels", 64)
    stages = [
        stage("preemphasis", coefficient=coefficient, start="reflect"),
        centred_frames(win, hop, n_fft, "reflect"),
        stage("window", kind="hamming"),
        stage("spectrum", n_fft=n_fft, power=2),
        mel(rate, n_mels=bands, f_min=0.0, f_max=whole_half(rate), mel_scale="htk", norm=None),
        stage("log", kind="ln", floor=1e-6, floor_rule="add") if has_log else None,
        # InstanceNorm1d's.
        stage("statistics", kind="variance", epsilon=1e-5, ddof=0),
    ]
    notes = ("an embedding is the mean over pieces of 250 columns; here it is the whole sound",)
    return described(name, "Coqui TTS's speaker encoder", conf, rate, stages, notes)


def _points(conf: FileValues) -> Known:
    if conf.raw("fft_size") is None and conf.raw("num_freq") is not None:
        # As the files of Mozilla TTS have it.
        return conf.whole("num_freq", None, low=2).map(lambda n: 2 * (n - 1))
    ignore(conf, "fft_size says how many bins there are", "num_freq")
    return conf.whole("fft_size", 1024)


def _lengths(conf: FileValues, rate: Known) -> tuple[Known, Known]:
    """Return window and hop. Milliseconds are only looked at where hop_length is null."""
    length_ms, shift_ms = "frame_length_ms", "frame_shift_ms"
    has_ms = conf.raw(length_ms) is not None and conf.raw(shift_ms) is not None
    if conf.raw("hop_length") is not None or not has_ms:
        if has_ms:
            ignore(conf, "hop_length is set, which the class takes then", length_ms, shift_ms)
        return conf.whole("win_length", 1024), conf.whole("hop_length", 256)
    length, shift = (conf.number(key, None, low=1e-3, high=1e5) for key in (length_ms, shift_ms))
    if not (length.value / shift.value).is_integer():
        raise conf.error(shift_ms, f"a divisor of {length_ms}")
    win = of(lambda ms, hz: int(ms / 1000.0 * hz), length, rate)
    return win, of(lambda n, ms, hop_ms: int(n / (ms / hop_ms)), win, length, shift)


def _logarithm(conf: FileValues) -> list[StageValues]:
    """Return spec_gain times a logarithm."""
    function = conf.text("log_func", "np.log10", tuple(_LOGS))
    gain = conf.number("spec_gain", 20.0)
    kind = of(lambda f, g: _KINDS.get((f, g), _LOGS[f]), function, gain)
    log = stage("log", kind=kind, floor=Known(_FLOOR, "assumed"))
    is_told = (function.value, gain.value) in _KINDS or gain.value == 1.0
    return [log] if is_told else [log, stage("affine", scale=gain)]


def _normalised(conf: FileValues) -> tuple[list[StageValues], list[str]]:
    """Return the stages of normalize(), and notes."""
    has_norm = conf.flag("signal_norm", True)
    keys = ("ref_level_db", "min_level_db", "max_norm", "symmetric_norm", "clip_norm")
    stats = conf.raw("stats_path")
    if not has_norm.value:
        ignore(conf, "signal_norm is false", *keys, "stats_path")
        return [], []
    if stats:
        ignore(conf, "stats_path takes its place", *keys)
        note = f"the corpus's statistics are left out: {quoted(stats)} would have to be unpickled"
        return [], [note]
    ref, low = conf.number("ref_level_db", 20.0), conf.number("min_level_db", -100.0)
    if low.value >= 0.0:
        raise conf.error("min_level_db", "below 0")
    top = conf.number("max_norm", 4.0)
    symmetric = conf.flag("symmetric_norm", True)
    # ((S − ref − min)/−min), times 2·max and less max, or times max alone.
    share = symmetric.map(lambda is_symmetric: 0.5 if is_symmetric else 1.0)
    shift = of(lambda r, m, s: -r - s * m, ref, low, share)
    scale = of(lambda t, m, s: t / s / -m, top, low, share)
    stages = [stage("affine", shift=shift, scale=scale)]
    if conf.flag("clip_norm", True).value:
        lowest = {} if symmetric.value else {"low": symmetric.map(lambda _: 0.0)}
        stages.append(stage("clip", limit=top, **lowest))
    return stages, []
