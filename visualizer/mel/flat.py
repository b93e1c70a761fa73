"""The flat form of a front-end, which JSON files, recordings and saved scripts hold.

`MelConfig` has a field for each number of the usual stages. Chains are read from it and, where one
has a flat form, written in it; this module does both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal

from visualizer.errors import ConfigError, FieldError, quoted, require
from visualizer.mel.front_end import FrontEnd, check_names
from visualizer.mel.scales import FrequencyScale
from visualizer.mel.stage import Stage
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.fixed_columns import FixedColumns
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.frames import Count, Edge, Frames
from visualizer.mel.stages.log import Kind as LogKind
from visualizer.mel.stages.log import Log
from visualizer.mel.stages.mel import Mel, Norm, Slopes, Triangles
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import FloorRule, Power, Spectrum
from visualizer.mel.stages.stack import Stack
from visualizer.mel.stages.statistics import Kind as StatisticsKind
from visualizer.mel.stages.statistics import Statistics
from visualizer.mel.stages.window import Kind as WindowKind
from visualizer.mel.stages.window import Window

PreemphasisScope = Literal["signal", "frame"]


@dataclass(frozen=True)
class MelConfig:
    """A front-end of the usual stages, as flat fields; `front_end` is the chain.

    Frame t covers the samples [t·hop_length + offset, t·hop_length + offset + win_length). It is
    scaled, freed of its mean, pre-emphasised and windowed as the fields say, transformed over
    n_fft points, and the magnitudes or powers of its spectrum are summed by triangular filters.
    Then come the logarithm and the model's normalisation. The stages (`visualizer.mel.stages`) say
    more of each field.

    Raises:
        ConfigError: naming the field and its limits.

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
    power: Power
    """1 sums magnitudes, 2 sums power"""
    n_mels: int
    f_min: float
    """Hz, lower edge of the first filter"""
    f_max: float
    """Hz, upper edge of the last filter; bands above sample_rate/2 stay empty"""
    mel_scale: FrequencyScale
    """"linear" takes hertz as they are"""
    norm: Norm | None
    """"slaney" divides each filter by half its width in Hz; None leaves its peak at 1"""
    window: WindowKind = "hann"
    """periodic, where its name says nothing else; "povey" is the symmetric Hann to the power of
    0.85"""
    edge: Edge = "zeros"
    """what stands for samples outside the signal"""
    count: Count = "fit"
    """how many columns N samples give"""
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
    log: LogKind | None = None
    """"db" is 10·log10, "db20" 20·log10"""
    log_floor: float = 0.0
    log_floor_rule: FloorRule = "max"
    """"max" raises smaller values to the floor, "add" adds it to all"""
    dynamic_range: float | None = None
    """values lower than the clip's maximum by more than this are raised to there"""
    reference_max: float | None = None
    """stands for the clip's maximum where the model fixes it"""
    statistics: StatisticsKind | None = None
    """per band over the clip (ddof 1); "mean" only subtracts it"""
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
        # Which checks every field.
        _ = self.front_end

    @cached_property
    def front_end(self) -> FrontEnd:
        """This front-end as a chain of stages."""
        scopes = ("signal", "frame")
        fits = self.preemphasis_scope in scopes
        require(fits, "preemphasis_scope", self.preemphasis_scope, "'signal' or 'frame'")
        require(isinstance(self.remove_dc, bool), "remove_dc", self.remove_dc, "true or false")
        in_signal = self.preemphasis_scope == "signal"
        stages = (
            self._stage(Preemphasis, self.preemphasis != 0.0 and in_signal),
            self._stage(Frames),
            self._stage(Scale, self.input_scale != 1.0),
            RemoveDC() if self.remove_dc else None,
            self._stage(FramePreemphasis, self.preemphasis != 0.0 and not in_signal),
            self._stage(Window),
            self._stage(Spectrum),
            self._stage(Mel),
            self._stage(Log, self.log is not None),
            self._stage(DynamicRange, self.dynamic_range is not None),
            self._stage(Statistics, self.statistics is not None),
            self._stage(Affine, (self.shift, self.scale) != (0.0, 1.0)),
            self._stage(Clip, self.clip is not None),
            self._stage(FixedColumns, self.fixed_columns is not None),
            self._stage(Stack, self.stack != 1),
        )
        chain = tuple(stage for stage in stages if stage is not None)
        return FrontEnd(self.name, self.sample_rate, chain)

    def _stage(self, kind: type[Stage], is_used: bool = True) -> Stage | None:
        """Return the stage of the fields that are its, or None; check them in any case."""
        names = NAMES[kind]
        values = {field: getattr(self, name) for field, name in names.items()}
        if not is_used:
            for field in fields(kind):
                name = names.get(field.name)
                if name is not None and values[field.name] != _DEFAULTS[name]:
                    limit = field.metadata["limit"]
                    require(limit.fits(values[field.name]), name, values[field.name], limit.text)
            return None
        if kind is FixedColumns:
            values["fill"] = self._fill()
        try:
            return kind(**values)
        except FieldError as error:
            name = names[error.field]
            may_be_none = _DEFAULTS.get(name, "") is None
            limits = f"null or {error.limits}" if may_be_none else error.limits
            raise FieldError(name, error.value, limits) from error

    def _fill(self) -> float:
        """Return what a zero before the shift becomes."""
        fill = (0.0 + self.shift) * self.scale
        return fill if self.clip is None else min(max(fill, -self.clip), self.clip)

    @property
    def n_freqs(self) -> int:
        """Bins of the one-sided spectrum; bin k lies at k·sample_rate/n_fft Hz."""
        return self.n_fft // 2 + 1

    @property
    def hop_s(self) -> float:
        """Seconds from a column to the next."""
        return self.front_end.hop_s

    @property
    def middle_s(self) -> float:
        """See FrontEnd.middle_s."""
        return self.front_end.middle_s

    @property
    def cell_start_s(self) -> float:
        """See FrontEnd.cell_start_s."""
        return self.front_end.cell_start_s

    @property
    def needs_whole_clip(self) -> bool:
        """Whether the model's own columns cannot be known before the clip has ended."""
        return self.front_end.needs_whole_clip

    def n_columns(self, n_samples: int) -> int:
        """Return how many columns a clip gives before `stack` and `fixed_columns`.

        Args:
            n_samples: of the clip, at `sample_rate`.
        """
        return self.front_end.n_columns(n_samples)

    def to_dict(self) -> dict[str, Any]:
        """Return the whole config as plain JSON values; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> MelConfig:
        """Return the config of a JSON object.

        Args:
            values: the fields by name, as `to_dict` returned them or a user wrote them.

        Raises:
            ConfigError: naming the field.
        """
        if not isinstance(values, dict):
            raise ConfigError('a front-end is a JSON object of fields, such as {"n_fft": 400, …}')
        check_names(values, cls, "a front-end", skip=())
        return cls(**values)


NAMES: dict[type[Stage], dict[str, str]] = {
    Preemphasis: {"coefficient": "preemphasis"},
    Frames: {name: name for name in ("win_length", "hop_length", "offset", "edge", "count")},
    Scale: {"factor": "input_scale"},
    FramePreemphasis: {"coefficient": "preemphasis"},
    Window: {"kind": "window"},
    Spectrum: {name: name for name in ("n_fft", "power", "epsilon", "epsilon_rule")},
    Mel: {
        name: name
        for name in ("n_mels", "f_min", "f_max", "mel_scale", "norm", "triangles", "slopes")
    },
    Log: {"kind": "log", "floor": "log_floor", "floor_rule": "log_floor_rule"},
    DynamicRange: {"below": "dynamic_range", "reference_max": "reference_max"},
    Statistics: {"kind": "statistics", "epsilon": "statistics_epsilon"},
    Affine: {"shift": "shift", "scale": "scale"},
    Clip: {"limit": "clip"},
    FixedColumns: {"n_columns": "fixed_columns"},
    Stack: {"n": "stack"},
}
"""The fields of a stage, and what they are called in the flat form."""

_DEFAULTS = {field.name: field.default for field in fields(MelConfig)}


def flat_form(front_end: FrontEnd) -> MelConfig | None:
    """Return the flat form of a chain, or None where it has none."""
    values: dict[str, Any] = {"name": front_end.name, "sample_rate": front_end.sample_rate}
    for stage in front_end.stages:
        if isinstance(stage, RemoveDC):
            values["remove_dc"] = True
        elif type(stage) not in NAMES:
            return None
        if isinstance(stage, FramePreemphasis):
            values["preemphasis_scope"] = "frame"
        names = NAMES.get(type(stage), {})
        values |= {name: getattr(stage, field) for field, name in names.items()}
    try:
        config = MelConfig(**values)
    except (TypeError, ConfigError):
        return None
    # In another order, or with two of a kind, it would say something else.
    return config if config.front_end == front_end else None


def written(front_end: FrontEnd) -> dict[str, Any]:
    """Return what files hold of a front-end: its flat form where it has one, else the chain."""
    flat = flat_form(front_end)
    return front_end.to_dict() if flat is None else flat.to_dict()


def read(values: Any) -> FrontEnd:
    """Read a front-end, flat or as a chain.

    Raises:
        ConfigError: naming what is wrong.
    """
    if isinstance(values, dict) and "stages" in values:
        return FrontEnd.from_dict(values)
    return MelConfig.from_dict(values).front_end


def as_front_end(value: object) -> FrontEnd:
    """Return the chain of what a user gives as a front-end.

    Raises:
        ConfigError: for what is neither a FrontEnd nor a MelConfig, such as the name of one.
    """
    if isinstance(value, MelConfig):
        return value.front_end
    if isinstance(value, FrontEnd):
        return value
    raise ConfigError(
        f"the front-end is {quoted(value)}", "it must be a FrontEnd or a MelConfig, see front_end()"
    )
