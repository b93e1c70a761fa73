"""Each extractor of transformers, saved by itself, read back and compared with what it computes.

Theirs runs as its model's processor calls it, on fresh sound; ours is the chain in float64, so a
deviation is the rounding of theirs.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.clip import clip_columns
from visualizer.mel.described import Described
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.model_files import hugging_face
from visualizer.mel.model_files.loading import load_json
from visualizer.mel.presets import PRESETS
from visualizer.mel.whole import reference_columns

Features = NDArray[np.floating]

SEED = int(os.environ.get("PARITY_SEED", secrets.randbits(32)))
REPLAY = f"PARITY_SEED={SEED} replays this"
ROUNDING = 2e-3
"""Of float32, in logarithms of what is nearly silent."""


# --------------------------------------------------------------------------------------- theirs


def extractor(module: str, name: str, **fields: Any) -> Any:
    """An instance of a class, whose module alone is imported."""
    path = f"transformers.models.{module}.feature_extraction_{module}"
    kind = getattr(importlib.import_module(path), name)
    # The class asks for programs that only finding beats needs.
    kind._backends = []
    return kind(**fields)


def upright(theirs: Any, samples: Any, key: str = "input_features", **options: Any) -> Features:
    """(n_rows, n_columns), where they come like that."""
    rate = theirs.sampling_rate
    return np.asarray(theirs(samples, sampling_rate=rate, return_tensors="np", **options)[key])[0]


def flat(theirs: Any, samples: Any, key: str = "input_features") -> Features:
    """The same, where columns come one after the other."""
    return upright(theirs, samples, key).T


def unmasked(theirs: Any, samples: Any) -> Features:
    """The same without the columns that the mask leaves out."""
    found = theirs(samples, sampling_rate=theirs.sampling_rate, return_tensors="np")
    mask = np.asarray(found["attention_mask"][0], dtype=bool)
    return np.asarray(found["input_features"])[0][mask].T


def gemma3n(theirs: Any, samples: Any) -> Features:
    return np.asarray(theirs(samples)["input_features"][0]).T


def gemma4(theirs: Any, samples: Any) -> Features:
    found = theirs([samples])
    mask = np.asarray(found["input_features_mask"][0], dtype=bool)
    return np.asarray(found["input_features"][0])[mask].T


def granite(theirs: Any, samples: Any) -> Features:
    features: Features = theirs(samples)["input_features"][0].numpy().T
    return features


def clap(theirs: Any, samples: Any) -> Features:
    found = theirs(samples, sampling_rate=theirs.sampling_rate)["input_features"][0]
    return np.asarray(found)[0].T


def speecht5(theirs: Any, samples: Any) -> Features:
    found = theirs(audio_target=samples, sampling_rate=theirs.sampling_rate)
    return np.asarray(found["input_values"][0]).T


def univnet(theirs: Any, samples: Any) -> Features:
    found = theirs(samples, sampling_rate=theirs.sampling_rate)
    return np.asarray(found["input_features"][0]).T


def pop2piano(theirs: Any, samples: Any) -> Features:
    """Of a segment between beats, as its call computes it."""
    features: Features = np.log(np.clip(theirs.mel_spectrogram(samples[None]), 1e-6, None))[0]
    return features


@dataclass(frozen=True)
class Extractor:
    """A class, how it is called, and fields to move."""

    module: str
    name: str
    call: Callable[[Any, Any], Features]
    moved: tuple[dict[str, Any], ...]
    lengths: tuple[int, ...] = (16_000, 15_999, 4_811)
    """of the sounds, in samples"""


STEPS = [float(value) for value in np.linspace(-3.0, 1.0, 64)]
WIDTHS = [float(value) for value in np.linspace(0.5, 2.0, 64)]

EXTRACTORS = (
    Extractor(
        "whisper",
        "WhisperFeatureExtractor",
        upright,
        (
            {"feature_size": 128, "hop_length": 200, "n_fft": 512, "chunk_length": 2},
            {"sampling_rate": 8000, "chunk_length": 1, "hop_length": 320},
            {"sampling_rate": 11_025, "chunk_length": 3},
        ),
    ),
    Extractor(
        "moss_transcribe_diarize",
        "MossTranscribeDiarizeFeatureExtractor",
        upright,
        ({"feature_size": 64, "chunk_length": 5},),
    ),
    Extractor(
        "dots3_note",
        "Dots3NoteFeatureExtractor",
        upright,
        ({"hop_length": 200, "chunk_length": 10},),
        (16_000, 15_360, 4_811),
    ),
    Extractor(
        "qwen3_asr",
        "Qwen3ASRFeatureExtractor",
        partial(upright, padding=True),
        ({"feature_size": 80, "n_window": 30, "min_length": 0}, {"min_length": 20_000}),
    ),
    Extractor(
        "voxtral_realtime",
        "VoxtralRealtimeFeatureExtractor",
        upright,
        (
            {"feature_size": 80, "hop_length": 200, "n_fft": 512, "global_log_mel_max": 2.0},
            {"global_log_mel_max": None, "sampling_rate": 22_050},
        ),
    ),
    Extractor(
        "parakeet",
        "ParakeetFeatureExtractor",
        unmasked,
        (
            {"feature_size": 128, "preemphasis": 0.9, "n_fft": 1024, "win_length": 600},
            {"preemphasis": None, "hop_length": 240, "sampling_rate": 24_000},
        ),
    ),
    Extractor(
        "cohere_asr",
        "CohereAsrFeatureExtractor",
        unmasked,
        ({"dither": 0.0}, {"dither": 1e-3, "feature_size": 64}),
    ),
    Extractor(
        "nemotron_asr_streaming",
        "NemotronAsrStreamingFeatureExtractor",
        unmasked,
        ({"feature_size": 64}, {"mel_filters_dtype": "bfloat16"}),
    ),
    Extractor(
        "seamless_m4t",
        "SeamlessM4TFeatureExtractor",
        flat,
        (
            {"padding_value": 1, "num_mel_bins": 40},
            {"stride": 3},
            {"sampling_rate": 24_000},
        ),
        (16_000, 15_680, 4_811),
    ),
    Extractor(
        "neucodec",
        "NeuCodecFeatureExtractor",
        flat,
        ({"hop_length": 480, "padding_value": 0.0}, {"sampling_rate": 24_000}),
    ),
    Extractor(
        "xcodec2",
        "Xcodec2FeatureExtractor",
        flat,
        ({"hop_length": 256, "padding_value": 0.0},),
    ),
    Extractor(
        "audio_spectrogram_transformer",
        "ASTFeatureExtractor",
        partial(flat, key="input_values"),
        (
            {"num_mel_bins": 64, "max_length": 77, "mean": -3.0, "std": 2.5},
            {"do_normalize": False, "sampling_rate": 22_050},
        ),
    ),
    Extractor(
        "speech_to_text",
        "Speech2TextFeatureExtractor",
        flat,
        (
            {"num_mel_bins": 40},
            {"normalize_vars": False},
            {"do_ceptral_normalize": False, "sampling_rate": 8000},
        ),
    ),
    Extractor(
        "phi4_multimodal",
        "Phi4MultimodalFeatureExtractor",
        partial(flat, key="audio_input_features"),
        ({"feature_size": 64, "preemphasis": 0.9, "n_fft": 1024, "win_length": 500},),
    ),
    Extractor(
        "fun_asr_nano",
        "FunAsrNanoFeatureExtractor",
        flat,
        (
            {"feature_size": 40, "frame_length": 32, "frame_shift": 8},
            {"num_frames_lfr": 5, "stride_lfr": 3},
        ),
        (16_000, 15_999, 4_811, 640),
    ),
    Extractor(
        "granite_speech",
        "GraniteSpeechFeatureExtractor",
        granite,
        ({"sampling_rate": 22_050},),
    ),
    Extractor(
        "granite_speech5",
        "GraniteSpeech5FeatureExtractor",
        flat,
        (
            {"num_mel_bins": 40, "n_fft": 1024, "win_length": 600, "hop_length": 240},
            {"delta_win_length": 5, "logmel_floor_db": 6.0},
        ),
    ),
    Extractor(
        "lasr",
        "LasrFeatureExtractor",
        flat,
        ({"feature_size": 80, "n_fft": 1024, "win_length": 512, "hop_length": 200},),
    ),
    Extractor(
        "gemma3n",
        "Gemma3nAudioFeatureExtractor",
        gemma3n,
        (
            {"feature_size": 64, "per_bin_mean": STEPS, "per_bin_stddev": WIDTHS},
            {"preemphasis_htk_flavor": False, "fft_overdrive": False, "mel_floor": 1e-3},
            {"preemphasis": 0.0, "input_scale_factor": 2.0, "min_frequency": 50.0},
        ),
        (16_000, 15_999, 4_811, 400),
    ),
    Extractor(
        "gemma4",
        "Gemma4AudioFeatureExtractor",
        gemma4,
        (
            {"preemphasis": 0.9},
            {"preemphasis": 0.9, "preemphasis_htk_flavor": False, "fft_overdrive": True},
            {"feature_size": 64, "per_bin_mean": STEPS, "max_frequency": 7000.0},
        ),
        (16_000, 15_999, 16_001, 4_811),
    ),
    Extractor(
        "inkling",
        "InklingFeatureExtractor",
        flat,
        ({"feature_size": 64, "window_size_multiplier": 1.5, "n_fft": 2048},),
        (16_000, 15_999, 4_811, 300),
    ),
    Extractor(
        "clap",
        "ClapFeatureExtractor",
        clap,
        (
            {"frequency_min": 50, "truncation": "rand_trunc", "top_db": 80, "max_length_s": 2},
            {"padding": "repeat", "max_length_s": 1, "feature_size": 40},
            {"padding": "pad", "max_length_s": 1, "fft_window_size": 2048, "hop_length": 320},
        ),
    ),
    Extractor(
        "clvp",
        "ClvpFeatureExtractor",
        upright,
        (
            {"feature_size": 64, "mel_norms": WIDTHS, "default_audio_length": 1},
            {"n_fft": 2048, "hop_length": 300, "default_audio_length": 2},
        ),
    ),
    Extractor(
        "speecht5",
        "SpeechT5FeatureExtractor",
        speecht5,
        (
            {"hop_length": 12, "win_length": 50, "fmin": 20, "fmax": 7000, "mel_floor": 1e-6},
            {"win_function": "hamming_window", "num_mel_bins": 64, "sampling_rate": 22_050},
        ),
    ),
    Extractor(
        "univnet",
        "UnivNetFeatureExtractor",
        univnet,
        (
            {"do_normalize": True, "compression_factor": 1.5, "normalize_min": -9.0},
            {"hop_length": 300, "fmin": 40.0, "fmax": 9000.0, "mel_floor": 1e-6},
            {"filter_length": None, "win_length": 2048, "sampling_rate": 22_050},
        ),
    ),
    Extractor(
        "pop2piano",
        "Pop2PianoFeatureExtractor",
        pop2piano,
        ({"window_size": 2048, "hop_length": 512, "min_frequency": 30.0, "feature_size": 128},),
        (16_000, 15_999),
    ),
    Extractor(
        "musicgen_melody",
        "MusicgenMelodyFeatureExtractor",
        flat,
        ({"n_fft": 4096, "hop_length": 1024},),
        (40_000, 33_333),
    ),
)

CASES = [(one, fields) for one in EXTRACTORS for fields in ({}, *one.moved)]


# ----------------------------------------------------------------------------------------- ours


def read(path: Path) -> Described:
    found = hugging_face.read(path, load_json)
    assert found is not None
    return found


def told(folder: Path, values: Mapping[str, Any], name: str = "preprocessor_config.json") -> Path:
    """A model's folder with one file in it."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(values), "utf-8")
    return folder


def origins(found: Described) -> dict[str, str]:
    """The origin of each field, by "stage.field"."""
    stages = found.front_end.stages
    names = {
        one: "" if one.stage is None else f"{stages[one.stage].stage}." for one in found.fields
    }
    return {f"{names[one]}{one.field}": one.origin for one in found.fields}


def sound(rng: np.random.Generator, n_samples: int, sample_rate: int) -> NDArray[np.float32]:
    """Something like speech: a gliding tone with its harmonics, in syllables, over noise."""
    t = np.arange(n_samples) / sample_rate
    hz = 120.0 + 30.0 * np.sin(2.0 * np.pi * 2.3 * t + rng.uniform(0.0, 6.0))
    phase = 2.0 * np.pi * np.cumsum(hz) / sample_rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = np.maximum(np.sin(2.0 * np.pi * 3.0 * t + rng.uniform(0.0, 6.0)), 0.02)
    noise = rng.normal(0.0, 0.02, n_samples)
    samples: NDArray[np.float32] = (0.08 * voice * syllables + noise).astype(np.float32)
    return samples


# ---------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize(
    ("one", "fields"), CASES, ids=[f"{one.module}-{'-'.join(fields)}" for one, fields in CASES]
)
def test_a_saved_extractor_gives_its_own_features(
    tmp_path: Path, one: Extractor, fields: dict[str, Any]
) -> None:
    theirs = extractor(one.module, one.name, **fields)
    theirs.save_pretrained(tmp_path)
    found = read(tmp_path)
    assert found.whose == f"{one.name} of transformers"
    rng = np.random.default_rng(SEED)
    for n_samples in one.lengths:
        samples = sound(rng, n_samples, theirs.sampling_rate)
        expected = one.call(theirs, samples.copy())
        ours = reference_columns(samples, found.front_end)
        assert ours.shape == expected.shape, f"{n_samples} samples"
        np.testing.assert_allclose(ours, expected, rtol=0.0, atol=ROUNDING, err_msg=REPLAY)


def test_what_is_shown_and_exported_is_the_chain_that_was_read(tmp_path: Path) -> None:
    theirs = extractor("whisper", "WhisperFeatureExtractor")
    theirs.save_pretrained(tmp_path)
    samples = sound(np.random.default_rng(SEED), 12_345, 16_000)
    ours = clip_columns(samples[:, None], read(tmp_path).front_end, 997, streaming=False)[0]
    assert ours.shape == (80, 3000)
    np.testing.assert_allclose(ours, upright(theirs, samples), rtol=0.0, atol=ROUNDING)


@pytest.mark.parametrize(
    ("module", "name", "preset"),
    [
        ("parakeet", "ParakeetFeatureExtractor", "nemo"),
        ("audio_spectrogram_transformer", "ASTFeatureExtractor", "ast"),
        ("voxtral_realtime", "VoxtralRealtimeFeatureExtractor", "voxtral-realtime"),
    ],
)
def test_the_chain_is_that_of_the_preset(
    tmp_path: Path, module: str, name: str, preset: str
) -> None:
    extractor(module, name).save_pretrained(tmp_path)
    found, known = read(tmp_path).front_end, PRESETS[preset].front_end
    assert found == FrontEnd(found.name, known.sample_rate, known.stages)


@pytest.mark.parametrize(
    ("module", "name", "assumed"),
    [
        (
            "granite_speech",
            "GraniteSpeechFeatureExtractor",
            {
                "frames.win_length",
                "frames.hop_length",
                "frames.offset",
                "spectrum.n_fft",
                "mel.n_mels",
            },
        ),
        ("phi4_multimodal", "Phi4MultimodalFeatureExtractor", {"mel.f_min", "mel.f_max"}),
        ("fun_asr_nano", "FunAsrNanoFeatureExtractor", {"window.kind"}),
        ("musicgen_melody", "MusicgenMelodyFeatureExtractor", {"chroma.n_chroma"}),
        ("whisper", "WhisperFeatureExtractor", set()),
    ],
)
def test_what_a_class_does_not_write_is_assumed(
    tmp_path: Path, module: str, name: str, assumed: set[str]
) -> None:
    extractor(module, name).save_pretrained(tmp_path)
    found = origins(read(tmp_path))
    assert {field for field, origin in found.items() if origin == "assumed"} == assumed


def test_each_number_says_where_it_is_from(tmp_path: Path) -> None:
    theirs = extractor("whisper", "WhisperFeatureExtractor", feature_size=128)
    theirs.save_pretrained(tmp_path)
    found = read(tmp_path)
    by_field = {(one.stage, one.field): one for one in found.fields}
    (mel,) = (i for i, one in enumerate(found.front_end.stages) if one.stage == "mel")
    bands, top = by_field[mel, "n_mels"], by_field[mel, "f_max"]
    assert (bands.value, bands.origin, bands.key) == (128, "file", "feature_size")
    assert (top.value, top.origin, top.key) == (8000.0, "class", "")
    assert by_field[0, "to"].key == "chunk_length, sampling_rate"
    assert found.source == str(tmp_path / "preprocessor_config.json")


@pytest.mark.parametrize(
    ("module", "name", "ignored"),
    [
        ("whisper", "WhisperFeatureExtractor", {"n_samples", "nb_max_frames"}),
        ("gemma3n", "Gemma3nAudioFeatureExtractor", {"frame_length", "hop_length", "fft_length"}),
        (
            "clap",
            "ClapFeatureExtractor",
            {"nb_frequency_bins", "nb_max_samples", "top_db"},
        ),
        (
            "neucodec",
            "NeuCodecFeatureExtractor",
            {"num_mel_bins", "frame_length", "frame_shift", "stride", "feature_size"},
        ),
        ("inkling", "InklingFeatureExtractor", {"hop_length", "window_size"}),
    ],
)
def test_what_is_written_and_not_used_is_listed(
    tmp_path: Path, module: str, name: str, ignored: set[str]
) -> None:
    extractor(module, name).save_pretrained(tmp_path)
    found = read(tmp_path).ignored
    assert {one.key for one in found} == ignored
    assert all(one.why for one in found)


def test_noise_that_nobody_can_repeat_is_noted(tmp_path: Path) -> None:
    extractor("whisper", "WhisperFeatureExtractor", dither=1e-4).save_pretrained(tmp_path)
    assert any("noise of 0.0001" in note for note in read(tmp_path).notes)


WHISPER = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80}


def test_a_processor_s_file_comes_first(tmp_path: Path) -> None:
    told(tmp_path, WHISPER)
    inner = {"feature_extractor": WHISPER | {"feature_size": 128}, "processor_class": "Any"}
    told(tmp_path, inner, "processor_config.json")
    found = read(tmp_path)
    assert found.front_end.n_rows == 128
    assert found.source.endswith("processor_config.json")


def test_a_file_is_read_by_itself(tmp_path: Path) -> None:
    told(tmp_path, WHISPER, "saved.json")
    assert read(tmp_path / "saved.json").front_end.n_rows == 80


def test_a_newer_file_names_an_audio_processor(tmp_path: Path) -> None:
    told(tmp_path, {"audio_processor_type": "WhisperAudioProcessor", "sampling_rate": 16_000})
    assert read(tmp_path).whose == "WhisperFeatureExtractor of transformers"


def test_an_old_file_holds_its_filters_too(tmp_path: Path) -> None:
    filters = np.random.default_rng(SEED).uniform(0.0, 1.0, (80, 201)).tolist()
    told(tmp_path, WHISPER | {"mel_filters": filters, "chunk_length": 30})
    found = read(tmp_path)
    assert found.front_end.n_rows == 80
    assert [one.key for one in found.ignored] == ["mel_filters"]


def test_a_file_that_names_no_class_goes_by_the_model_s_type(tmp_path: Path) -> None:
    told(tmp_path, {"auto_map": {"AutoFeatureExtractor": "own.Own"}, "processor_class": "Any"})
    told(tmp_path, {"model_type": "cohere_asr"}, "config.json")
    found = read(tmp_path)
    assert found.front_end.n_rows == 128
    assert set(origins(found).values()) == {"assumed"}
    assert any("CohereAsrFeatureExtractor is assumed" in note for note in found.notes)


def test_its_numbers_are_taken_all_the_same(tmp_path: Path) -> None:
    told(tmp_path, {"sampling_rate": 16_000, "feature_size": 128, "processor_class": "Any"})
    told(tmp_path, {"model_type": "whisper"}, "config.json")
    found = read(tmp_path)
    assert (found.front_end.n_rows, origins(found)["mel.n_mels"]) == (128, "file")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "whisper", "num_mel_bins": 128},
        {"model_type": "voxtral", "audio_config": {"num_mel_bins": 128}},
        {"model_type": "new", "audio_config": {"model_type": "qwen2_audio_encoder", "n_mels": 128}},
        {"thinker_config": {"audio_config": {"num_mel_bins": 128}}, "model_type": "qwen2_5_omni"},
    ],
    ids=lambda config: config["model_type"],
)
def test_a_model_s_own_configuration_is_the_last_resort(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    found = read(told(tmp_path, config, "config.json"))
    assert found.front_end.n_rows == 128
    by_origin = origins(found)
    assert by_origin.pop("mel.n_mels") == "file"
    assert set(by_origin.values()) == {"assumed"}
    assert found.ignored == ()


def test_the_cache_s_folder_is_called_by_the_model_s_id(tmp_path: Path) -> None:
    folder = tmp_path / "models--openai--whisper-tiny" / "snapshots" / "0123abcd"
    folder.mkdir(parents=True)
    assert read(told(folder, WHISPER)).front_end.name == "openai/whisper-tiny"
    assert read(told(tmp_path / "mine", WHISPER)).front_end.name == "mine"


def test_other_folders_are_left_to_other_formats(tmp_path: Path) -> None:
    assert hugging_face.read(tmp_path, load_json) is None
    hifi_gan = {"num_mels": 80, "n_fft": 1024, "hop_size": 256, "sampling_rate": 22_050}
    told(tmp_path, hifi_gan | {"feature_extractor": {"class_path": "own"}}, "config.json")
    assert hugging_face.read(tmp_path, load_json) is None
    assert hugging_face.read(tmp_path / "config.json", load_json) is None
    (tmp_path / "model.onnx").write_bytes(b"\x08")
    assert hugging_face.read(tmp_path / "model.onnx", load_json) is None


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        read(path)
    text = str(refused.value)
    assert "\n" not in text
    return text


GRANITE5 = {"feature_extractor_type": "GraniteSpeech5FeatureExtractor"}
UNIVNET = {"feature_extractor_type": "UnivNetFeatureExtractor"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16_000},
            "Wav2Vec2FeatureExtractor feeds raw samples at 16000 Hz, so there are no mel columns",
        ),
        ({"feature_extractor_type": "DacFeatureExtractor", "sampling_rate": 44_100}, "44100 Hz"),
        ({"feature_extractor_type": "EncodecFeatureExtractor"}, "raw samples at 24000 Hz"),
        ({"feature_extractor_type": "TvltFeatureExtractor"}, "'TvltFeatureExtractor' is not known"),
        (
            {"feature_extractor_type": "WhisperFeaturExtractor"},
            "is not known; did you mean WhisperFeatureExtractor?",
        ),
        ({"feature_extractor_type": ["Whisper"]}, "is not known"),
        ({"processor_class": "Any"}, "does not name its feature_extractor_type"),
        ({"spectrogram_config": {"stft_config": {}}}, "spectrogram_config"),
        (WHISPER | {"hop_length": "often"}, "preprocessor_config.json: hop_length is 'often'"),
        (WHISPER | {"feature_size": -1}, "feature_size is -1"),
        (WHISPER | {"n_fft": 1.5}, "n_fft is 1.5"),
        (WHISPER | {"sampling_rate": 10**6}, "sampling_rate is 1000000; it must be a whole number"),
        (WHISPER | {"sampling_rate": 3}, "sampling_rate is 3; it must be a whole number from 1000"),
        (WHISPER | {"chunk_length": 10**5}, "chunk_length gives to 1600000000"),
        # Stages may have fields of one name, here the windows of the frames and of the deltas.
        (GRANITE5 | {"win_length": 1}, "preprocessor_config.json: win_length is 1; it must be"),
        (
            GRANITE5 | {"delta_win_length": 4},
            "delta_win_length gives win_length 4; it must be",
        ),
        (GRANITE5 | {"n_fft": 300}, "n_fft is 300; it must be from win_length (400)"),
        (UNIVNET | {"hop_length": 5000}, "hop_length is 5000; it must be at most"),
        (UNIVNET | {"filter_length": 512}, "win_length is 1024; it must be the points of the"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    text = refusal(told(tmp_path, values))
    assert words in text
    assert "preprocessor_config.json" in text


def test_numbers_of_rows_are_as_many_as_the_rows(tmp_path: Path) -> None:
    values = {"feature_extractor_type": "ClvpFeatureExtractor", "mel_norms": WIDTHS}
    assert "as many numbers as rows (80)" in refusal(told(tmp_path, values))
    values = {"feature_extractor_type": "ClvpFeatureExtractor", "mel_norms": [0.0] * 80}
    assert "numbers other than 0" in refusal(told(tmp_path, values))


def test_a_model_of_other_things_is_named(tmp_path: Path) -> None:
    told(tmp_path, {"model_type": "bert"}, "config.json")
    assert "no extractor is known for the model_type 'bert'" in refusal(tmp_path)
    told(tmp_path, {"model_type": "moonshine"}, "config.json")
    assert "feeds raw samples at 16000 Hz" in refusal(tmp_path)
    told(tmp_path, {"model_type": "gemma4", "audio_config": None}, "config.json")
    assert "takes no sound" in refusal(tmp_path)
