"""Features by other people's code with a parameter or two moved, and what must be found of them.

`python -m tests.tools.identify.battery [WORD…]` runs those whose names hold one of the words, or
all, each with a fresh sound, and prints the rate of exact, nearest and wrong answers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import kaldi_native_fbank as knf
import librosa
import numpy as np
import soundfile
import torch
import torchaudio
from numpy.typing import NDArray

from visualizer.audio.demo import demo_path

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """Features of one kind, and the fields that must be told of them."""

    name: str
    make: Callable[[Samples], Any]
    fields: dict[str, Any]
    rate: int = 16_000
    sound: str = "speech"
    is_exact: bool = True
    """whether a chain of ours can say it"""


def speech(rate: int, generator: np.random.Generator, seconds: float = 3.0) -> Samples:
    """A part of the built-in recording, with a little noise."""
    own, own_rate = soundfile.read(demo_path(), dtype="float32")
    made = torchaudio.functional.resample(torch.from_numpy(own), own_rate, rate).numpy()
    n = round(seconds * rate) + int(generator.integers(0, 200))
    start = int(generator.integers(0, min(len(made) - n, 4 * rate)))
    return (made[start : start + n] + generator.normal(0, 1e-4, n)).astype(np.float32)


def noise(rate: int, generator: np.random.Generator, seconds: float = 3.0) -> Samples:
    n = round(seconds * rate) + int(generator.integers(0, 200))
    envelope = 0.03 + np.abs(np.sin(np.arange(n) / rate * 5.0)) ** 3
    return (generator.normal(0, 0.1, n) * envelope).astype(np.float32)


def clean(rate: int, generator: np.random.Generator, seconds: float = 3.0) -> Samples:
    own, own_rate = soundfile.read(demo_path(), dtype="float32")
    made = torchaudio.functional.resample(torch.from_numpy(own), own_rate, rate).numpy()
    n = round(seconds * rate)
    start = int(generator.integers(0, min(len(made) - n, 4 * rate)))
    return np.ascontiguousarray(made[start : start + n], dtype=np.float32)


SOUNDS = {"speech": speech, "noise": noise, "clean": clean}


def lr(rate: int = 16_000, **fields: Any) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: librosa.feature.melspectrogram(y=y, sr=rate, **fields)


def lr_db(
    rate: int = 16_000,
    ref: Any = 1.0,
    top_db: float | None = 80.0,
    amin: float = 1e-10,
    **fields: Any,
) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: librosa.power_to_db(lr(rate, **fields)(y), ref=ref, top_db=top_db, amin=amin)


def whisper(
    n_mels: int = 80,
    n_fft: int = 400,
    hop: int = 160,
    below: float = 8.0,
    htk: bool = False,
    f_max: float = 8000.0,
    f_min: float = 0.0,
    shift: float = 4.0,
    scale: float = 0.25,
    floor: float = 1e-10,
) -> Callable[[Samples], NDArray[Any]]:
    def make(y: Samples) -> NDArray[Any]:
        window = torch.hann_window(n_fft)
        stft = torch.stft(torch.from_numpy(y), n_fft, hop, window=window, return_complex=True)
        powers = stft[..., :-1].abs() ** 2
        filters = torch.from_numpy(
            librosa.filters.mel(
                sr=16_000, n_fft=n_fft, n_mels=n_mels, htk=htk, fmax=f_max, fmin=f_min
            )
        )
        logs = torch.clamp(filters @ powers, min=floor).log10()
        logs = torch.maximum(logs, logs.max() - below)
        return ((logs + shift) * scale).numpy()

    return make


def ta(
    log: str = "", rate: int = 16_000, eps: float = 0.0, top_db: float | None = None, **fields: Any
) -> Callable[[Samples], NDArray[Any]]:
    def make(y: Samples) -> NDArray[Any]:
        mel = torchaudio.transforms.MelSpectrogram(sample_rate=rate, **fields)(torch.from_numpy(y))
        if log == "db":
            mel = torchaudio.transforms.AmplitudeToDB("power", top_db)(mel)
        elif log == "ln+":
            mel = torch.log(mel + eps)
        elif log == "ln":
            mel = torch.log(torch.clamp(mel, min=eps))
        elif log == "log1p":
            mel = torch.log1p(eps * mel)
        return mel.numpy()

    return make


def ta_mfcc(rate: int = 16_000, **fields: Any) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: torchaudio.transforms.MFCC(sample_rate=rate, **fields)(
        torch.from_numpy(y)
    ).numpy()


def kaldi(
    scale: float = 32768.0, rate: int = 16_000, **fields: Any
) -> Callable[[Samples], NDArray[Any]]:
    def make(y: Samples) -> NDArray[Any]:
        return torchaudio.compliance.kaldi.fbank(
            torch.from_numpy(y)[None] * scale, sample_frequency=float(rate), dither=0.0, **fields
        ).numpy()

    return make


def kaldi_native(
    kind: str = "fbank",
    scale: float = 32768.0,
    rate: int = 16_000,
    frame: dict[str, Any] | None = None,
    mel: dict[str, Any] | None = None,
    **fields: Any,
) -> Callable[[Samples], NDArray[Any]]:
    def make(y: Samples) -> NDArray[Any]:
        options = knf.FbankOptions() if kind == "fbank" else knf.MfccOptions()
        options.frame_opts.samp_freq = rate
        options.frame_opts.dither = 0.0
        for name, value in (frame or {}).items():
            setattr(options.frame_opts, name, value)
        for name, value in (mel or {}).items():
            setattr(options.mel_opts, name, value)
        for name, value in fields.items():
            setattr(options, name, value)
        made = (knf.OnlineFbank if kind == "fbank" else knf.OnlineMfcc)(options)
        made.accept_waveform(rate, (y * scale).tolist())
        made.input_finished()
        return np.stack([made.get_frame(i) for i in range(made.num_frames_ready)])

    return make


def normalised(
    make: Callable[[Samples], NDArray[Any]], kind: str, axis: int | None = -1
) -> Callable[[Samples], NDArray[Any]]:
    def done(y: Samples) -> NDArray[Any]:
        x = make(y).astype(np.float32)
        mean = x.mean(axis=axis, keepdims=True)
        if kind == "mean":
            return x - mean
        if kind == "ddof0":
            return (x - mean) / (x.std(axis=axis, keepdims=True) + 1e-8)
        return (x - mean) / (x.std(axis=axis, ddof=1, keepdims=True) + 1e-5)

    return done


def hifigan(
    rate: int = 22_050,
    n_fft: int = 1024,
    hop: int = 256,
    win: int = 1024,
    n_mels: int = 80,
    f_min: float = 0.0,
    f_max: float | None = 8000.0,
    clip: float = 1e-5,
    eps: float = 1e-9,
) -> Callable[[Samples], NDArray[Any]]:
    def make(y: Samples) -> NDArray[Any]:
        pad = (n_fft - hop) // 2
        x = torch.nn.functional.pad(torch.from_numpy(y)[None, None], (pad, pad), mode="reflect")[0]
        stft = torch.stft(
            x, n_fft, hop, win, torch.hann_window(win), center=False, return_complex=True
        )
        spec = torch.sqrt(torch.view_as_real(stft).pow(2).sum(-1) + eps)
        mel = torch.from_numpy(
            librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max)
        )
        return torch.log(torch.clamp(mel @ spec, min=clip)).numpy()

    return make


def half(make: Callable[[Samples], NDArray[Any]]) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: make(y).astype(np.float16)


def turned(make: Callable[[Samples], NDArray[Any]]) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: np.ascontiguousarray(make(y).T)


def batched(make: Callable[[Samples], NDArray[Any]]) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: make(y)[None]


def emphasised(
    make: Callable[[Samples], NDArray[Any]], a: float
) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: make(np.append(y[:1], y[1:] - np.float32(a) * y[:-1]).astype(np.float32))


def lr_mfcc(rate: int = 22_050, **fields: Any) -> Callable[[Samples], NDArray[Any]]:
    return lambda y: librosa.feature.mfcc(y=y, sr=rate, **fields)


CASES = (
    # librosa
    Case("librosa f_max", lr(22_050, fmax=8000), {"f_max": 8000.0, "log": None}, 22_050),
    Case(
        "librosa htk", lr(22_050, htk=True, n_mels=64), {"mel_scale": "htk", "n_mels": 64}, 22_050
    ),
    Case(
        "librosa power 1",
        lr(22_050, power=1, hop_length=256),
        {"power": 1, "hop_length": 256},
        22_050,
    ),
    Case(
        "librosa win",
        lr(n_fft=1024, win_length=800, hop_length=200, n_mels=80),
        {"win_length": 800, "n_fft": 1024, "hop_length": 200},
    ),
    Case(
        "librosa reflect norm none",
        lr(pad_mode="reflect", norm=None, n_fft=512, hop_length=128, n_mels=40),
        {"edge": "reflect", "norm": None, "hop_length": 128},
    ),
    Case(
        "librosa hamming", lr(22_050, window="hamming", n_mels=128), {"window": "hamming"}, 22_050
    ),
    Case(
        "librosa blackman noise",
        lr(window="blackman", n_fft=1024, hop_length=256, n_mels=80),
        {"window": "blackman"},
        sound="noise",
    ),
    Case(
        "librosa not centred",
        lr(center=False, n_fft=1024, hop_length=256, n_mels=80),
        {"offset": 0, "hop_length": 256},
    ),
    Case(
        "librosa db",
        lr_db(n_fft=512, hop_length=160, n_mels=64, top_db=None),
        {"log": "db", "log_floor": 1e-10},
    ),
    Case("librosa db 80", lr_db(22_050, n_mels=128), {"log": "db", "dynamic_range": 80.0}, 22_050),
    Case(
        "librosa db 60 max",
        lr_db(22_050, n_mels=80, ref=np.max, top_db=60.0),
        {"log": "db", "dynamic_range": 60.0},
        22_050,
    ),
    Case(
        "librosa db max noise",
        lr_db(22_050, n_mels=96, ref=np.max),
        {"log": "db", "n_mels": 96},
        22_050,
        "noise",
    ),
    Case(
        "librosa db amin",
        lr_db(n_fft=400, hop_length=160, n_mels=80, amin=1e-6, top_db=None),
        {"log_floor": 1e-6},
    ),
    Case("librosa mfcc", lr_mfcc(n_mfcc=20), {"dct.n_coefficients": 20}, 22_050),
    Case(
        "librosa mfcc 13 of 40 htk",
        lr_mfcc(16_000, n_mfcc=13, n_mels=40, n_fft=512, hop_length=160, htk=True),
        {"dct.n_coefficients": 13, "n_mels": 40, "mel_scale": "htk"},
    ),
    # whisper
    Case("whisper 80", whisper(), {"n_mels": 80, "mel_scale": "slaney"}),
    Case("whisper htk", whisper(htk=True), {"mel_scale": "htk"}),
    Case("whisper hop 200", whisper(hop=200), {"hop_length": 200}),
    Case("whisper f_max 7600", whisper(f_max=7600.0), {"f_max": 7600.0}),
    Case("whisper below 6 clean", whisper(below=6.0), {"dynamic_range": 6.0}, sound="clean"),
    Case("whisper shift", whisper(shift=5.0, scale=0.2), {"shift": 5.0, "scale": 0.2}),
    Case("whisper noise 512", whisper(n_fft=512), {"n_fft": 512, "win_length": 512}, sound="noise"),
    Case("whisper 128 f_min", whisper(n_mels=128, f_min=20.0), {"n_mels": 128, "f_min": 20.0}),
    Case("whisper half turned", half(turned(whisper(htk=True))), {"mel_scale": "htk"}),
    Case("whisper batched", batched(whisper(n_mels=64)), {"n_mels": 64}),
    Case("whisper 96 floor clean", whisper(n_mels=96, floor=1e-8), {"n_mels": 96}, sound="clean"),
    # torchaudio
    Case("torchaudio", ta(), {"hop_length": 200, "n_mels": 128, "log": None}),
    Case(
        "torchaudio slaney",
        ta(n_mels=80, norm="slaney", mel_scale="slaney", n_fft=512, hop_length=160),
        {"mel_scale": "slaney", "norm": "slaney", "n_fft": 512},
    ),
    Case("torchaudio db", ta("db", n_mels=64, n_fft=1024, hop_length=320), {"log": "db"}),
    Case(
        "torchaudio db 80",
        ta("db", top_db=80.0, n_mels=80, n_fft=400, hop_length=160),
        {"log": "db"},
        sound="clean",
    ),
    Case(
        "torchaudio ln +1e-6",
        ta("ln+", eps=1e-6, n_mels=80, n_fft=1024, hop_length=256, power=1.0),
        {"log": "ln", "log_floor": 1e-6, "power": 1},
    ),
    Case(
        "torchaudio ln 1e-5",
        ta(
            "ln",
            eps=1e-5,
            n_mels=80,
            n_fft=1024,
            hop_length=256,
            power=1.0,
            rate=22_050,
            f_max=8000.0,
        ),
        {"log_floor": 1e-5, "f_max": 8000.0},
        22_050,
    ),
    Case(
        "torchaudio ln +1e-3",
        ta(
            "ln+",
            eps=1e-3,
            n_mels=64,
            n_fft=512,
            win_length=400,
            hop_length=160,
            power=1.0,
            f_min=125.0,
            f_max=7500.0,
        ),
        {"log_floor": 1e-3, "log_floor_rule": "add", "f_min": 125.0, "f_max": 7500.0},
    ),
    Case(
        "torchaudio log1p",
        ta(
            "log1p",
            eps=1000.0,
            n_mels=128,
            n_fft=1024,
            hop_length=441,
            power=1.0,
            rate=22_050,
            f_min=30.0,
            f_max=11000.0,
            mel_scale="slaney",
        ),
        {"f_min": 30.0, "f_max": 11000.0, "log": "ln"},
        22_050,
    ),
    Case("torchaudio normalized", ta(n_mels=64, normalized=True), {"n_mels": 64}),
    Case(
        "torchaudio hamming",
        ta("ln", eps=1e-10, n_mels=40, window_fn=torch.hamming_window),
        {"window": "hamming"},
    ),
    Case(
        "torchaudio constant",
        ta(
            "ln",
            eps=1e-10,
            n_mels=40,
            pad_mode="constant",
            win_length=320,
            n_fft=512,
            hop_length=160,
        ),
        {"edge": "zeros", "win_length": 320},
    ),
    Case(
        "torchaudio not centred",
        ta("ln", eps=1e-9, n_mels=80, center=False, n_fft=1024, hop_length=256),
        {"offset": 0},
    ),
    Case("torchaudio mfcc", ta_mfcc(), {"dct.n_coefficients": 40}),
    Case(
        "torchaudio mfcc 13",
        ta_mfcc(n_mfcc=13, melkwargs={"n_fft": 512, "hop_length": 160, "n_mels": 40}),
        {"dct.n_coefficients": 13, "n_mels": 40, "hop_length": 160},
    ),
    Case(
        "torchaudio mfcc log",
        ta_mfcc(
            n_mfcc=20, log_mels=True, melkwargs={"n_fft": 400, "hop_length": 160, "n_mels": 64}
        ),
        {"dct.n_coefficients": 20, "log": "ln"},
    ),
    # Kaldi
    Case("kaldi 80", kaldi(num_mel_bins=80), {"n_mels": 80, "input_scale": 32768.0}),
    Case(
        "kaldi 40 hamming",
        kaldi(num_mel_bins=40, window_type="hamming"),
        {"n_mels": 40, "window": "hamming_symmetric"},
    ),
    Case("kaldi small", kaldi(1.0, num_mel_bins=80), {"input_scale": 1.0, "n_mels": 80}),
    Case(
        "kaldi hanning f",
        kaldi(num_mel_bins=64, window_type="hanning", low_freq=50.0, high_freq=7600.0),
        {"window": "hann_symmetric", "f_min": 50.0, "f_max": 7600.0},
    ),
    Case("kaldi 0.95", kaldi(num_mel_bins=80, preemphasis_coefficient=0.95), {"preemphasis": 0.95}),
    Case(
        "kaldi no dc no emphasis",
        kaldi(num_mel_bins=80, preemphasis_coefficient=0.0, remove_dc_offset=False),
        {"preemphasis": 0.0},
    ),
    Case("kaldi frame 20", kaldi(num_mel_bins=80, frame_length=20.0), {"win_length": 320}),
    Case("kaldi snip", kaldi(num_mel_bins=80, snip_edges=False), {"edge": "symmetric"}),
    Case("kaldi magnitude", kaldi(num_mel_bins=80, use_power=False), {"power": 1}),
    Case("kaldi no log", kaldi(num_mel_bins=80, use_log_fbank=False), {"log": None}),
    Case("kaldi cmn", normalised(kaldi(num_mel_bins=80), "mean", 0), {"statistics": "mean"}),
    Case("kaldi cmvn half", half(normalised(kaldi(num_mel_bins=80), "ddof0", 0)), {"n_mels": 80}),
    Case(
        "native 80 hann noise",
        kaldi_native(mel={"num_bins": 80, "high_freq": -400}, frame={"window_type": "hann"}),
        {"f_max": 7600.0},
        sound="noise",
    ),
    Case(
        "native 0.9 snip",
        kaldi_native(
            mel={"num_bins": 40}, frame={"preemph_coeff": 0.9, "snip_edges": False}, scale=1.0
        ),
        {"preemphasis": 0.9, "edge": "symmetric"},
    ),
    Case(
        "native mfcc",
        kaldi_native("mfcc", use_energy=False, num_ceps=13, mel={"num_bins": 23}),
        {"dct.n_coefficients": 13, "n_mels": 23},
    ),
    Case(
        "native mfcc 40",
        kaldi_native("mfcc", use_energy=False, num_ceps=40, mel={"num_bins": 40}),
        {"dct.n_coefficients": 40, "n_mels": 40},
    ),
    # formulas
    Case("hifigan", hifigan(), {"f_max": 8000.0, "offset": -384}, 22_050),
    Case(
        "hifigan 16k",
        hifigan(16_000, hop=200, win=800, n_fft=1024, f_max=7600.0, f_min=55.0),
        {"f_min": 55.0, "f_max": 7600.0, "hop_length": 200},
    ),
    Case(
        "hifigan 24k",
        hifigan(24_000, n_mels=100, f_max=12000.0, hop=300),
        {"n_mels": 100, "hop_length": 300},
        24_000,
    ),
    Case(
        "librosa ln std",
        normalised(
            lambda y: np.log(
                lr(n_fft=512, win_length=400, hop_length=160, n_mels=80)(y) + 2.0**-24
            ),
            "std",
        ),
        {"statistics": "std"},
    ),
    Case(
        "librosa emphasised",
        emphasised(
            lambda y: np.log10(
                np.maximum(lr(n_fft=800, hop_length=200, n_mels=80, fmin=55, fmax=7600)(y), 1e-10)
            ),
            0.97,
        ),
        {"preemphasis": 0.97, "log": "log10"},
    ),
    Case(
        "global mean std",
        normalised(
            lambda y: np.log(lr(n_fft=512, hop_length=160, n_mels=64)(y) + 1e-6), "ddof0", None
        ),
        {"n_mels": 64},
    ),
    Case(
        "ast affine",
        lambda y: (
            (kaldi(1.0, num_mel_bins=128, window_type="hanning")(y) + 4.2677393) / (2 * 4.5689974)
        ),
        {"shift": 4.2677393, "n_mels": 128},
    ),
    Case(
        "librosa ln 44k",
        lambda y: np.log(
            np.maximum(lr(44_100, n_fft=2048, hop_length=441, n_mels=128, fmax=16000)(y), 1e-7)
        ),
        {"f_max": 16000.0, "hop_length": 441},
        44_100,
    ),
    # What no chain says: it must not be called exact.
    Case("power 1.5", lr(power=1.5, n_mels=64), {}, is_exact=False),
    Case("kaldi energy", kaldi(num_mel_bins=40, use_energy=True), {}, is_exact=False),
    Case(
        "kaldi dither",
        lambda y: torchaudio.compliance.kaldi.fbank(
            torch.from_numpy(y)[None] * 32768, num_mel_bins=80, dither=1.0
        ).numpy(),
        {},
        is_exact=False,
    ),
    Case(
        "smoothed",
        lambda y: np.log(
            lr(n_fft=400, hop_length=160, n_mels=80)(y)[:, 1:]
            + lr(n_fft=400, hop_length=160, n_mels=80)(y)[:, :-1]
            + 1e-6
        ),
        {},
        is_exact=False,
    ),
)


@dataclass
class Outcome:
    """What was said of a case."""

    case: Case
    seconds: float
    is_same: bool
    missed: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """ "exact", "nearest", "wrong" where another is called exact."""
        if not self.case.is_exact:
            return "wrong" if self.is_same else "exact"
        if self.is_same:
            return "exact" if not self.missed else "wrong"
        return "nearest"


def outcome(case: Case, seed: int, longest_s: float = 40.0) -> Outcome:
    """Make the features of a fresh sound and identify them, within a number of seconds."""
    from visualizer.tools.identify.search import identify

    generator = np.random.default_rng([seed, sum(case.name.encode())])
    samples = SOUNDS[case.sound](case.rate, generator)
    features = np.asarray(case.make(samples))
    began = time.process_time()
    found = identify(features, samples, case.rate, longest_s=longest_s)
    seconds = time.process_time() - began
    told = found.to_dict()["front_end"]
    missed = {
        name: told.get(name)
        for name, value in case.fields.items()
        if name not in found.undecided and not _equal(told.get(name), value)
    }
    return Outcome(case, seconds, found.is_same, missed, found.sentences())


def _equal(told: Any, value: Any) -> bool:
    if isinstance(value, float) and isinstance(told, float | int):
        return bool(np.isclose(told, value, rtol=1e-6))
    return bool(told == value)


def main(words: list[str]) -> None:
    torch.set_num_threads(1)
    seed = int(np.random.SeedSequence().generate_state(1)[0] % 10_000)
    if words and words[0].isdecimal():
        seed, words = int(words[0]), words[1:]
    print("seed", seed)
    outcomes = []
    for case in CASES:
        if words and not any(word in case.name for word in words):
            continue
        try:
            done = outcome(case, seed)
        except Exception as error:
            import traceback

            traceback.print_exc()
            done = Outcome(case, 0.0, False, {"error": repr(error)})
        outcomes.append(done)
        print(f"{done.kind:8} {done.seconds:5.1f} s  {case.name}  {done.missed or ''}", flush=True)
        if done.kind != "exact" or len(words) > 0:
            for line in done.lines:
                print("            ", line)
    for kind in ("exact", "nearest", "wrong"):
        print(kind, sum(o.kind == kind for o in outcomes), "of", len(outcomes))
    seconds = [o.seconds for o in outcomes]
    print(f"seconds: mean {np.mean(seconds):.1f}, most {max(seconds):.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
