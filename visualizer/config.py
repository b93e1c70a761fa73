"""Settings as whole, frozen values, checked when they are made."""

from __future__ import annotations

import difflib
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, SupportsIndex, get_args

from visualizer.errors import ConfigError, quoted

MelScale = Literal["htk", "slaney", "linear"]
Norm = Literal["slaney"]
Window = Literal["hann", "hann_symmetric", "hamming", "povey"]
Edge = Literal["zeros", "reflect", "symmetric"]
Count = Literal["fit", "per_hop", "nearest"]
PreemphasisScope = Literal["signal", "frame"]
FloorRule = Literal["max", "add"]
Triangles = Literal["hz", "mel"]
Slopes = Literal["own", "lower"]
Log = Literal["ln", "log10", "db", "db20"]
Statistics = Literal["std", "variance"]
Theme = Literal["system", "dark", "light"]
"""of the window; "system" follows the desktop's colour scheme"""
Compute = Literal["auto", "cpu", "cuda", "mps"]
SourceKind = Literal["mic", "demo", "file", "pipe"]
"""pipe: standard input, raw PCM"""
SampleFormat = Literal["u8", "s16", "s24", "s32", "f32", "f64"]
"""of raw PCM, little-endian: unsigned, signed or floating-point, and the bits"""
Unit = Literal["model", "db"]
"""of the picture's values: what the model gets, or dB re a sine of full scale"""

Channel = int | Literal["each"] | None

COMPUTE_CHOICES: tuple[Compute, ...] = get_args(Compute)
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
SAMPLE_FORMATS: tuple[SampleFormat, ...] = get_args(SampleFormat)

SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ = 1_000, 768_000
"""From telephone sub-bands to ultrasound recorders; beyond lies a mistyped number."""

SOURCE_CHANNELS_MAX = 128
"""Of a source."""

MAX_CHANNELS = 8
"""So many are analysed side by side; those of a larger array that follow are left out."""

MAX_SAMPLES = 1 << 20
"""Of a window, a hop or a transform."""

MAX_BANDS = 4096

MAX_WEIGHTS = 1 << 26
"""Transform points times bands: as many as 4096 bands at 768 kHz take, and 256 MB."""

_LEAST_WIDTH_HZ = 1e-3
"""Of a filter on average: what is much narrower has no width in floating point."""

_LONGEST_NAME = 100

LEAST_FLOOR = 1e-37
"""Smaller numbers are 0 to float32, or nearly."""


_RATE_LIMITS = f"from {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz"


def _require(condition: bool, field: str, value: object, limits: str) -> None:
    if not condition:
        raise ConfigError(f"{field} is {quoted(value)}; it must be {limits}")


def checked_sample_rate(value: object) -> int:
    """A rate in Hz that sound can have, as an int: also 44100.0. Raises ConfigError."""
    rate = _index(value)
    fits = SAMPLE_RATE_MIN_HZ <= rate <= SAMPLE_RATE_MAX_HZ
    _require(fits, "sample_rate", value, _RATE_LIMITS)
    return rate


def checked_n_channels(value: object) -> int:
    """A number of channels, as an int. Raises ConfigError."""
    n_channels = _index(value)
    _require(n_channels >= 1, "n_channels", value, "1 or more")
    return n_channels


def checked_config(value: object) -> MelConfig:
    """Raises ConfigError where it is no MelConfig, such as the name of one."""
    if not isinstance(value, MelConfig):
        raise ConfigError(f"config is {quoted(value)}; it must be a MelConfig, see preset()")
    return value


def _index(value: object) -> int:
    """A whole number of any type, NumPy's included; 0 for what is none."""
    is_whole = isinstance(value, SupportsIndex) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole and not isinstance(value, bool) else 0  # type: ignore[call-overload]


def _whole(value: object, low: int, high: int = MAX_SAMPLES) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _number(value: object, low: float, high: float = 1e9) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _optional(value: object, low: float) -> bool:
    return value is None or _number(value, low)


def _among(choices: object) -> str:
    return " or ".join(repr(choice) for choice in get_args(choices))


@dataclass(frozen=True)
class MelConfig:
    """One mel front-end, as numbers: every model's is these fields.

    Frame t covers the samples [t·hop_length + offset, t·hop_length + offset + win_length). It is
    scaled, freed of its mean, pre-emphasised and windowed as the fields say, transformed over
    n_fft points, and the magnitudes or powers of its spectrum are summed by triangular filters.
    Then come the logarithm and what the model does to its level. Raises ConfigError, naming the
    field and its limits.

    >>> config = MelConfig.from_dict({
    ...     "name": "mine", "sample_rate": 16_000, "n_fft": 512, "win_length": 400,
    ...     "hop_length": 160, "offset": -200, "power": 2, "n_mels": 64, "f_min": 0.0,
    ...     "f_max": 8000.0, "mel_scale": "htk", "norm": None, "log": "ln", "log_floor": 1e-5,
    ... })
    >>> config.hop_s, config.n_columns(16_000)
    (0.01, 101)
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
    """samples; −win_length//2 puts the centre of frame t at sample t·hop_length"""
    power: Literal[1, 2]
    """1 sums magnitudes, 2 sums power"""
    n_mels: int
    f_min: float
    """Hz, lower edge of the first filter"""
    f_max: float
    """Hz, upper edge of the last filter; bands above sample_rate/2 stay empty"""
    mel_scale: MelScale
    """"linear" takes hertz as they are"""
    norm: Norm | None
    """"slaney" divides each filter by half its width in Hz; None leaves its peak at 1"""
    window: Window = "hann"
    """"hann" and "hamming" are periodic; "povey" is the symmetric Hann to the power of 0.85"""
    edge: Edge = "zeros"
    """what stands for samples outside the signal; "reflect" does not repeat the outermost one,
    "symmetric" does"""
    count: Count = "fit"
    """how many columns N samples give: "fit" as many as −offset samples on both sides allow,
    "per_hop" N//hop_length, "nearest" (N + hop_length//2)//hop_length"""
    input_scale: float = 1.0
    """what the samples, ±1.0 at full scale, are multiplied by"""
    remove_dc: bool = False
    """whether each frame's mean is subtracted from it"""
    preemphasis: float = 0.0
    """a in y[n] = x[n] − a·x[n − 1]"""
    preemphasis_scope: PreemphasisScope = "signal"
    """"signal": before framing, with x[−1] = 0; "frame": in each frame, with x[−1] = x[0]"""
    epsilon: float = 0.0
    """keeps the power of a bin from zero before its root"""
    epsilon_rule: FloorRule = "add"
    triangles: Triangles = "hz"
    """on which axis the filters are straight"""
    slopes: Slopes = "own"
    """"lower": the falling slope is as wide as the rising one"""
    log: Log | None = None
    """"db" is 10·log10, "db20" 20·log10"""
    log_floor: float = 0.0
    log_floor_rule: FloorRule = "max"
    """"max" raises smaller values to the floor, "add" adds it to all"""
    dynamic_range: float | None = None
    """values lower than the clip's maximum by more than this are raised to there"""
    reference_max: float | None = None
    """stands for the clip's maximum where the model fixes it"""
    statistics: Statistics | None = None
    """per band over the clip (ddof 1): "std" divides by std + statistics_epsilon, "variance" by
    the root of variance + statistics_epsilon, both after subtracting the mean"""
    statistics_epsilon: float = 0.0
    shift: float = 0.0
    """added, then…"""
    scale: float = 1.0
    """…multiplied by"""
    clip: float | None = None
    """the result is kept within ± this"""
    stack: int = 1
    """consecutive columns put on top of each other as one; what is left over is dropped"""
    fixed_columns: int | None = None
    """the clip is cut or, before the shift, filled with zeros to this many columns"""

    def __post_init__(self) -> None:
        for field, limits, fits in (
            (
                "name",
                f"a text of 1 to {_LONGEST_NAME} letters, on one line",
                isinstance(self.name, str)
                and 1 <= len(self.name) <= _LONGEST_NAME
                and self.name.isprintable(),
            ),
            (
                "sample_rate",
                _RATE_LIMITS,
                _whole(self.sample_rate, SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ),
            ),
            ("win_length", f"from 2 to {MAX_SAMPLES} samples", _whole(self.win_length, 2)),
            (
                "n_fft",
                f"from win_length ({quoted(self.win_length)}) to {MAX_SAMPLES}",
                _whole(self.n_fft, 2) and _whole(self.win_length, 2, self.n_fft),
            ),
            ("hop_length", f"from 1 to {MAX_SAMPLES} samples", _whole(self.hop_length, 1)),
            (
                "offset",
                f"from 1 - win_length ({quoted(self.win_length)}) to 0, so that frame 0 holds a "
                "sample",
                _whole(self.win_length, 2) and _whole(self.offset, 1 - self.win_length, 0),
            ),
            (
                "count",
                "'fit' where hop_length is so much longer than the window",
                self.count not in ("per_hop", "nearest")
                or not all(_whole(n, -MAX_SAMPLES) for n in (self.hop_length, self.offset))
                or not _whole(self.win_length, 2)
                or self.offset + self.win_length
                >= self.hop_length - (self.hop_length // 2 if self.count == "nearest" else 0),
            ),
            ("power", "1 or 2", self.power in (1, 2)),
            ("n_mels", f"from 1 to {MAX_BANDS}", _whole(self.n_mels, 1, MAX_BANDS)),
            (
                "n_mels",
                f"up to {MAX_WEIGHTS} divided by n_fft",
                not _whole(self.n_fft, 2)
                or not _whole(self.n_mels, 1)
                or self.n_fft * self.n_mels <= MAX_WEIGHTS,
            ),
            ("f_max", "above 0 and up to 1e6 Hz", _number(self.f_max, 1e-6, 1e6)),
            (
                "f_min",
                f"from 0 to below f_max ({quoted(self.f_max)}) Hz",
                _number(self.f_min, 0.0) and _number(self.f_max, self.f_min + 1e-6),
            ),
            (
                "f_max",
                f"above f_min ({quoted(self.f_min)} Hz) by n_mels times {_LEAST_WIDTH_HZ:g} Hz or "
                "more",
                not _number(self.f_min, 0.0)
                or not _whole(self.n_mels, 1, MAX_BANDS)
                or _number(self.f_max, self.f_min + self.n_mels * _LEAST_WIDTH_HZ),
            ),
            ("mel_scale", _among(MelScale), self.mel_scale in get_args(MelScale)),
            ("norm", "'slaney' or null", self.norm in ("slaney", None)),
            ("window", _among(Window), self.window in get_args(Window)),
            ("edge", _among(Edge), self.edge in get_args(Edge)),
            ("count", _among(Count), self.count in get_args(Count)),
            ("input_scale", "above 0", _number(self.input_scale, 1e-12)),
            ("remove_dc", "true or false", isinstance(self.remove_dc, bool)),
            ("preemphasis", "from 0 to 1", _number(self.preemphasis, 0.0, 1.0)),
            (
                "preemphasis_scope",
                _among(PreemphasisScope),
                self.preemphasis_scope in get_args(PreemphasisScope),
            ),
            ("epsilon", "from 0 to 1", _number(self.epsilon, 0.0, 1.0)),
            ("epsilon_rule", _among(FloorRule), self.epsilon_rule in get_args(FloorRule)),
            ("triangles", _among(Triangles), self.triangles in get_args(Triangles)),
            ("slopes", _among(Slopes), self.slopes in get_args(Slopes)),
            ("log", f"null or {_among(Log)}", self.log in (None, *get_args(Log))),
            (
                "log_floor",
                f"{LEAST_FLOOR:g} or more where there is a logarithm",
                _number(self.log_floor, 0.0)
                and (self.log is None or self.log_floor >= LEAST_FLOOR),
            ),
            ("log_floor_rule", _among(FloorRule), self.log_floor_rule in get_args(FloorRule)),
            ("dynamic_range", "null or above 0", _optional(self.dynamic_range, 1e-9)),
            ("reference_max", "null or a number", _optional(self.reference_max, -1e9)),
            (
                "statistics",
                f"null or {_among(Statistics)}",
                self.statistics in (None, *get_args(Statistics)),
            ),
            (
                "statistics_epsilon",
                "from 0 to 1, and 1e-12 or more where there are statistics",
                _number(self.statistics_epsilon, 1e-12 if self.statistics else 0.0, 1.0),
            ),
            ("shift", "a number", _number(self.shift, -1e9)),
            ("scale", "a number", _number(self.scale, -1e9)),
            ("clip", "null or above 0", _optional(self.clip, 1e-9)),
            ("stack", "from 1 to 64", _whole(self.stack, 1, 64)),
            (
                "fixed_columns",
                "null or from 1 to 1000000",
                self.fixed_columns is None or _whole(self.fixed_columns, 1, 1_000_000),
            ),
        ):
            _require(fits, field, getattr(self, field), limits)

    @property
    def n_freqs(self) -> int:
        """Bins of the one-sided spectrum; bin k lies at k·sample_rate/n_fft Hz."""
        return self.n_fft // 2 + 1

    @property
    def hop_s(self) -> float:
        return self.hop_length / self.sample_rate

    @property
    def middle_s(self) -> float:
        """The middle of column 0's window on the stream's clock; those of others follow by hops."""
        return (self.offset + self.win_length / 2) / self.sample_rate

    @property
    def cell_start_s(self) -> float:
        """Where column 0 begins on the stream's clock, each a hop long around its window's middle.

        So the columns of different front-ends lie where the sound was.
        """
        return self.middle_s - self.hop_s / 2

    @property
    def needs_whole_clip(self) -> bool:
        """Whether the model's own columns cannot be known before the clip has ended."""
        by_maximum = self.dynamic_range is not None and self.reference_max is None
        return by_maximum or self.statistics is not None

    def n_columns(self, n_samples: int) -> int:
        """How many columns a clip gives before `stack` and `fixed_columns`."""
        if self.count == "per_hop":
            return n_samples // self.hop_length
        if self.count == "nearest":
            return (n_samples + self.hop_length // 2) // self.hop_length
        if n_samples == 0 and self.edge != "zeros":
            return 0
        return max(0, 1 + (n_samples - 2 * self.offset - self.win_length) // self.hop_length)

    def to_dict(self) -> dict[str, Any]:
        """The whole config as plain JSON values; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> MelConfig:
        """Read what `to_dict` gave, or a user wrote. Raises ConfigError naming the field."""
        if not isinstance(values, dict):
            raise ConfigError('a front-end is a JSON object of fields, such as {"n_fft": 400, …}')
        known = {field.name: field for field in fields(cls)}
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(str(name)[:100], known, n=1, cutoff=0.4)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                if "front_end" in values:
                    hint = "give what is under 'front_end' alone"
                raise ConfigError(f"there is no field {quoted(name)} in a front-end; {hint}")
        lacking = [n for n, f in known.items() if f.default is MISSING and n not in values]
        if lacking:
            raise ConfigError(f"a front-end needs {', '.join(lacking)}")
        return cls(**values)


@dataclass(frozen=True)
class CaptureConfig:
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
    preferred_rate: int | None = None
    """Hz, microphone: taken where no sample_rate is asked for and the device can"""
    channels: int | None = None
    loop: bool = False
    """file: start again at its end"""
    sample_format: SampleFormat | None = None
    """pipe, which needs a sample_rate too"""

    def __post_init__(self) -> None:
        for field in ("device", "host_api", "path"):
            value = getattr(self, field)
            _require(value is None or isinstance(value, str), field, value, "null or a text")
        for field, low, high in (
            ("sample_rate", SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ),
            ("preferred_rate", SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ),
            ("channels", 1, SOURCE_CHANNELS_MAX),
        ):
            value = getattr(self, field)
            fits = value is None or _whole(value, low, high)
            _require(fits, field, value, f"from {low} to {high}")
        _require(isinstance(self.loop, bool), "loop", self.loop, "true or false")
        _require(self.kind in SOURCE_KINDS, "source", self.kind, f"one of {SOURCE_KINDS}")
        _require(self.kind != "file" or bool(self.path), "file", self.path, "the path of a file")
        formats = (None, *SAMPLE_FORMATS) if self.kind != "pipe" else SAMPLE_FORMATS
        limits = _among(SampleFormat)
        _require(self.sample_format in formats, "sample_format", self.sample_format, limits)
        rate_fits = self.kind != "pipe" or self.sample_rate is not None
        _require(rate_fits, "sample_rate", None, "given in Hz: a pipe does not tell it")


@dataclass(frozen=True)
class EngineConfig:
    """All that the engine needs to know to run."""

    capture: CaptureConfig
    preset: str = "simli"
    mel: MelConfig | None = None
    """a front-end of the user's own, instead of the preset"""
    channel: Channel = None
    """0-based; None takes the mean of all channels, "each" analyses each for itself"""
    compute: Compute = "auto"

    def __post_init__(self) -> None:
        _require(isinstance(self.preset, str), "preset", self.preset, "a name")
        channel_fits = self.channel in (None, "each") or _whole(self.channel, 0)
        _require(channel_fits, "channel", self.channel, "null, 'each' or from 0")
        _require(self.compute in COMPUTE_CHOICES, "compute", self.compute, _among(Compute))


SoundFormat = Literal["float32", "int16"]
"""of samples in a file; int16 rounds to 1/32768 of full scale and cuts what is beyond"""


@dataclass(frozen=True)
class RecordingConfig:
    """Where recordings go, and how."""

    folder: str | None = None
    """None: not chosen yet, so that nothing can be recorded"""
    sound_format: SoundFormat = "float32"

    def __post_init__(self) -> None:
        fits = self.folder is None or (isinstance(self.folder, str) and bool(self.folder))
        _require(fits, "folder", self.folder, "null or the path of a folder")
        formats = get_args(SoundFormat)
        _require(self.sound_format in formats, "format", self.sound_format, _among(SoundFormat))

    def require_folder(self) -> Path:
        """Raises ConfigError where it is not there."""
        folder = Path(self.folder or "")
        try:
            is_there = self.folder is not None and folder.is_dir()
        except OSError:
            is_there = False
        if not is_there:
            raise ConfigError(
                f"recordings cannot go to {quoted(self.folder)}; it must be a folder that is there"
            )
        return folder


SPANS_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""What the window offers, in seconds."""
COLOUR_MAPS = ("magma", "viridis", "inferno", "cividis", "turbo", "gray")
REVERSED = "_r"
"""at the end of a colour map's name: from its other end"""


@dataclass(frozen=True)
class DisplayConfig:
    """How the picture is shown."""

    span_s: float = 10.0
    colour_map: str = COLOUR_MAPS[0]
    unit: Unit | None = None
    """None: dB where the front-end takes no logarithm, else its own values"""
    clock_time: bool = False
    """the time axis has the time of day"""
    note_names: bool = False
    """the frequency axis has notes"""
    automatic_levels: bool = False
    """the range of colours follows the sound"""
    waveform: bool = False
    second: str | None = None
    """the front-end beside the first"""
    difference: bool = False
    """what the first shows less what the second shows is shown too"""
    theme: Theme = "system"

    def __post_init__(self) -> None:
        longest = max(SPANS_S)
        fits = _number(self.span_s, 0.1, longest)
        _require(fits, "span_s", self.span_s, f"from 0.1 to {longest:g} s")
        name = self.colour_map
        plain = name.removesuffix(REVERSED) if isinstance(name, str) else name
        limits = f"one of {COLOUR_MAPS}, with {REVERSED} at its end for the other direction"
        _require(plain in COLOUR_MAPS, "colour_map", self.colour_map, limits)
        _require(self.unit in (None, *get_args(Unit)), "unit", self.unit, f"null or {_among(Unit)}")
        for field in ("clock_time", "note_names", "automatic_levels", "waveform", "difference"):
            value = getattr(self, field)
            _require(isinstance(value, bool), field, value, "true or false")
        second_fits = self.second is None or isinstance(self.second, str)
        _require(second_fits, "second", self.second, "null or a name")
        _require(self.theme in get_args(Theme), "theme", self.theme, _among(Theme))
