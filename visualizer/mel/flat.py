"""A front-end as flat fields: what presets, JSON files and recordings hold."""

from __future__ import annotations

import difflib
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, get_args

from visualizer.errors import ConfigError, among, is_number, is_whole, quoted, require
from visualizer.mel.limits import (
    LEAST_FLOOR,
    MAX_BANDS,
    MAX_SAMPLES,
    MAX_WEIGHTS,
    RATE_LIMITS,
    SAMPLE_RATE_MAX_HZ,
    SAMPLE_RATE_MIN_HZ,
)

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

_LEAST_WIDTH_HZ = 1e-3
"""Of a filter on average: what is much narrower has no width in floating point."""

_LONGEST_NAME = 100


def checked_config(value: object) -> MelConfig:
    """Raises ConfigError where it is no MelConfig, such as the name of one."""
    if not isinstance(value, MelConfig):
        raise ConfigError(f"config is {quoted(value)}; it must be a MelConfig, see preset()")
    return value


def _optional(value: object, low: float) -> bool:
    return value is None or is_number(value, low)


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
                RATE_LIMITS,
                is_whole(self.sample_rate, SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ),
            ),
            ("win_length", f"from 2 to {MAX_SAMPLES} samples", is_whole(self.win_length, 2)),
            (
                "n_fft",
                f"from win_length ({quoted(self.win_length)}) to {MAX_SAMPLES}",
                is_whole(self.n_fft, 2) and is_whole(self.win_length, 2, self.n_fft),
            ),
            ("hop_length", f"from 1 to {MAX_SAMPLES} samples", is_whole(self.hop_length, 1)),
            (
                "offset",
                f"from 1 - win_length ({quoted(self.win_length)}) to 0, so that frame 0 holds a "
                "sample",
                is_whole(self.win_length, 2) and is_whole(self.offset, 1 - self.win_length, 0),
            ),
            (
                "count",
                "'fit' where hop_length is so much longer than the window",
                self.count not in ("per_hop", "nearest")
                or not all(is_whole(n, -MAX_SAMPLES) for n in (self.hop_length, self.offset))
                or not is_whole(self.win_length, 2)
                or self.offset + self.win_length
                >= self.hop_length - (self.hop_length // 2 if self.count == "nearest" else 0),
            ),
            ("power", "1 or 2", self.power in (1, 2)),
            ("n_mels", f"from 1 to {MAX_BANDS}", is_whole(self.n_mels, 1, MAX_BANDS)),
            (
                "n_mels",
                f"up to {MAX_WEIGHTS} divided by n_fft",
                not is_whole(self.n_fft, 2)
                or not is_whole(self.n_mels, 1)
                or self.n_fft * self.n_mels <= MAX_WEIGHTS,
            ),
            ("f_max", "above 0 and up to 1e6 Hz", is_number(self.f_max, 1e-6, 1e6)),
            (
                "f_min",
                f"from 0 to below f_max ({quoted(self.f_max)}) Hz",
                is_number(self.f_min, 0.0) and is_number(self.f_max, self.f_min + 1e-6),
            ),
            (
                "f_max",
                f"above f_min ({quoted(self.f_min)} Hz) by n_mels times {_LEAST_WIDTH_HZ:g} Hz or "
                "more",
                not is_number(self.f_min, 0.0)
                or not is_whole(self.n_mels, 1, MAX_BANDS)
                or is_number(self.f_max, self.f_min + self.n_mels * _LEAST_WIDTH_HZ),
            ),
            ("mel_scale", among(MelScale), self.mel_scale in get_args(MelScale)),
            ("norm", "'slaney' or null", self.norm in ("slaney", None)),
            ("window", among(Window), self.window in get_args(Window)),
            ("edge", among(Edge), self.edge in get_args(Edge)),
            ("count", among(Count), self.count in get_args(Count)),
            ("input_scale", "above 0", is_number(self.input_scale, 1e-12)),
            ("remove_dc", "true or false", isinstance(self.remove_dc, bool)),
            ("preemphasis", "from 0 to 1", is_number(self.preemphasis, 0.0, 1.0)),
            (
                "preemphasis_scope",
                among(PreemphasisScope),
                self.preemphasis_scope in get_args(PreemphasisScope),
            ),
            ("epsilon", "from 0 to 1", is_number(self.epsilon, 0.0, 1.0)),
            ("epsilon_rule", among(FloorRule), self.epsilon_rule in get_args(FloorRule)),
            ("triangles", among(Triangles), self.triangles in get_args(Triangles)),
            ("slopes", among(Slopes), self.slopes in get_args(Slopes)),
            ("log", f"null or {among(Log)}", self.log in (None, *get_args(Log))),
            (
                "log_floor",
                f"{LEAST_FLOOR:g} or more where there is a logarithm",
                is_number(self.log_floor, 0.0)
                and (self.log is None or self.log_floor >= LEAST_FLOOR),
            ),
            ("log_floor_rule", among(FloorRule), self.log_floor_rule in get_args(FloorRule)),
            ("dynamic_range", "null or above 0", _optional(self.dynamic_range, 1e-9)),
            ("reference_max", "null or a number", _optional(self.reference_max, -1e9)),
            (
                "statistics",
                f"null or {among(Statistics)}",
                self.statistics in (None, *get_args(Statistics)),
            ),
            (
                "statistics_epsilon",
                "from 0 to 1, and 1e-12 or more where there are statistics",
                is_number(self.statistics_epsilon, 1e-12 if self.statistics else 0.0, 1.0),
            ),
            ("shift", "a number", is_number(self.shift, -1e9)),
            ("scale", "a number", is_number(self.scale, -1e9)),
            ("clip", "null or above 0", _optional(self.clip, 1e-9)),
            ("stack", "from 1 to 64", is_whole(self.stack, 1, 64)),
            (
                "fixed_columns",
                "null or from 1 to 1000000",
                self.fixed_columns is None or is_whole(self.fixed_columns, 1, 1_000_000),
            ),
        ):
            require(fits, field, getattr(self, field), limits)

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
