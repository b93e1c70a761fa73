"""Named front-ends: their chains, and where each number comes from.

Those of a fixed sample rate are data, in presets.json; those that work at any are functions here.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from visualizer.errors import ConfigError, quoted
from visualizer.mel.flat import MelConfig, flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import checked_sample_rate
from visualizer.mel.stages.bins import Bins
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Window

Group = Literal[
    "speech recognition", "synthesis", "speakers", "tagging", "music", "wildlife", "libraries"
]
"""what the model does, or that the numbers are a library's own"""
GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True)
class Preset:
    """A named front-end."""

    name: str
    group: Group
    """which of them are listed together"""
    summary: str
    source: str
    """where the numbers come from"""
    sample_rate: int
    """Hz, that the source itself uses or assumes"""
    make: Callable[[int], FrontEnd]
    """makes the front-end at a sample rate in Hz"""
    any_rate: bool
    """whether the source works at any; else `make` is only for `sample_rate`"""

    @cached_property
    def front_end(self) -> FrontEnd:
        """At the source's own rate."""
        return self.make(self.sample_rate)


def _article(sample_rate: int) -> FrontEnd:
    win_length = int(0.05 * sample_rate)
    frames = Frames(win_length, int(0.0125 * sample_rate), -(win_length // 2))
    mel = Mel(80, 55.0, 7600.0, "htk", "slaney")
    return FrontEnd("simli", sample_rate, (frames, Window(), Spectrum(win_length, power=1), mel))


def _article_librosa(sample_rate: int) -> FrontEnd:
    frames, window, spectrum, _ = _article(sample_rate).stages
    assert isinstance(spectrum, Spectrum)
    stages = (frames, window, Spectrum(spectrum.n_fft, power=2))
    mel = Mel(80, 55.0, 7600.0, "slaney", "slaney")
    return FrontEnd("simli-librosa", sample_rate, (*stages, mel))


def _librosa(sample_rate: int) -> FrontEnd:
    mel = Mel(128, 0.0, sample_rate / 2, "slaney", "slaney")
    stages = (Frames(2048, 512, -1024), Window(), Spectrum(2048, power=2), mel)
    return FrontEnd("librosa", sample_rate, stages)


def _full_band(sample_rate: int) -> FrontEnd:
    n_fft = 2 ** round(math.log2(0.025 * sample_rate))
    # The article's hop, so that the two align in time.
    frames = Frames(n_fft, int(0.0125 * sample_rate), -(n_fft // 2))
    # Without 0 Hz and half the rate.
    stages = (frames, Window(), Spectrum(n_fft, power=2), Bins(1, n_fft // 2 - 1))
    return FrontEnd("full-band", sample_rate, stages)


_ANY_RATE = (
    Preset(
        "simli",
        "synthesis",
        "50 ms window, 12.5 ms hop, 80 mels, magnitude, HTK scale with Slaney norm",
        "Simli's article on mel spectrograms in torch: torch.stft with a Hann window "
        "and torchaudio's melscale_fbanks(norm='slaney'), zeros at the edge",
        16_000,
        _article,
        any_rate=True,
    ),
    Preset(
        "simli-librosa",
        "synthesis",
        "the same article's librosa call: power, Slaney scale and norm",
        "librosa.feature.melspectrogram with the article's window, hop and mel range",
        16_000,
        _article_librosa,
        any_rate=True,
    ),
    Preset(
        "librosa",
        "libraries",
        "librosa's defaults: 2048 points, hop 512, 128 mels up to half the rate",
        "librosa.feature.melspectrogram without arguments",
        22_050,
        _librosa,
        any_rate=True,
    ),
    Preset(
        "full-band",
        "libraries",
        "all bins of a plain spectrogram; no model's front-end: what the mel filters merge",
        "the power of a Hann window's discrete Fourier transform, |rfft|², 25 ms or nearly",
        16_000,
        _full_band,
        any_rate=True,
    ),
)


def _fixed(row: dict[str, Any]) -> Preset:
    chain = {name: row[name] for name in ("name", "sample_rate", "stages")}
    about = row["name"], row["group"], row["summary"], row["source"], row["sample_rate"]
    return Preset(*about, lambda _: FrontEnd.from_dict(chain), any_rate=False)


_FIXED = json.loads(Path(__file__).with_name("presets.json").read_text("utf-8"))
PRESETS: dict[str, Preset] = {p.name: p for p in (*_ANY_RATE, *map(_fixed, _FIXED))}


def preset(name: str, sample_rate: int | None = None) -> MelConfig | FrontEnd:
    """Return a named front-end, at a sample rate where it works at any.

    Args:
        name: as `visualizer presets` lists it.
        sample_rate: in Hz; None is the rate that the model uses.

    Returns:
        The flat form, of which `dataclasses.replace` makes others, or, where the front-end has
        none, the chain. Either goes wherever a front-end is expected.

    Raises:
        ConfigError: for an unknown name, naming the nearest ones, and for a rate at which the
            front-end does not work.

    >>> preset("whisper-80").hop_length
    160
    >>> preset("simli", 48_000).hop_length
    600
    """
    front_end = of_rate(preset_for(name, sample_rate), sample_rate)
    return flat_form(front_end) or front_end


def of_rate(front_end: FrontEnd, sample_rate: int | None) -> FrontEnd:
    """Return the front-end, which is to work at a rate in Hz, or, with None, at its own.

    Raises:
        ConfigError: where it works at another.
    """
    if sample_rate is not None and front_end.sample_rate != sample_rate:
        raise ConfigError(
            f"{front_end.name} works at {front_end.sample_rate} Hz, not at {quoted(sample_rate)}",
            "leave the rate out, and resample the sound, as MelStream does by itself",
        )
    return front_end


def preset_for(name: str, sample_rate: int | None = None) -> FrontEnd:
    """Return a named front-end for sound of `sample_rate` (Hz).

    Those that work at one rate only come at that, to which the sound then has to be resampled.

    Raises:
        ConfigError: for an unknown name, naming the nearest ones.
    """
    if not isinstance(name, str):
        raise ConfigError(f"preset is {quoted(name)}", "it must be a name, such as 'whisper-80'")
    if name not in PRESETS:
        near = difflib.get_close_matches(name[:100], PRESETS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(PRESETS)}."
        raise ConfigError(
            f"unknown preset {quoted(name)}",
            f"{hint} `visualizer presets` says what they are",
        )
    chosen = PRESETS[name]
    rate = None if sample_rate is None else checked_sample_rate(sample_rate)
    return chosen.make(rate) if chosen.any_rate and rate is not None else chosen.front_end
