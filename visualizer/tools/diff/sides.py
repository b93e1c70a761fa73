"""What can be set against each other: front-ends, kernels, recordings, features, your own code.

An operand says what is wanted; `obtain` makes a Side of it, with its columns.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel
from visualizer.audio.reader import SUFFIXES, SoundReader
from visualizer.errors import CodeError, ConfigError, VisualizerError, one_line, quoted
from visualizer.export.archive import CLIP, FORMATS, STREAMING, opened_archive
from visualizer.export.offline import opened_mono
from visualizer.mel.clip import finished_columns
from visualizer.mel.compute import has_cuda
from visualizer.mel.flat import read
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import HostKernel
from visualizer.mel.picture import has_db
from visualizer.mel.presets import PRESETS
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.whole import reference_columns
from visualizer.tools.diff.own_code import OwnCode, Python, call, own_code

KernelName = Literal["numpy", "eager", "compiled", "cuda-graph", "reference"]
"""of a front-end; the reference is the float64 one"""
KERNELS: tuple[KernelName, ...] = get_args(KernelName)
Values = NDArray[np.float16] | NDArray[np.float32] | NDArray[np.float64]

DEMO = "demo"
NUMPY: KernelName = "numpy"
_FEATURES = tuple(f".{form}" for form in FORMATS)
_MODELS = (".json", ".yaml", ".yml", ".nemo", ".onnx")
_MOST_MISSING = 1_000_000
"""Columns that may be missing from a recording: hours. An index beyond that is a damaged one."""


@dataclass(frozen=True)
class Operand:
    """What a word of the command line names."""

    kind: Literal["front-end", "recording", "features", "code"]
    title: str
    path: Path | None = None
    """None for the sound that both share"""
    at: Callable[[int], FrontEnd] | None = None
    """returns its chain for sound of that rate, in Hz; None for the one that both share"""
    kernel: KernelName = NUMPY
    what: str | None = None
    """the front-end as `find_front_end` knows it"""
    whose: str = ""
    """whose it is, and where it was found"""
    code: OwnCode | None = None


@dataclass(frozen=True)
class Sound:
    """What columns were made from."""

    path: str
    sample_rate: int
    """Hz"""
    duration_s: float
    channels: int
    channel: Channel
    """what of them was taken"""

    @property
    def name(self) -> str:
        return Path(self.path).name


@dataclass(frozen=True)
class Shared:
    """What both sides have in common."""

    sound: Path
    """what front-ends go over, or the built-in recording"""
    front_end: Callable[[int], FrontEnd]
    """what recordings go through: its config at a sample rate in Hz"""
    features_front_end: FrontEnd | None
    """what made the features that do not say it themselves; None where that is not known"""
    kernels: Path
    """the folder in which compiled ones are kept"""
    channel: Channel = "mean"
    """of each sound"""
    python: Python = field(default_factory=Python)
    """what runs a user's own code"""
    gain_db: float = 0.0
    """of every sound, before everything else"""
    on_notice: Callable[[str], None] = lambda _: None
    """is told what a person should know of a sound"""

    def opened(
        self, path: Path, on_progress: Callable[[float], None] = lambda _: None
    ) -> AbstractContextManager[tuple[SoundReader, Iterator[NDArray[np.float32]]]]:
        """Open a sound as both sides take it, see `opened_mono`."""
        return opened_mono(
            path,
            channel=self.channel,
            gain_db=self.gain_db,
            on_progress=on_progress,
            on_notice=self.on_notice,
        )


@dataclass(frozen=True, eq=False)
class Given:
    """The sound that a user's own code was given."""

    samples: NDArray[np.float32]
    """(n,)"""
    sample_rate: int
    """Hz"""


@dataclass(frozen=True)
class Side:
    """One of the two, with its columns."""

    title: str
    mel: FrontEnd | None
    """None where a file of features does not say it"""
    kernel: KernelName | None
    sound: Sound | None
    """None for features that were computed elsewhere"""
    values: Values
    """(rows, columns) as the model gets them; float32, or float64 of the reference, or what a file
    or the user's code has. Columns missing from a recording are NaN"""
    notes: tuple[str, ...] = ()
    """what was done to it, as it follows its letter"""
    given: Given | None = None
    """for a user's own code"""
    says_its_axes: bool = True
    """False where a file of features tells neither what made it nor which of its axes is time"""

    @property
    def bands(self) -> Values:
        """(rows, n): what the front-end stacks, without overlap, lies side by side again."""
        if self.mel is None or self._step == self.mel.model_step:
            return self.values
        return self.values.T.reshape(-1, self.mel.n_rows).T

    @property
    def rows_of(self) -> FrontEnd | None:
        """The front-end whose rows those of `bands` are; None where they are others."""
        known = self.mel is not None and self.mel.n_rows == len(self.bands)
        return self.mel if known else None

    @property
    def has_db(self) -> bool:
        """Whether its values tell the level of the sound, as those of its live columns may."""
        if self.mel is None or not has_db(self.mel):
            return False
        return all(stage.place == "count" for stage in self.mel.final_stages)

    @property
    def _step(self) -> int:
        """Hops from a column of `bands` to the next."""
        if self.mel is None:
            return 1
        step = self.mel.model_step
        return 1 if self.mel.n_model_rows == step * self.mel.n_rows else step

    @property
    def start_s(self) -> float:
        """Where column 0 of `bands` begins; 0 where no front-end is known."""
        if self.mel is None:
            return 0.0
        return self.mel.model_middle_s - self.mel.model_step * self.mel.hop_s / 2

    @property
    def hop_s(self) -> float:
        """How long one lasts; 1, for a column, where no front-end is known."""
        return 1.0 if self.mel is None else self._step * self.mel.hop_s


def operand(text: str) -> Operand:
    """What a word of the command line names.

    FILE.py:NAME, a function of the user's own; a front-end by any name that `find_front_end` knows,
    with ":KERNEL" where another than NumPy's is meant; a .npy, .npz or .safetensors of
    features; else a recording, "demo" the built-in one. Raises ConfigError.
    """
    if text == DEMO:
        return Operand("recording", text)
    code = own_code(text)
    if code is not None:
        return Operand("code", code.title, code=code)
    path = Path(text).expanduser()
    name, _, kernel = text.rpartition(":")
    is_named = name in PRESETS or (name and not path.exists() and Path(name).expanduser().exists())
    if kernel in KERNELS or is_named:
        return _front_end(name, _kernel_name(kernel))
    suffix = path.suffix.lower()
    if text in PRESETS or suffix in _MODELS:
        return _front_end(text, NUMPY)
    if suffix in _FEATURES:
        return Operand("features", path.name, path)
    if path.is_file() or suffix in SUFFIXES:
        return Operand("recording", path.name, path)
    return _front_end(text, NUMPY)


def _front_end(text: str, kernel: KernelName) -> Operand:
    found = find_front_end(text)
    title = Path(text).name or found.name
    if kernel != NUMPY:
        title += f":{kernel}"
    return Operand("front-end", title, None, found.at, kernel, text, found.whose)


def _kernel_name(text: str) -> KernelName:
    for name in KERNELS:
        if text == name:
            return name
    raise ConfigError(f"there is no kernel {quoted(text)}", f"there are {', '.join(KERNELS)}")


def obtain_both(
    a: Operand, b: Operand, shared: Shared, on_progress: Callable[[int, float], None]
) -> tuple[Side, Side]:
    """Compute, or read, the columns of two operands, a user's own code last.

    `on_progress` is told which, 0 or 1, and the share of its sound that is read. Raises as `obtain`
    and `obtain_code` do.
    """
    operands, sides = (a, b), dict[int, Side]()
    for i in sorted(range(2), key=lambda i: operands[i].kind == "code"):
        wanted = operands[i]
        if wanted.code is not None:
            sides |= _oriented(sides)
            sides[i] = obtain_code(wanted.code, shared, sides.get(1 - i))
        else:
            sides[i] = obtain(wanted, shared, partial(on_progress, i))
        on_progress(i, 1.0)
    sides |= _oriented(sides)
    return sides[0], sides[1]


def _oriented(sides: dict[int, Side]) -> dict[int, Side]:
    """Return the sides, with features that were found to be columns × rows turned."""
    done = dict(sides)
    for i in sides:
        if not done[i].says_its_axes:
            done[i] = replace(_upright(done[i], done.get(1 - i)), says_its_axes=True)
    return done


def _upright(side: Side, other: Side | None) -> Side:
    """Return features as rows × columns, by how many rows their front-end or the other side has."""
    rows, columns = side.values.shape
    if _rows_expected(side, other) != columns:
        return side
    words = f"holds {rows} × {columns}"
    if rows != columns:
        words += ", which is taken as columns × rows"
    elif other is None:
        return side
    elif _agreement(side.values, other.values) >= _agreement(side.values.T, other.values):
        notes = (*side.notes, f"{words}; as rows × columns it agrees better with the other")
        return replace(side, notes=notes)
    else:
        words += "; as columns × rows, as which it is taken, it agrees better with the other"
    return replace(side, values=side.values.T, notes=(*side.notes, words))


def _rows_expected(side: Side, other: Side | None) -> int | None:
    if side.mel is not None:
        return side.mel.n_model_rows
    if other is None:
        return None
    if other.says_its_axes:
        return len(other.values)
    # Of two that do not say it, the shorter axis is that of the rows where both have it, and of
    # two alike nothing can be told.
    shorter = min(side.values.shape)
    is_told = shorter in other.values.shape and side.values.shape != other.values.shape
    return shorter if is_told else None


def _agreement(values: Values, others: Values) -> float:
    """Return how well two arrays of as many rows correlate, column by column from the first."""
    n = min(values.shape[1], others.shape[1])
    both = np.stack((values[:, :n].ravel(), others[:, :n].ravel())).astype(np.float64)
    both = both[:, np.isfinite(both).all(axis=0)]
    if both.shape[1] == 0 or not both.std(axis=1).all():
        return 0.0
    return float(np.corrcoef(both[0], both[1]).item(0, 1))


def obtain(
    wanted: Operand, shared: Shared, on_progress: Callable[[float], None] = lambda _: None
) -> Side:
    """Compute, or read, the columns; `on_progress` is told the share of the sound that is read.

    Raises ConfigError, SourceError or KernelError.
    """
    if wanted.kind == "features" and wanted.path is not None:
        return _features(wanted.title, wanted.path, shared.features_front_end)
    try:
        return _computed(wanted, shared, on_progress)
    except MemoryError as error:
        raise ConfigError(
            f"{wanted.title} needs more memory than there is", "take a shorter sound"
        ) from error


def obtain_code(code: OwnCode, shared: Shared, other: Side | None) -> Side:
    """Call a user's own function; it gets the sound at the rate of the other side's front-end.

    Raises ConfigError, SourceError or CodeError.
    """
    mel = None if other is None else other.mel
    with shared.opened(shared.sound) as (file, blocks):
        rate = file.sample_rate if mel is None else mel.sample_rate
        pieces = [np.zeros(0, np.float32)]
        pieces += [piece[:, 0] for piece in _at_rate(blocks, file.sample_rate, rate)]
        seconds = file.position_s
        sound = Sound(str(shared.sound), file.sample_rate, seconds, file.channels, shared.channel)
    given = Given(np.concatenate(pieces), rate)
    returned = call(code, given.samples, rate, shared.python)
    try:
        values = _checked(returned, None, "it")
    except ConfigError as error:
        problem = error.problem.removeprefix("it holds ")
        raise CodeError(f"{code.title} returned {problem}") from error
    if not np.isfinite(values).any():
        raise CodeError(f"{code.title} returned no finite number")
    notes: tuple[str, ...] = ()
    if _is_transposed(values, other):
        rows, columns = values.shape
        notes = (f"returned {rows} × {columns}, which is taken as columns × rows",)
        values = values.T
    return Side(code.title, None, None, sound, values, notes, given)


def _is_transposed(values: Values, other: Side | None) -> bool:
    """Whether an array is columns × rows: by the other side's rows, else by its columns."""
    rows, columns = map(int, values.shape)
    if other is None:
        return rows > columns
    n_rows, n_columns = len(other.values), max(1, int(other.values.shape[1]))
    if (rows == n_rows) != (columns == n_rows):
        return columns == n_rows
    return abs(math.log(rows / n_columns)) < abs(math.log(columns / n_columns))


def _computed(wanted: Operand, shared: Shared, on_progress: Callable[[float], None]) -> Side:
    path, kernel = wanted.path or shared.sound, wanted.kernel
    with shared.opened(path, on_progress) as (file, blocks):
        rate = file.sample_rate
        config = (wanted.at or shared.front_end)(rate)
        values: Values
        if kernel == "reference":
            samples = np.concatenate(
                [piece[:, 0] for piece in _at_rate(blocks, rate, config.sample_rate)]
            )
            values = reference_columns(samples, config)
        else:
            made = _kernel(config, kernel, shared.kernels)
            pieces = finished_columns(blocks, config, rate, 1, list, streaming=False, kernel=made)
            values = np.concatenate([piece[0] for piece in pieces], axis=1)
        sound = Sound(str(path), rate, file.position_s, file.channels, shared.channel)
    notes = (f"is {wanted.whose}",) if wanted.whose else ()
    return Side(wanted.title, config, kernel, sound, values, notes)


def _at_rate(
    blocks: Iterator[NDArray[np.float32]], rate: int, wanted: int
) -> Iterator[NDArray[np.float32]]:
    """The sound as the kernels get it: resampled where the front-end has another rate."""
    if rate == wanted:
        yield from blocks
        return
    resampler = StreamingResampler(rate, wanted, 1)
    yield from map(resampler.push, blocks)
    yield resampler.flush()


def _kernel(config: FrontEnd, name: KernelName, folder: Path) -> HostKernel | None:
    """Return what computes; None is the chain in NumPy."""
    if name == "numpy":
        return None
    if name == "compiled":
        return artifacts.obtain(Artifact(config, 1, folder))
    if name == "cuda-graph" and not has_cuda():
        raise ConfigError("cuda-graph needs a CUDA GPU, and there is none on this machine")
    from visualizer.mel.kernels.torch_kernels import EagerKernel, torch_kernel

    return torch_kernel(config, "cuda") if name == "cuda-graph" else EagerKernel(config)


def _features(title: str, path: Path, config: FrontEnd | None) -> Side:
    name = quoted(path)
    grid = None
    says_its_axes = False
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            with opened_archive(path) as held:
                if "mel" not in held:
                    raise ConfigError(f"{name} holds no array 'mel'", "`visualizer mel` writes one")
                values = held["mel"]
                if "config" in held:
                    config = read(json.loads(str(held["config"])))
                    says_its_axes = config.n_model_rows == len(values)
                if "column" in held:
                    grid = held["column"]
                form = str(held.get("form", ""))
                if config is not None and config.needs_whole_clip and form in (CLIP, STREAMING):
                    title += f" ({form} form)"
    except VisualizerError:
        raise
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or one_line(error)}") from error
    except Exception as error:
        # A damaged one is found by NumPy, zipfile, zlib or json, each with errors of its own.
        raise ConfigError(
            f"{name} is not a file of features as `visualizer mel` writes them: {one_line(error)}"
        ) from error
    if grid is not None and config is not None:
        # A recording holds columns as they came, before the model stacks them.
        config = config.live
    says_its_axes |= grid is not None
    checked = _checked(values, config, name, either_way=not says_its_axes)
    placed = checked if grid is None else _placed(checked, grid, name)
    return Side(title, config, None, None, placed, says_its_axes=says_its_axes)


def _placed(values: Values, grid: NDArray[Any], name: str) -> Values:
    """A recording's columns where its `column` says, with NaN between. Raises ConfigError."""
    n_columns = values.shape[1]
    if grid.dtype != np.int64 or grid.shape != (n_columns,):
        raise ConfigError(
            f"{name} holds {n_columns} columns, but 'column' is {grid.dtype} of the shape "
            f"{grid.shape}",
            "a recording has the index of each there, as int64",
        )
    end = int(grid[-1]) + 1
    if grid[0] < 0 or (grid[1:] <= grid[:-1]).any() or end - n_columns > _MOST_MISSING:
        raise ConfigError(
            f"{name} holds an impossible 'column': indices rise from 0 on, with at most "
            f"{_MOST_MISSING} missing"
        )
    try:
        placed = np.full((len(values), end), np.nan, dtype=values.dtype)
    except MemoryError as error:
        raise ConfigError(f"{name} needs more memory than there is") from error
    placed[:, grid] = values
    return placed


def _checked(
    values: Any, config: FrontEnd | None, name: str, *, either_way: bool = False
) -> Values:
    """An array of features as (rows, columns), or, either way, as it is. Raises ConfigError."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise ConfigError(f"{name} holds no numbers", "features are an array of float32")
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or 0 in values.shape:
        shape = " × ".join(map(str, values.shape)) or "one number"
        if values.ndim == 2 and values.shape[1] == 0:
            raise ConfigError(f"{name} holds no columns: {shape}")
        hint = "`visualizer mel … --channel 1` writes one channel" if values.ndim == 3 else ""
        raise ConfigError(f"{name} holds {shape}, not bands × columns", hint)
    lengths = values.shape if either_way else values.shape[:1]
    if config is not None and config.n_model_rows not in lengths:
        raise ConfigError(
            f"{name} holds {len(values)} rows, but {config.name} gives {config.n_model_rows}"
        )
    checked: Values = values
    if values.dtype not in (np.float16, np.float32, np.float64):
        checked = values.astype(np.float64 if values.dtype.kind == "f" else np.float32)
    return checked
