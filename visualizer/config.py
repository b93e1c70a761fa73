"""Settings as whole, frozen values, checked when they are made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from visualizer.errors import ConfigError

MelScale = Literal["htk", "slaney"]
Norm = Literal["slaney"]
Compute = Literal["auto", "cpu", "cuda", "mps"]
SourceKind = Literal["mic", "demo", "file"]

COMPUTE_CHOICES: tuple[Compute, ...] = get_args(Compute)
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)

SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ = 1_000, 768_000
"""From telephone sub-bands to ultrasound recorders; beyond lies a mistyped number."""


def _require(condition: bool, field: str, value: object, limits: str) -> None:
    if not condition:
        raise ConfigError(f"{field} is {value!r}; it must be {limits}")


@dataclass(frozen=True)
class MelConfig:
    """One mel front-end at one sample rate, in torchaudio's spelling.

    Frame t covers the samples [t·hop_length + offset, t·hop_length + offset + win_length); what
    lies before the first or after the last sample counts as zeros. The frame is multiplied by a
    periodic Hann window, transformed over n_fft points, and its magnitudes, raised to `power`,
    are summed by triangular mel filters.
    """

    name: str
    sample_rate: int
    """Hz"""
    n_fft: int
    """points of the transform; the frame is zero-padded up to it"""
    win_length: int
    """samples"""
    hop_length: int
    """samples"""
    offset: int
    """samples; −n_fft//2 puts the centre of frame t at sample t·hop_length"""
    power: Literal[1, 2]
    """1 sums magnitudes, 2 sums power"""
    n_mels: int
    f_min: float
    """Hz, lower edge of the first filter"""
    f_max: float
    """Hz, upper edge of the last filter; bands above sample_rate/2 stay empty"""
    mel_scale: MelScale
    norm: Norm | None
    """"slaney" divides each filter by half its width in Hz; None leaves its peak at 1"""

    def __post_init__(self) -> None:
        rate_limits = f"from {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz"
        rate_ok = SAMPLE_RATE_MIN_HZ <= self.sample_rate <= SAMPLE_RATE_MAX_HZ
        _require(rate_ok, "sample_rate", self.sample_rate, rate_limits)
        _require(self.win_length >= 2, "win_length", self.win_length, "at least 2 samples")
        _require(
            self.win_length <= self.n_fft <= 1 << 20,
            "n_fft",
            self.n_fft,
            f"from win_length ({self.win_length}) to {1 << 20}",
        )
        _require(self.hop_length >= 1, "hop_length", self.hop_length, "at least 1 sample")
        _require(
            -self.win_length < self.offset <= 0,
            "offset",
            self.offset,
            f"from {1 - self.win_length} to 0, so that frame 0 holds the first sample",
        )
        _require(self.power in (1, 2), "power", self.power, "1 or 2")
        _require(1 <= self.n_mels <= 4096, "n_mels", self.n_mels, "from 1 to 4096")
        _require(0 <= self.f_min < self.f_max, "f_min", self.f_min, f"from 0 to {self.f_max} Hz")
        mel_scales = get_args(MelScale)
        _require(self.mel_scale in mel_scales, "mel_scale", self.mel_scale, f"in {mel_scales}")
        _require(self.norm in ("slaney", None), "norm", self.norm, "'slaney' or null")

    @property
    def n_freqs(self) -> int:
        """Bins of the one-sided spectrum; bin k lies at k·sample_rate/n_fft Hz."""
        return self.n_fft // 2 + 1

    @property
    def hop_s(self) -> float:
        return self.hop_length / self.sample_rate

    def to_dict(self) -> dict[str, Any]:
        """The whole config as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class CaptureConfig:
    """Which sound to open. None means "the source's own choice"."""

    kind: SourceKind
    device: str | None = None
    """microphone: PortAudio index, name or part of a name"""
    host_api: str | None = None
    """microphone: with it, `device` is the exact name under that host API"""
    path: str | None = None
    """file"""
    sample_rate: int | None = None
    """Hz"""
    channels: int | None = None
    loop: bool = False
    """file: start again at its end"""

    def __post_init__(self) -> None:
        _require(self.kind in SOURCE_KINDS, "source", self.kind, f"one of {SOURCE_KINDS}")
        if self.sample_rate is not None:
            _require(
                SAMPLE_RATE_MIN_HZ <= self.sample_rate <= SAMPLE_RATE_MAX_HZ,
                "sample rate",
                self.sample_rate,
                f"from {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz",
            )
        if self.channels is not None:
            _require(1 <= self.channels <= 128, "channels", self.channels, "from 1 to 128")
        _require(self.kind != "file" or bool(self.path), "file", self.path, "the path of a file")


@dataclass(frozen=True)
class EngineConfig:
    """All that the engine needs to know to run."""

    capture: CaptureConfig
    preset: str = "simli"
    channel: int | None = None
    """0-based; None takes the mean of all channels"""
    compute: Compute = "auto"
