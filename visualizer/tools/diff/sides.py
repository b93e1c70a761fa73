"""What can be set against each other: front-ends, their kernels, recordings, files of features.

An operand says what is wanted; `obtain` makes a Side of it, with its columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError, VisualizerError, one_line, quoted
from visualizer.export.archive import CLIP, STREAMING
from visualizer.export.offline import opened_mono
from visualizer.mel.clip import finished_columns
from visualizer.mel.compute import has_cuda
from visualizer.mel.flat import read
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_end_files import read_front_end
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import HostKernel
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.whole import reference_columns

KernelName = Literal["numpy", "eager", "compiled", "cuda-graph", "reference"]
"""of a front-end; the reference is the float64 one"""
KERNELS: tuple[KernelName, ...] = get_args(KernelName)
Values = NDArray[np.float32] | NDArray[np.float64]

DEMO = "demo"
NUMPY: KernelName = "numpy"
_FEATURES = (".npy", ".npz")
_MOST_MISSING = 1_000_000
"""Columns that may be missing from a recording: hours. An index beyond that is a damaged one."""


@dataclass(frozen=True)
class Operand:
    """What a word of the command line names."""

    kind: Literal["front-end", "recording", "features"]
    title: str
    path: Path | None = None
    """None for the sound that both share"""
    at: Callable[[int], FrontEnd] | None = None
    """returns its chain for sound of that rate, in Hz; None for the one that both share"""
    kernel: KernelName = NUMPY


@dataclass(frozen=True)
class Sound:
    """What columns were made from."""

    path: str
    sample_rate: int
    """Hz"""
    duration_s: float
    channels: int

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
    """(rows, columns) as the model gets them; float32, or float64 of the reference. Columns missing
    from a recording are NaN"""

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

    A preset or a JSON file of a front-end, each with ":KERNEL" where another than NumPy's is meant;
    a .npy or .npz of features; else a recording, "demo" the built-in one. Raises ConfigError.
    """
    name, colon, kernel = text.rpartition(":")
    if colon and _is_front_end(name):
        title = f"{Path(name).name}:{kernel}"
        return Operand("front-end", title, at=_config_at(name), kernel=_kernel_name(kernel))
    path = Path(text).expanduser()
    if text == DEMO:
        return Operand("recording", text)
    # What is no file either is a name that is mistyped, most likely: the error knows the nearest.
    if _is_front_end(text) or not (path.suffix or path.exists()):
        return Operand("front-end", path.name, at=_config_at(text))
    return Operand("features" if path.suffix in _FEATURES else "recording", path.name, path)


def _kernel_name(text: str) -> KernelName:
    for name in KERNELS:
        if text == name:
            return name
    raise ConfigError(f"there is no kernel {quoted(text)}", f"there are {', '.join(KERNELS)}")


def _is_front_end(text: str) -> bool:
    return text in PRESETS or Path(text).suffix == ".json"


def _config_at(text: str) -> Callable[[int], FrontEnd]:
    if Path(text).suffix == ".json":
        own = read_front_end(Path(text).expanduser())
        return lambda _: own
    preset_for(text)
    return lambda rate: preset_for(text, rate)


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


def _computed(wanted: Operand, shared: Shared, on_progress: Callable[[float], None]) -> Side:
    path, kernel = wanted.path or shared.sound, wanted.kernel
    with opened_mono(path, on_progress) as (file, blocks):
        rate = file.samplerate
        config = (wanted.at or shared.front_end)(rate)
        values: Values
        if kernel == "reference":
            samples = np.concatenate([piece[:, 0] for piece in _at_rate(blocks, config, rate)])
            values = reference_columns(samples, config)
        else:
            made = _kernel(config, kernel, shared.kernels)
            pieces = finished_columns(blocks, config, rate, 1, list, streaming=False, kernel=made)
            values = np.concatenate([piece[0] for piece in pieces], axis=1)
        sound = Sound(str(path), rate, file.frames / rate, file.channels)
    return Side(wanted.title, config, kernel, sound, values)


def _at_rate(
    blocks: Iterator[NDArray[np.float32]], config: FrontEnd, rate: int
) -> Iterator[NDArray[np.float32]]:
    """The sound as the kernels get it: resampled where the front-end has another rate."""
    if rate == config.sample_rate:
        yield from blocks
        return
    resampler = StreamingResampler(rate, config.sample_rate, 1)
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
    try:
        held = np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            with held:
                if "mel" not in held:
                    raise ConfigError(f"{name} holds no array 'mel'", "`visualizer mel` writes one")
                values = held["mel"]
                if "config" in held:
                    config = read(json.loads(str(held["config"])))
                if "column" in held:
                    grid = held["column"]
                form = str(held.get("form", ""))
                if config is not None and config.needs_whole_clip and form in (CLIP, STREAMING):
                    title += f" ({form} form)"
        else:
            values = held
    except VisualizerError:
        raise
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or one_line(error)}") from error
    except Exception as error:
        # A damaged one is found by NumPy, zipfile, zlib or JSON, each with errors of its own.
        raise ConfigError(
            f"{name} is not a file of features as `visualizer mel` writes them: {one_line(error)}"
        ) from error
    if grid is not None and config is not None:
        # A recording holds columns as they came, before the model stacks them.
        config = config.live
    checked = _checked(values, config, name)
    placed = checked if grid is None else _placed(checked, grid, name)
    return Side(title, config, None, None, placed)


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


def _checked(values: Any, config: FrontEnd | None, name: str) -> Values:
    """An array of features as (rows, columns). Raises ConfigError."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise ConfigError(f"{name} holds no numbers", "features are an array of float32")
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim != 2 or 0 in values.shape:
        shape = " × ".join(map(str, values.shape)) or "one number"
        hint = "; `visualizer mel … --channels 1` writes one channel" if values.ndim == 3 else ""
        raise ConfigError(f"{name} holds {shape}, not bands × columns{hint}")
    if config is not None and len(values) != config.n_model_rows:
        raise ConfigError(
            f"{name} holds {len(values)} rows, but {config.name} gives {config.n_model_rows}"
        )
    checked: Values = values if values.dtype == np.float64 else values.astype(np.float32)
    return checked
