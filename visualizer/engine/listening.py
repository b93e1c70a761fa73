"""Live columns for other programs: the engine as an iterator.

Threads: the engine has its own; everything here runs on the thread that iterates.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.capture import CaptureConfig, SourceKind
from visualizer.audio.channels import channel_rule
from visualizer.audio.file import open_audio
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig, choice
from visualizer.engine.engine import Engine
from visualizer.engine.keeper import KernelPlan
from visualizer.engine.reader import EngineReader
from visualizer.engine.status import EngineStatus
from visualizer.errors import ConfigError, DeviceError, SourceError
from visualizer.mel.compute import Compute, choose_device
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import as_found


@dataclass(frozen=True, eq=False)
class Column:
    """One live column, with its place in time."""

    values: NDArray[np.float32]
    """(n_rows,) float32, or (n_channels, n_rows) with channel="each", in the front-end's own unit;
    an array of its own, so that torch.from_numpy may share its memory"""
    index: int
    """on the grid of hops since the source began; always rises"""
    gap: int
    """how many columns are missing right before this one"""
    time_s: float
    """the middle of its window, in seconds since the source began"""
    captured_at: float
    """perf_counter seconds when the device, or the file's player, delivered its last sample"""
    latency_s: float
    """seconds from then until its values were ready"""


def listen(
    source: str | os.PathLike[str] = "mic",
    *,
    front_end: str | os.PathLike[str] | FrontEnd | MelConfig = "simli",
    device: str | int | None = None,
    sample_rate: int | None = None,
    channels: int | None = None,
    channel: str | int | Sequence[int] | None = "mean",
    gain_db: float = 0.0,
    loop: bool = False,
    compute: Compute = "auto",
    kernels: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    config: FrontEnd | MelConfig | None = None,
) -> Listener:
    """Start to listen, and return an iterator over live columns: the window's engine.

    Args:
        source: "mic", "demo" (which plays for ever) or the path of an audio file, which is played
            at its own pace.
        front_end: a preset's name; the path of a JSON front-end, or of a model's own folder or
            file; the id of a Hugging Face model in the local cache; or a front-end itself.
        device: which microphone: its index, its name, a part that only one name has, or what the
            sound server calls the source; None is the default one.
        sample_rate: of the source, in Hz, as the device allows; None is its own.
        channels: of the source, the first that the device has; None is all of them.
        channel: which to analyse, as --channel has it: "mean", "each", or counted from 1, "5" or
            "5+6", which is the mean of the two. None is the mean too; an int, or several of them,
            count from 0.
        gain_db: gain of the sound, in dB, before everything else.
        loop: whether a file is played again and again.
        compute: where the kernel is to run: "auto", "cpu", "cuda" or "mps". Another device than
            the CPU is used only where `kernels` is given.
        kernels: a folder for compiled kernels, which are then built while the stream runs; None
            is NumPy's kernel alone, on the CPU.
        preset, config: what `front_end` was called before version 0.2.

    Returns:
        An iterator of `Column`; end it with `close()` or a `with` block.

    Raises:
        ConfigError: for settings that cannot be used.
        SourceError: for a file that cannot be read.

    The iteration itself raises DeviceError or SourceError where nothing can be opened or a file
    turns out to be damaged. A microphone that is lost is waited for; its stream continues with a
    gap.

    >>> import visualizer
    >>> with visualizer.listen("demo", front_end="whisper-80") as listener:
    ...     column = next(listener)
    >>> column.values.shape, column.gap
    ((80,), 0)
    """
    named = config if preset is None else preset
    if named is not None:
        if front_end != "simli" or (preset is not None and config is not None):
            raise ConfigError("preset and config are front_end's former names", "give that alone")
        front_end = named
    kind: SourceKind = "mic" if source == "mic" else "demo" if source == "demo" else "file"
    path = str(Path(source).absolute()) if kind == "file" else None
    if path is not None:
        open_audio(Path(path)).close()
    capture = CaptureConfig(
        kind,
        device=None if device is None else str(device),
        path=path,
        sample_rate=sample_rate,
        channels=channels,
        loop=loop,
        gain_db=gain_db,
    )
    chosen = choice(as_found(front_end))
    engine_config = EngineConfig(capture, **chosen, channel=channel_rule(channel), compute=compute)
    choose_device(compute)
    return Listener(engine_config, None if kernels is None else Path(kernels).absolute())


class Listener:
    """An iterator over live columns; made by `listen`.

    It ends with a file, or when it is closed: by `close`, by the end of a `with` block, or, as
    with `for column in listen():`, when the last reference to it is dropped. Use it on one thread.

    A reader that is slower than the sound loses nothing at first: several thousand columns wait
    for it, and each says by `captured_at` how old it is. Then a file or the demo waits, and plays
    on as columns are read. A microphone cannot: its oldest columns are dropped, counted in
    `dropped` and included in the next column's `gap`.
    """

    def __init__(self, config: EngineConfig, kernels: Path | None) -> None:
        """Start at once. Compiled kernels are kept in the folder `kernels`; None: none are used.

        Exactly what `config` says is opened, and nothing in its place.
        """
        plan = KernelPlan("auto", kernels)
        self._reader = EngineReader(
            lambda wake: Engine(config, (), wake, strict=True, kernels=plan)
        )
        self._waiting: deque[Column] = deque()
        self._grid = _Grid(each=config.channel == "each")
        self._mel: FrontEnd | None = None
        # Also where the iterator is left lying, and at the end of the program.
        self._close = weakref.finalize(self, self._reader.engine.close)

    @property
    def status(self) -> EngineStatus:
        """What runs now: source, front-end and kernel, with all losses so far."""
        return self._reader.engine.status()

    @property
    def dropped(self) -> int:
        """The columns of a microphone that were dropped because the reader was too slow."""
        return self.status.dropped_columns

    def close(self) -> None:
        """Stop listening and end the threads, within a second; again has no effect."""
        self._close()
        self._waiting.clear()

    def __iter__(self) -> Listener:
        return self

    def __next__(self) -> Column:
        """Wait for the next column and return it.

        Raises:
            DeviceError: where a microphone cannot be opened.
            SourceError: where a file turns out to be damaged.
        """
        while not self._waiting:
            if not self._close.alive:
                raise StopIteration
            deliveries, status = self._reader.drain(), self._reader.uncounted
            # A stream that has failed does not know it any more.
            self._mel = status.mel or self._mel
            if deliveries and self._mel is not None:
                for columns in deliveries:
                    self._waiting.extend(self._grid.placed(columns, self._mel))
            elif self._reader.is_over:
                self.close()
                if status.fault is None:
                    raise StopIteration
                is_live = status.config.capture.is_live
                raise (DeviceError if is_live else SourceError)(status.fault)
            else:
                self._reader.wait()
        return self._waiting.popleft()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Grid:
    """Places the columns of all deliveries on one grid of hops."""

    def __init__(self, *, each: bool) -> None:
        """`each`: whether columns have an axis for channels."""
        self._each = each
        self._base = 0
        self._next: int | None = None
        self._config_id: int | None = None
        self._delivered_at = 0.0

    def placed(self, columns: MelColumns, mel: FrontEnd) -> list[Column]:
        first = self._base + columns.first_column
        if self._next is not None and columns.config_id != self._config_id and first < self._next:
            # The device came back in another form, so that its stream began anew: the clock says
            # how long it was away.
            away_s = columns.captured_at - self._delivered_at
            first = self._next + max(0, round(away_s / mel.hop_s) - columns.n_columns)
            self._base = first - columns.first_column
        gap = 0 if self._next is None else first - self._next
        self._next = first + columns.n_columns
        self._config_id = columns.config_id
        self._delivered_at = columns.captured_at
        values = columns.values if self._each else columns.values[0]
        return [
            Column(
                values=values[..., i].copy(),
                index=first + i,
                gap=gap if i == 0 else 0,
                time_s=mel.middle_s + (first + i) * mel.hop_s,
                captured_at=columns.captured_at,
                latency_s=columns.computed_at - columns.captured_at,
            )
            for i in range(columns.n_columns)
        ]
