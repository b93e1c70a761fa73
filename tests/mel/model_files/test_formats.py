"""Each format of models' own files, read and compared with the formula of the model's own code.

The files are those that public models have, or like them; the formulas are written out here over
librosa, torch, torchaudio and kaldi-native-fbank. Ours is the chain in float64.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import secrets
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kaldi_native_fbank as knf
import librosa
import numpy as np
import pytest
import torch
import torchaudio
import yaml
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.described import Described
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.model_files import read_model
from visualizer.mel.presets import PRESETS
from visualizer.mel.whole import reference_columns

Array = NDArray[np.floating]

SEED = int(os.environ.get("PARITY_SEED", secrets.randbits(32)))
REPLAY = f"PARITY_SEED={SEED} replays this"
ROUNDING = 2e-3
"""Of float32, in logarithms of what is nearly silent."""


# ---------------------------------------------------------------------------------- the formulas


def noise(n_samples: int) -> Array:
    random = np.random.default_rng(SEED)
    swell = 0.5 + 0.5 * np.sin(np.arange(n_samples) / 3000.0)
    return (random.normal(0, 0.1, n_samples) * swell).astype(np.float32)


def magnitudes(
    samples: Array, n_fft: int, hop: int, win: int, window: str = "hann", **options: Any
) -> torch.Tensor:
    """torch.stft's, in float64: (n_bins, n_columns)."""
    options = {"center": True, "pad_mode": "reflect", "periodic": True} | options
    weights = getattr(torch, f"{window}_window")(
        win, periodic=options.pop("periodic"), dtype=torch.float64
    )
    sound = torch.from_numpy(samples.astype(np.float64))
    return torch.stft(sound, n_fft, hop, win, weights, return_complex=True, **options).abs()


def reflected(samples: Array, padding: int) -> Array:
    return np.pad(samples, padding, mode="reflect")


def filters(
    rate: int, n_fft: int, n_mels: int, low: float, high: float | None, **options: Any
) -> torch.Tensor:
    made = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=high, dtype=np.float64, **options
    )
    return torch.from_numpy(made)


def nemo(samples: Array, **changed: Any) -> Array:
    """FilterbankFeatures.forward of NeMo 2."""
    c: dict[str, Any] = {
        "rate": 16_000, "win": 400, "hop": 160, "n_fft": 512, "n_mels": 80, "window": "hann",
        "preemph": 0.97, "power": 2.0, "low": 0.0, "high": None, "norm": "slaney",
        "log": "add", "guard": 2.0**-24, "normalize": "per_feature", "exact_pad": False,
    } | changed  # fmt: skip
    x = samples.astype(np.float64)
    n_columns = len(x) // c["hop"]
    if c["exact_pad"]:
        x = reflected(x, (c["n_fft"] - c["hop"]) // 2)
    if c["preemph"]:
        x = np.concatenate((x[:1], x[1:] - c["preemph"] * x[:-1]))
    how = {"center": not c["exact_pad"], "pad_mode": "constant", "periodic": False}
    spectrum = magnitudes(x, c["n_fft"], c["hop"], c["win"], c["window"], **how)[:, :n_columns]
    bank = filters(c["rate"], c["n_fft"], c["n_mels"], c["low"], c["high"], norm=c["norm"])
    y = bank @ spectrum ** c["power"]
    if c["log"] == "add":
        y = torch.log(y + c["guard"])
    elif c["log"] == "clamp":
        y = torch.log(y.clamp(min=c["guard"]))
    if c["normalize"] == "per_feature":
        y = (y - y.mean(1, keepdim=True)) / (y.std(1, keepdim=True) + 1e-5)
    elif c["normalize"] == "all_features":
        y = (y - y.mean()) / (y.std() + 1e-5)
    elif isinstance(c["normalize"], tuple):
        mean, deviation = (torch.tensor(each)[:, None] for each in c["normalize"])
        y = (y - mean) / deviation
    return y.numpy()


def espnet(
    samples: Array, rate: int = 16_000, n_fft: int = 512, hop: int = 128, win: int | None = None,
    low: float = 0.0, high: float | None = None, n_mels: int = 80, window: str = "hann",
    center: bool = True, htk: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Stft and LogMel, as DefaultFrontend has them."""
    power = magnitudes(samples, n_fft, hop, win or n_fft, window, center=center) ** 2
    return torch.log((filters(rate, n_fft, n_mels, low, high, htk=htk) @ power).clamp(min=1e-10))


def hifigan(samples: Array, c: dict[str, Any]) -> Array:
    """mel_spectrogram of meldataset.py."""
    x = reflected(samples, int((c["n_fft"] - c["hop_size"]) / 2))
    spectrum = magnitudes(x, c["n_fft"], c["hop_size"], c["win_size"], center=False)
    bank = filters(c["sampling_rate"], c["n_fft"], c["num_mels"], c["fmin"], c["fmax"])
    mel = bank @ torch.sqrt(spectrum**2 + 1e-9)
    return torch.log(mel.clamp(min=1e-5)).numpy()


def spectrogram_torch(samples: Array, c: dict[str, Any], epsilon: float) -> Array:
    """Of VITS's mel_processing.py."""
    n_fft, hop = c["filter_length"], c["hop_length"]
    x = reflected(samples, int((n_fft - hop) / 2))
    spectrum = magnitudes(x, n_fft, hop, c["win_length"], center=False)
    return torch.sqrt(spectrum**2 + epsilon).numpy()


def coqui(samples: Array, c: dict[str, Any]) -> Array:
    """AudioProcessor.melspectrogram."""
    y = samples.astype(np.float64)
    if c.get("preemphasis"):
        y = np.append(y[0], y[1:] - c["preemphasis"] * y[:-1])
    lengths = {"n_fft": c["fft_size"], "hop_length": c["hop_length"], "win_length": c["win_length"]}
    spectrum = np.abs(librosa.stft(y, pad_mode=c.get("stft_pad_mode", "reflect"), **lengths))
    bank = filters(c["sample_rate"], c["fft_size"], c["num_mels"], c["mel_fmin"], c["mel_fmax"])
    log = np.log if c.get("log_func") == "np.log" else np.log10
    s = c["spec_gain"] * log(np.maximum(1e-8, bank.numpy() @ spectrum))
    if not c["signal_norm"] or c.get("stats_path"):
        return s
    s = (s - c["ref_level_db"] - c["min_level_db"]) / -c["min_level_db"]
    top = c["max_norm"]
    if c["symmetric_norm"]:
        s = 2 * top * s - top
        return np.clip(s, -top, top) if c["clip_norm"] else s
    return np.clip(top * s, 0, top) if c["clip_norm"] else top * s


def torchaudio_mel(
    samples: Array, decibels: dict[str, Any] | None = None, **keywords: Any
) -> Array:
    """torchaudio's own classes."""
    with torch.inference_mode():
        mel = torchaudio.transforms.MelSpectrogram(**keywords)(torch.from_numpy(samples))
        if decibels is not None:
            mel = torchaudio.transforms.AmplitudeToDB(**decibels)(mel)
    return mel.numpy()


def vocos(samples: Array, padding: str) -> Array:
    """MelSpectrogramFeatures.forward."""
    x = reflected(samples, (1024 - 256) // 2) if padding == "same" else samples
    mel = torchaudio_mel(
        x, sample_rate=24_000, n_fft=1024, hop_length=256, n_mels=100, power=1,
        center=padding == "center",
    )  # fmt: skip
    return np.log(np.clip(mel, 1e-7, None))


def fbank(
    samples: Array, n_mels: int = 80, window: str = "povey", high: float = -400.0,
    snip_edges: bool = False, scale: float = 1.0,
) -> Array:  # fmt: skip
    """What sherpa-onnx sets of kaldi-native-fbank."""
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = snip_edges
    options.frame_opts.window_type = window
    options.mel_opts.num_bins = n_mels
    options.mel_opts.high_freq = high
    theirs = knf.OnlineFbank(options)
    theirs.accept_waveform(16_000, (samples * scale).tolist())
    theirs.input_finished()
    return np.stack([theirs.get_frame(n) for n in range(theirs.num_frames_ready)], axis=1)


# --------------------------------------------------------------------------------- the comparing


def columns(found: Described, samples: Array) -> Array:
    return reference_columns(samples, found.front_end)


def assert_same(found: Described, samples: Array, theirs: Any, atol: float = ROUNDING) -> None:
    ours, theirs = columns(found, samples), np.asarray(theirs)
    assert ours.shape == theirs.shape
    scale = max(1.0, float(np.abs(theirs).max()))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol * scale, err_msg=REPLAY)


def origins(found: Described) -> dict[str, str]:
    return {field.field: field.origin for field in found.fields}


def write(path: Path, values: Any) -> Path:
    is_yaml = path.suffix in (".yaml", ".yml")
    path.write_text(
        values if isinstance(values, str) else (yaml.safe_dump if is_yaml else json.dumps)(values)
    )
    return path


@pytest.fixture(params=[8000, 12_345, 16_000])
def n_samples(request: pytest.FixtureRequest) -> int:
    """Multiples of all hops, of none, and of some."""
    return int(request.param)


# ------------------------------------------------------------------------------------------- NeMo

TARGET = "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor"
FASTCONFORMER = {
    "_target_": TARGET, "sample_rate": 16_000, "normalize": "per_feature", "window_size": 0.025,
    "window_stride": 0.01, "window": "hann", "features": 80, "n_fft": 512, "frame_splicing": 1,
    "dither": 1e-5, "pad_to": 0,
}  # fmt: skip
MEANS, DEVIATIONS = np.linspace(-9, -3, 80).tolist(), np.linspace(1, 4, 80).tolist()

NEMO = [
    ({}, {}),
    ({"features": 128, "window_size": 0.032, "n_fft": None}, {"n_mels": 128, "win": 512}),
    ({"window": "hamming", "normalize": None}, {"window": "hamming", "normalize": None}),
    ({"window": "blackman", "normalize": "NA"}, {"window": "blackman", "normalize": None}),
    ({"window": "bartlett", "preemph": None}, {"window": "bartlett", "preemph": None}),
    ({"normalize": "all_features", "preemph": 0.0}, {"normalize": "all_features", "preemph": 0}),
    (
        {"normalize": {"fixed_mean": [MEANS], "fixed_std": DEVIATIONS}},
        {"normalize": (MEANS, DEVIATIONS)},
    ),
    (
        {"mag_power": 1.0, "log_zero_guard_type": "clamp", "log_zero_guard_value": 1e-5},
        {"power": 1.0, "log": "clamp", "guard": 1e-5},
    ),
    ({"log_zero_guard_value": "eps", "mel_norm": None}, {"guard": 2.0**-23, "norm": None}),
    (
        {"log_zero_guard_value": "tiny", "log_zero_guard_type": "clamp"},
        {"guard": 2.0**-126, "log": "clamp"},
    ),
    ({"log": False, "normalize": None}, {"log": None, "normalize": None}),
    (
        {"exact_pad": True, "preemph": None, "highfreq": 7600, "lowfreq": 50},
        {"exact_pad": True, "preemph": None, "high": 7600.0, "low": 50.0},
    ),
    (
        {"window_size": False, "window_stride": None, "n_window_size": 500, "n_window_stride": 125},
        {"win": 500, "hop": 125},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "theirs"), NEMO)
def test_nemo(
    changed: dict[str, Any], theirs: dict[str, Any], n_samples: int, tmp_path: Path
) -> None:
    path = write(tmp_path / "model_config.yaml", {"preprocessor": FASTCONFORMER | changed})
    samples = noise(n_samples)
    found = read_model(tmp_path)
    assert_same(found, samples, nemo(samples, **theirs))
    assert find_front_end(path).described == found


@pytest.mark.parametrize("packing", ["", "gz"])
def test_a_nemo_archive_is_read_without_unpacking(packing: str, tmp_path: Path) -> None:
    config = yaml.safe_dump({"preprocessor": FASTCONFORMER, "labels": list("abc")}).encode()
    path = tmp_path / "parakeet.nemo"
    with tarfile.open(path, f"w:{packing}") as archive:
        for name, content in (
            ("./model_config.yaml", config),
            ("./model_weights.ckpt", b"x" * 9999),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1.5
            archive.addfile(member, io.BytesIO(content))
    found = read_model(path)
    samples = noise(9000)
    assert_same(found, samples, nemo(samples))
    assert (found.front_end.name, found.whose) == (
        "parakeet",
        "AudioToMelSpectrogramPreprocessor of NeMo",
    )
    assert origins(found)["norm"] == "class"
    assert origins(found)["n_mels"] == "file"
    assert {ignored.key for ignored in found.ignored} == {"dither", "pad_to"}


def test_references_of_omegaconf_are_followed(tmp_path: Path) -> None:
    text = f"""
    sample_rate: 8000
    hop: ${{half}}
    half: 0.01
    data: {{mels: 40}}
    preprocessor:
      _target_: {TARGET}
      sample_rate: ${{model.sample_rate}}
      window_stride: ${{hop}}
      window_size: ${{.window_stride}}
      features: ${{..data.mels}}
      window: h${{kind}}
    kind: amming
    """
    found = read_model(write(tmp_path / "model_config.yaml", text))
    front_end = found.front_end
    assert front_end.sample_rate == 8000
    assert (front_end.win_length, front_end.hop_length, front_end.n_rows) == (80, 80, 40)
    assert front_end.stages[2].kind == "hamming_symmetric"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"_target_": "nemo.collections.asr.modules.AudioToMFCCPreprocessor"}, "' is not known"),
        ({"window": "kaiser"}, "window is 'kaiser'; it must be 'hann' or"),
        ({"features": "${model.bands}"}, "features is '${model.bands}'; it must be a whole number"),
        ({"mag_power": 1.5}, "mag_power is 1.5; it must be 1 or 2"),
        ({"sample_rate": 10}, "sample_rate is 10; it must be a whole number from 1000"),
        ({"features": "${.lowfreq}", "lowfreq": "${.features}"}, "leads to no value"),
        ({"normalize": {"fixed_mean": [1.0], "fixed_std": [1.0]}}, "fixed_mean"),
        ({"n_fft": 256}, "n_fft is 256; it must be from win_length"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_as_the_file_has_it(
    changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "model_config.yaml", {"preprocessor": FASTCONFORMER | changed})
    with pytest.raises(ConfigError) as error:
        read_model(tmp_path)
    assert words in str(error.value)


# ----------------------------------------------------------------------------------------- ESPnet


def mean_only(y: torch.Tensor) -> torch.Tensor:
    return y - y.mean(1, keepdim=True)


UTTERANCE = {"normalize": "utterance_mvn", "normalize_conf": {}}
ODD = {
    "fs": 8000, "win_length": 400, "window": "hamming", "htk": True, "fmin": 60, "fmax": 3800,
    "n_mels": 40, "center": False,
}  # fmt: skip


def odd(x: Array) -> torch.Tensor:
    options = {"win": 400, "window": "hamming", "htk": True, "low": 60, "high": 3800, "n_mels": 40}
    y = espnet(x, 8000, center=False, **options)
    return mean_only(y) / y.std(1, keepdim=True, correction=0)


ESPNET: list[tuple[dict[str, Any], Callable[[Array], torch.Tensor]]] = [
    ({"frontend_conf": {"fs": "16k"}} | UTTERANCE, lambda x: mean_only(espnet(x))),
    (
        {"frontend_conf": {"n_fft": 512, "hop_length": 160}, "normalize": None},
        lambda x: espnet(x, hop=160),
    ),
    ({"frontend_conf": ODD} | UTTERANCE | {"normalize_conf": {"norm_vars": True}}, odd),
]


@pytest.mark.parametrize(("config", "theirs"), ESPNET)
def test_espnet_recognizers(
    config: dict[str, Any], theirs: Callable[[Array], torch.Tensor], n_samples: int, tmp_path: Path
) -> None:
    write(tmp_path / "config.yaml", config | {"token_list": ["<blank>", "a"]})
    samples = noise(n_samples)
    assert_same(read_model(tmp_path), samples, theirs(samples))


def synthesizer(x: Array) -> torch.Tensor:
    """LogMelFbank.forward at 22.05 kHz."""
    amplitude = torch.sqrt((magnitudes(x, 1024, 256, 1024) ** 2).clamp(min=1e-10))
    return torch.log10((filters(22_050, 1024, 80, 80, 7600) @ amplitude).clamp(min=1e-10))


TTS_CONFIG = {
    "feats_extract": "fbank",
    "feats_extract_conf": {
        "n_fft": 1024, "hop_length": 256, "win_length": None, "fs": 22050, "fmin": 80,
        "fmax": 7600, "n_mels": 80,
    },
    "normalize": "global_mvn",
    "normalize_conf": {"stats_file": "exp/tts_stats_raw/train/feats_stats.npz"},
}  # fmt: skip


@pytest.mark.parametrize("is_old", [False, True], ids=["npz", "npy"])
def test_espnets_statistics_are_read_from_beside_the_configuration(
    is_old: bool, tmp_path: Path
) -> None:
    random = np.random.default_rng(SEED)
    frames = random.normal(-3, 1, (500, 80)) * np.linspace(0.5, 2, 80)
    sums, squares = frames.sum(0), (frames**2).sum(0)
    name = "feats_stats.npy" if is_old else "feats_stats.npz"
    if is_old:
        np.save(tmp_path / name, np.stack([np.append(sums, 500), np.append(squares, 0)]))
    else:
        np.savez(tmp_path / name, count=500, sum=sums, sum_square=squares)
    config = TTS_CONFIG | {"normalize_conf": {"stats_file": f"/elsewhere/{name}"}}
    write(tmp_path / "config.yaml", config)
    found, samples = read_model(tmp_path), noise(12_345)
    y = synthesizer(samples)
    theirs = (y.numpy() - frames.mean(0)[:, None]) / frames.std(0)[:, None]
    assert_same(found, samples, theirs)
    assert found.notes == ()


def test_a_packed_espnet_model_is_found_by_its_meta_yaml(tmp_path: Path) -> None:
    folder = tmp_path / "exp" / "tts_train"
    folder.mkdir(parents=True)
    written = TTS_CONFIG | {"normalize_conf": {"stats_file": "exp/stats/feats_stats.npz"}}
    config = write(folder / "config.yaml", written)
    (tmp_path / "exp" / "stats").mkdir()
    stats = {"count": 2, "sum": np.arange(80.0), "sum_square": np.arange(80.0) ** 2 + 1}
    np.savez(tmp_path / "exp" / "stats" / "feats_stats.npz", **stats)
    files = {"a": "../config.yaml", "b": "/etc/passwd", "train_config": "exp/tts_train/config.yaml"}
    write(tmp_path / "meta.yaml", {"espnet": "0.10", "yaml_files": files})
    found = read_model(tmp_path)
    assert found == read_model(config)
    assert found.notes == ()
    assert found.front_end.stages[-1].stage == "row_affine"


def test_statistics_that_are_not_there_or_need_unpickling_are_named(tmp_path: Path) -> None:
    write(tmp_path / "config.yaml", TTS_CONFIG)
    found, samples = read_model(tmp_path), noise(9000)
    assert_same(found, samples, synthesizer(samples))
    assert "feats_stats.npz' is not beside the configuration" in found.notes[0]
    (tmp_path / "feats_stats.npz").write_bytes(pickle.dumps({"sum": [1.0]}))
    assert "would have to be unpickled" in read_model(tmp_path).notes[0]
    np.save(tmp_path / "feats.npy", np.array([{"sum": 1}], dtype=object))
    (tmp_path / "feats.npy").rename(tmp_path / "feats_stats.npz")
    assert "would have to be unpickled" in read_model(tmp_path).notes[0]


# --------------------------------------------------------------------------------------- vocoders

HIFIGAN = [
    {
        "resblock": "1", "num_mels": 80, "num_freq": 1025, "n_fft": 1024, "hop_size": 256,
        "win_size": 1024, "sampling_rate": 16000, "fmin": 0, "fmax": 8000, "fmax_for_loss": None,
    },
    {
        "sampling_rate": 44100, "hop_size": 256, "n_fft": 1024, "win_size": 1024, "num_mels": 128,
        "fmin": 0, "fmax": None, "snake_logscale": True,
    },
    {
        "sampling_rate": 24000, "hop_size": 300, "n_fft": 2048, "win_size": 1200, "num_mels": 100,
        "fmin": 40, "fmax": 11000,
    },
]  # fmt: skip


@pytest.mark.parametrize("config", HIFIGAN)
def test_hifigan_and_bigvgan(config: dict[str, Any], n_samples: int, tmp_path: Path) -> None:
    write(tmp_path / "config.json", config)
    found, samples = read_model(tmp_path), noise(n_samples)
    assert_same(found, samples, hifigan(samples, config))
    assert ("BigVGAN" in found.whose) == ("snake_logscale" in config)
    assert {ignored.key for ignored in found.ignored} == {"num_freq", "fmax_for_loss"} & set(config)


def test_a_window_longer_than_the_transform_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", HIFIGAN[1] | {"win_size": 1200})
    with pytest.raises(ConfigError, match="win_size is 1200; it must be n_fft, 1024, or less"):
        read_model(path)


RVC = {
    "max_wav_value": 32768.0, "sampling_rate": 48000, "filter_length": 2048, "hop_length": 480,
    "win_length": 2048, "n_mel_channels": 128, "mel_fmin": 0.0, "mel_fmax": None,
}  # fmt: skip
VITS = RVC | {"sampling_rate": 40000, "filter_length": 1024, "hop_length": 256, "win_length": 1024}


@pytest.mark.parametrize(
    ("config", "whose", "epsilon"),
    [
        ({"data": RVC, "model": {"spk_embed_dim": 109}}, "RVC", 1e-6),
        ({"data": VITS, "train": {}, "model": {}}, "VITS", 1e-6),
        ({"data": VITS, "model": {"ssl_dim": 768}}, "so-vits-svc", 1e-6),
        ({"data": RVC, "model": {"semantic_frame_rate": "25hz"}}, "GPT-SoVITS", 1e-8),
    ],
)
def test_vits_and_its_kin_are_fed_the_linear_spectrogram(
    config: dict[str, Any], whose: str, epsilon: float, n_samples: int, tmp_path: Path
) -> None:
    write(tmp_path / "config.json", config)
    found, samples = read_model(tmp_path), noise(n_samples)
    assert_same(found, samples, spectrogram_torch(samples, config["data"], epsilon), 1e-6)
    assert found.whose.endswith(whose)
    assert "only its loss" in found.notes[0]


@pytest.mark.parametrize("padding", ["center", "same"])
def test_vocos(padding: str, n_samples: int, tmp_path: Path) -> None:
    arguments = {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": 100}
    extractor = {
        "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
        "init_args": arguments | {"padding": padding},
    }
    write(tmp_path / "config.yaml", {"feature_extractor": extractor, "backbone": {}})
    samples = noise(n_samples)
    assert_same(read_model(tmp_path), samples, vocos(samples, padding))
    nested = {"model": {"init_args": {"feature_extractor": extractor}}}
    path = write(tmp_path / "trained.yaml", nested)
    assert read_model(path).front_end.stages == read_model(tmp_path).front_end.stages


def test_a_vocos_of_encodecs_codes_has_no_columns(tmp_path: Path) -> None:
    extractor = {"class_path": "vocos.feature_extractors.EncodecFeatures", "init_args": {}}
    write(tmp_path / "config.yaml", {"feature_extractor": extractor})
    with pytest.raises(ConfigError, match="EncodecFeatures' is not known to give mel columns"):
        read_model(tmp_path)


# ------------------------------------------------------------------------------------------ Coqui

COQUI = {
    "sample_rate": 22050, "fft_size": 1024, "win_length": 1024, "hop_length": 256, "num_mels": 80,
    "mel_fmin": 0, "mel_fmax": None, "spec_gain": 20, "log_func": "np.log10", "signal_norm": True,
    "symmetric_norm": True, "max_norm": 4, "clip_norm": True, "min_level_db": -100,
    "ref_level_db": 20, "power": 1.5, "griffin_lim_iters": 60,
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"symmetric_norm": False, "max_norm": 1.0, "preemphasis": 0.98},
        {"symmetric_norm": False, "clip_norm": False, "stft_pad_mode": "constant"},
        {"signal_norm": False, "log_func": "np.log", "spec_gain": 1, "mel_fmax": 8000.0},
        {"signal_norm": False, "log_func": "np.log", "spec_gain": 20},
        {"clip_norm": False, "spec_gain": 10, "mel_fmin": 50, "win_length": 800},
        {"stats_path": "scale_stats.npy", "spec_gain": 1, "sample_rate": 16000},
    ],
)
def test_coqui(changed: dict[str, Any], n_samples: int, tmp_path: Path) -> None:
    config = COQUI | changed
    write(tmp_path / "config.json", {"model": "tacotron2", "audio": config})
    found, samples = read_model(tmp_path), noise(n_samples)
    assert_same(found, samples, coqui(samples, config))
    assert {"power", "griffin_lim_iters"} <= {ignored.key for ignored in found.ignored}
    assert any("would have to be unpickled" in note for note in found.notes) == (
        "stats_path" in changed
    )


def test_coquis_vits_is_fed_the_linear_spectrogram(n_samples: int, tmp_path: Path) -> None:
    audio = {"sample_rate": 22050, "fft_size": 1024, "win_length": 1024, "hop_length": 256}
    audio |= {"num_mels": 80, "mel_fmin": 0, "mel_fmax": None}
    write(tmp_path / "config.json", {"model": "vits", "audio": audio})
    samples = noise(n_samples)
    theirs = spectrogram_torch(samples, audio | {"filter_length": 1024}, 1e-6)
    assert_same(read_model(tmp_path), samples, theirs, 1e-6)


def test_coquis_old_files_have_comments_and_milliseconds(tmp_path: Path) -> None:
    audio = COQUI | {"hop_length": None, "win_length": None}
    audio |= {"frame_length_ms": 50.0, "frame_shift_ms": 12.5, "fft_size": 2048}
    text = json.dumps({"audio": audio}, indent=1).replace(
        '"num_mels": 80,', '"num_mels": 80, // "size" of the mel, see http://x.org\n /* more */'
    )
    write(tmp_path / "config.json", text)
    samples = noise(12_345)
    theirs = coqui(samples, audio | {"win_length": 1102, "hop_length": 275})
    assert_same(read_model(tmp_path), samples, theirs)


def test_coquis_speaker_encoder_computes_its_own(n_samples: int, tmp_path: Path) -> None:
    audio = {"sample_rate": 16000, "fft_size": 512, "win_length": 400, "hop_length": 160}
    audio |= {"num_mels": 64, "preemphasis": 0.97, "signal_norm": True}
    model = {"model_name": "resnet", "use_torch_spec": True, "log_input": True}
    write(tmp_path / "config.json", {"audio": audio, "model_params": model})
    x = samples = noise(n_samples)
    x = x - np.float32(0.97) * np.concatenate((x[1:2], x[:-1]))
    mel = torchaudio_mel(
        x, n_fft=512, win_length=400, hop_length=160, n_mels=64, window_fn=torch.hamming_window
    )
    y = torch.from_numpy(np.log(mel + 1e-6))
    theirs = torch.nn.InstanceNorm1d(64)(y[None])[0].numpy()
    assert_same(read_model(tmp_path), samples, theirs)


# ------------------------------------------------------------------------------------- torchaudio


@pytest.mark.parametrize(
    ("keywords", "decibels"),
    [
        ({}, None),
        (
            {
                "sample_rate": 16000, "n_fft": 512, "win_length": 512, "hop_length": 160,
                "f_min": 0, "f_max": 8000, "n_mels": 64,
            },
            {"top_db": 120},
        ),
        (
            {
                "sample_rate": 22050, "n_fft": 1024, "hop_length": 441, "f_min": 30,
                "f_max": 11000, "n_mels": 128, "mel_scale": "slaney", "power": 1,
                "normalized": "frame_length",
            },
            None,
        ),
        ({"normalized": True, "norm": "slaney", "power": 2.0, "pad": 100}, {"stype": "magnitude"}),
        ({"sample_rate": 44101, "n_fft": 1024, "win_length": 1000, "center": False}, None),
        # A column needs samples far behind its window, which decide how many there are.
        (
            {
                "n_fft": 1024, "win_length": 200, "hop_length": 50, "center": False,
                "normalized": True,
            },
            None,
        ),
    ],
)  # fmt: skip
def test_torchaudios_keywords(
    keywords: dict[str, Any], decibels: dict[str, Any] | None, n_samples: int, tmp_path: Path
) -> None:
    samples = noise(n_samples)
    theirs = torchaudio_mel(samples, decibels, **keywords)
    nested: dict[str, Any] = {"MelSpectrogram": keywords}
    nested |= {} if decibels is None else {"AmplitudeToDB": decibels}
    found = read_model(write(tmp_path / "nested.json", nested))
    assert_same(found, samples, theirs, 1e-4)
    if keywords:
        flat = write(tmp_path / "flat.yaml", keywords | (decibels or {}))
        assert read_model(flat).front_end.stages == found.front_end.stages


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"win_length": 1}, "win_length is 1; it must be a whole number from 2"),
        (
            {"win_length": 2, "wkwargs": {"periodic": False}},
            "win_length is 2; it must be more",
        ),
        ({"n_fft": 2, "wkwargs": {"periodic": False}}, "n_fft is 2; it must be more"),
    ],
)
def test_torchaudio_cannot_normalise_by_a_window_of_zeros(
    keywords: dict[str, Any], words: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "mine.json", {"MelSpectrogram": {"normalized": True} | keywords})
    with pytest.raises(ConfigError, match=words):
        read_model(file)


def test_torchaudios_window_is_named_as_a_text(tmp_path: Path) -> None:
    written = {"n_fft": 400, "window_fn": "torch.hamming_window", "wkwargs": {"periodic": False}}
    samples = noise(9000)
    theirs = torchaudio_mel(samples, window_fn=torch.hamming_window, wkwargs={"periodic": False})
    assert_same(read_model(write(tmp_path / "mine.json", written)), samples, theirs, 1e-4)


# ------------------------------------------------------------------------------------ sherpa-onnx


def varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded, value = encoded + bytes([value & 0x7F | 0x80]), value >> 7
    return encoded + bytes([value])


def chunk(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx(metadata: dict[str, Any], graph: bytes = b"\xff" * 3000) -> bytes:
    """A ModelProto: its version, a producer, a graph that is not looked into, and metadata."""
    entries = [chunk(1, k.encode()) + chunk(2, str(v).encode()) for k, v in metadata.items()]
    head = varint(1 << 3) + varint(8) + chunk(2, b"pytorch") + chunk(7, graph)
    return head + b"".join(chunk(14, entry) for entry in entries)


def test_zipformers_are_fed_what_icefall_feeds(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(onnx({"model_type": "zipformer2", "version": 1, "feat_dim": 40}))
    samples = noise(12_345)
    assert_same(read_model(path), samples, fbank(samples, 40))
    path.write_bytes(onnx({"model_type": "zipformer2", "version": 1}))
    found = read_model(tmp_path)
    assert found.front_end.stages == PRESETS["icefall"].front_end.stages
    path.write_bytes(onnx({"model_type": "wenet_ctc"}))
    assert_same(read_model(path), samples, fbank(samples, scale=32768.0))


def test_paraformer(tmp_path: Path) -> None:
    random = np.random.default_rng(SEED)
    mean, deviation = random.normal(8, 1, 560), random.uniform(0.1, 0.3, 560)
    metadata = {
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "neg_mean": ",".join(f"{-value:.8f}" for value in mean),
        "inv_stddev": ",".join(f"{value:.8f}" for value in deviation),
        "vocab_size": 8404,
    }
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx(metadata))
    samples = noise(16_000)
    frames = fbank(samples, 80, "hamming", 0.0, snip_edges=True, scale=32768.0)
    starts = range(0, frames.shape[1] - 6, 6)
    stacks = np.stack([frames[:, n : n + 7].T.ravel() for n in starts], axis=1)
    theirs = (stacks - mean[:, None]) * deviation[:, None]
    found = read_model(path)
    assert_same(found, samples, theirs)
    assert "FunASR" in found.notes[0]


FUNASR = {
    "frontend": "WavFrontend",
    "frontend_conf": {
        "fs": 16000, "window": "hamming", "n_mels": 80, "frame_length": 25, "frame_shift": 10,
        "dither": 0.0, "lfr_m": 7, "lfr_n": 6,
    },
}  # fmt: skip


def test_funasr_with_the_statistics_beside_it(n_samples: int, tmp_path: Path) -> None:
    random = np.random.default_rng(SEED)
    shifts, scales = random.normal(-8, 1, 560), random.uniform(0.1, 0.3, 560)
    lists = [" ".join(f"{value:.8f}" for value in each) for each in (shifts, scales)]
    (tmp_path / "am.mvn").write_text(
        "<Nnet>\n<Splice> 560 560\n[ 0 ]\n"
        f"<AddShift> 560 560\n<LearnRateCoef> 0 [ {lists[0]} ]\n"
        f"<Rescale> 560 560\n<LearnRateCoef> 0 [ {lists[1]} ]\n</Nnet>\n"
    )
    write(tmp_path / "config.yaml", FUNASR)
    samples = noise(n_samples)
    frames = fbank(samples, 80, "hamming", 0.0, snip_edges=True, scale=32768.0)
    padded = np.concatenate((frames[:, [0] * 3], frames, frames[:, [-1] * 7]), axis=1)
    starts = range(0, frames.shape[1], 6)
    stacks = np.stack([padded[:, n : n + 7].T.ravel() for n in starts], axis=1)
    found = read_model(tmp_path)
    assert_same(found, samples, (stacks + shifts[:, None]) * scales[:, None])
    assert found.notes == ()
    (tmp_path / "am.mvn").unlink()
    without = read_model(tmp_path)
    assert without.front_end.stages == PRESETS["paraformer"].front_end.stages
    assert "am.mvn') are not beside the configuration" in without.notes[0]


def test_speakers(tmp_path: Path) -> None:
    metadata = {
        "framework": "wespeaker", "sample_rate": 16000, "output_dim": 256,
        "normalize_samples": 0, "feature_normalize_type": "global-mean",
    }  # fmt: skip
    path = tmp_path / "speaker.onnx"
    path.write_bytes(onnx(metadata))
    samples = noise(9000)
    theirs = fbank(samples, scale=32768.0)
    assert_same(read_model(path), samples, theirs - theirs.mean(1, keepdims=True))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "has no metadata, so it does not say how it is fed"),
        ({"onnx.infer": "onnxruntime.quant"}, "do not say how it is fed"),
        ({"model_type": "whisper-tiny", "n_mels": 80}, "whisper-tiny', its metadata do not say"),
        ({"model_type": "EncDecCTCModelBPE", "normalize_type": "per_feature"}, "do not say"),
    ],
)
def test_an_onnx_file_that_does_not_say_is_named(
    metadata: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx(metadata))
    with pytest.raises(ConfigError, match=words):
        read_model(path)


# ----------------------------------------------------------------------------- the front door


@pytest.mark.parametrize("name", ["whisper-80", "kaldi", "seamless", "birdnet-low"])
def test_a_json_front_end_has_origins_as_well(name: str, tmp_path: Path) -> None:
    front_end = PRESETS[name].front_end
    text = "\ufeff" + json.dumps(front_end.to_dict(), indent=1).replace("\n", "\r\n")
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8", newline="")
    found = find_front_end(path)
    assert found.at(None) == front_end
    assert found.described is not None
    assert {field.origin for field in found.described.fields} == {"file"}


@pytest.mark.parametrize("name", ["mine.json", "mine.yaml", "mine"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_front_end_is_read_in_each_form_of_unicode(
    name: str, encoding: str, tmp_path: Path
) -> None:
    front_end = PRESETS["whisper-80"].front_end
    path = tmp_path / name
    path.write_text(json.dumps(front_end.to_dict()), encoding=encoding)
    assert find_front_end(path).at(None) == front_end


def test_defaults_of_a_json_front_end_are_told_from_what_is_written(tmp_path: Path) -> None:
    stages = [
        {"stage": "frames", "win_length": 400, "hop_length": 160, "offset": 0},
        {"stage": "window"},
        {"stage": "spectrum", "n_fft": 512, "power": 2},
    ]
    path = write(tmp_path / "mine.json", {"name": "mine", "sample_rate": 16000, "stages": stages})
    found = origins(read_model(path))
    assert (found["win_length"], found["edge"], found["kind"]) == ("file", "default", "default")


def test_a_mistake_in_ones_own_front_end_is_named_by_its_field(tmp_path: Path) -> None:
    chain = PRESETS["whisper-80"].front_end.to_dict()
    chain["stages"][0]["hop_lenght"] = 160
    with pytest.raises(ConfigError, match=r"hop_lenght.*did you mean hop_length"):
        read_model(write(tmp_path / "mine.json", chain))


def test_a_path_that_is_not_there_is_not_taken_for_a_models_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m" / "whisper").mkdir(parents=True)
    words = r"'m' has no 'whisperr'.*; did you mean m/whisper\?"
    with pytest.raises(ConfigError, match=words) as raised:
        find_front_end("m/whisperr")
    assert "hf download" not in str(raised.value)


def test_a_downloaded_model_is_found_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    model = tmp_path / "hub" / "models--somebody--vocoder"
    with pytest.raises(ConfigError, match=r"hub.*; `hf download somebody/vocoder` puts it there"):
        find_front_end("somebody/vocoder")
    snapshot = model / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    write(snapshot / "config.json", HIFIGAN[1])
    found = find_front_end("somebody/vocoder")
    assert found.name == "somebody/vocoder"
    assert found.at(None).sample_rate == 44_100
    newer = model / "snapshots" / "4567ef"
    newer.mkdir()
    write(newer / "config.json", HIFIGAN[0])
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("4567ef")
    assert find_front_end("somebody/vocoder").at(None).sample_rate == 16_000
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match="elsewhere"):
        find_front_end("somebody/vocoder")


@pytest.mark.parametrize(
    "model_id", ["../hub/x", "a/../b", "a/b/c", "a--b/c", "a/..", "/no/such", "~/no-such"]
)
def test_no_id_leads_out_of_the_cache(
    model_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "hub" / "x").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        find_front_end(model_id)


def test_a_mistyped_preset_has_near_names() -> None:
    with pytest.raises(ConfigError, match="did you mean whisper-80"):
        find_front_end("wisper-80")


def test_the_model_among_other_files_is_found(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"model_type": "no-such-model", "hidden_size": 10})
    write(tmp_path / "vocab.json", {"a": 1})
    with pytest.raises(ConfigError, match="no-such-model"):
        read_model(tmp_path)
    write(tmp_path / "vocoder.json", HIFIGAN[0])
    assert read_model(tmp_path).front_end.sample_rate == 16_000


def test_a_folder_of_nothing_known_is_named(tmp_path: Path) -> None:
    write(tmp_path / "vocab.json", {"a": 1})
    with pytest.raises(ConfigError, match="holds no model's files that are known"):
        read_model(tmp_path)
