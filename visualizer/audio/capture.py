"""Which sound to open, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from visualizer.errors import among, is_number, is_whole, require
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import GAIN_LIMIT_DB, SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ

SourceKind = Literal["mic", "demo", "file", "pipe"]
"""pipe: standard input"""
SampleFormat = Literal[
    "u8", "s16", "s24", "s24in32", "s32", "f32", "f64", "s16be", "s24be", "s32be", "f32be"
]
"""of raw PCM, little-endian unless it ends in "be": unsigned, signed or floating-point, and the
bits; s24in32 are 24 bits in the lower three of four bytes"""

SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
SAMPLE_FORMATS: tuple[SampleFormat, ...] = get_args(SampleFormat)

SOURCE_CHANNELS_MAX = 128
"""Of a source."""


class OfKind:
    """What follows from the kind of a source: of one that is asked for, or of one that is open."""

    kind: SourceKind

    @property
    def is_live(self) -> bool:
        """Whether a device delivers it: in real time, and it may be lost and come back."""
        return self.kind == "mic"

    @property
    def can_wait(self) -> bool:
        """Whether nothing is lost while it is not read."""
        return not self.is_live


@dataclass(frozen=True)
class CaptureConfig(OfKind):
    """Which sound to open. None means "the source's own choice"."""

    kind: SourceKind
    device: str | None = None
    """microphone: PortAudio index, name or part of a name, or the sound server's name of it"""
    host_api: str | None = None
    """microphone: with it, `device` is the exact name under that host API"""
    path: str | None = None
    """file"""
    sample_rate: int | None = None
    """Hz"""
    channels: int | None = None
    least_channels: int = field(default=1, compare=False)
    """microphone: how many at least, where no channels are asked for and the device has them"""
    feeds: FrontEnd | str | None = field(default=None, compare=False, repr=False)
    """microphone: the front-end that it is for, or the preset; its blocks are to end with hops"""
    loop: bool = False
    """file: start again at its end"""
    sample_format: SampleFormat | None = None
    """pipe: of raw PCM, which needs a sample_rate too; None: it is a file of any kind"""
    gain_db: float = 0.0
    """applied to the samples before everything else"""

    def __post_init__(self) -> None:
        for name in ("device", "host_api", "path"):
            value = getattr(self, name)
            require(value is None or isinstance(value, str), name, value, "null or a text")
        for name, low, high in (
            ("sample_rate", SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ),
            ("channels", 1, SOURCE_CHANNELS_MAX),
            ("least_channels", 1, 1 << 20),
        ):
            value = getattr(self, name)
            fits = value is None or is_whole(value, low, high)
            require(fits, name, value, f"from {low} to {high}")
        require(isinstance(self.loop, bool), "loop", self.loop, "true or false")
        fits = self.feeds is None or isinstance(self.feeds, FrontEnd | str)
        require(fits, "feeds", self.feeds, "a front-end, the name of one or None")
        fits = is_number(self.gain_db, -GAIN_LIMIT_DB, GAIN_LIMIT_DB)
        limits = f"a number of dB from {-GAIN_LIMIT_DB:g} to {GAIN_LIMIT_DB:g}"
        require(fits, "gain_db", self.gain_db, limits)
        require(self.kind in SOURCE_KINDS, "source", self.kind, f"one of {SOURCE_KINDS}")
        require(self.kind != "file" or bool(self.path), "file", self.path, "the path of a file")
        # Of raw PCM nothing but the options tell the rate and the format.
        is_raw = self.kind == "pipe" and (self.sample_format, self.sample_rate) != (None, None)
        formats = SAMPLE_FORMATS if is_raw else (None, *SAMPLE_FORMATS)
        limits = among(SampleFormat)
        require(self.sample_format in formats, "sample_format", self.sample_format, limits)
        rate_fits = not is_raw or self.sample_rate is not None
        require(rate_fits, "sample_rate", None, "given in Hz: raw PCM does not tell it")
