"""The true delay from an output to a mel column: clicks are played, heard and found again.

The input is an engine like the window's own; what is measured is what its columns go through.
Threads: the caller plays, waits and reads; visualizer/engine/engine.py and
visualizer/audio/player.py describe the others.

For each click there are these moments, all of perf_counter:

- handed: when the output's callback that took its first sample was entered, plus that sample's
  place in the block. All samples of a block are handed over at once; with its place added, the
  moment runs evenly, and the block's length is no part of the delay.
- delivered: when the input's callback that completed its column was entered.
- taken: when the worker took that block; computed: when the column's values were ready.

Its column is the first whose window holds the click's first sample. The window reaches further
than that sample; how far is known exactly, and called *fill*. So what remains of handed to
delivered, the *path*, is output, air or cable, input, and at most one block's wait.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import signals_of
from visualizer.audio.player import Player, look_up_output
from visualizer.engine.columns import MelColumns
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.reader import FIRST_COLUMN_LIMIT_S, EngineReader
from visualizer.engine.report import front_end_fields
from visualizer.engine.status import EngineStatus
from visualizer.errors import DeviceError
from visualizer.tools.roundtrip.clicks import (
    CLICK_S,
    LONGEST_DELAY_S,
    FoundClick,
    UnclearError,
    band_hz,
    click,
    find_clicks,
    start_times_s,
)

LEAD_S = 1.0
"""Of silence before the first click, in which the devices settle."""
_TAIL_S = LONGEST_DELAY_S + 0.2
_SETTLED_S = 0.5
"""Of sound that is heard before anything is played."""


@dataclass(frozen=True)
class ClickSettings:
    """What to play, and what to listen with."""

    engine: EngineConfig
    output: str | None = None
    """name or index of the output; None: the system's default"""
    n_clicks: int = 20
    level_db: float = -12.0
    """of the clicks' peak, dB of full scale"""


@dataclass(frozen=True)
class ClickTimes:
    """One click's way. Spans in ms."""

    position: float
    """where it begins on the input stream's clock, samples"""
    likeness: float
    """how much it is like a clean click, from 0 to 1"""
    peak_dbfs: float
    path_ms: float
    """handed over to delivered"""
    fill_ms: float
    """from the click's first sample to the last of its column's window"""
    wait_ms: float
    """delivered to taken"""
    kernel_ms: float
    """taken to computed"""
    total_ms: float
    """handed over to computed: the four spans before"""
    drawn_ms: float
    """handed over to the values of the column around whose middle it lies, where the picture
    shows it"""


@dataclass(frozen=True)
class ClickReport:
    """What was measured, and what the devices claim."""

    output: str
    output_host_api: str
    output_rate: int
    """Hz"""
    output_latency_s: float | None
    """from the output's callback to the air, as the device reports it for the whole stream; None:
    not reported"""
    output_lead_s: float | None
    """the same, the median of what it told the callbacks that took clicks"""
    input: str
    input_host_api: str | None
    input_rate: int
    """Hz"""
    input_latency_s: float | None
    """from the converter to the input's callback, as the device reports it; None: not reported"""
    mel: dict[str, Any]
    """the front-end, as plain JSON values"""
    window_s: float
    """of the front-end"""
    hop_s: float
    backend: str
    resampling_s: float
    """how long the front-end's resampler may hold a sample back; a part of the path"""
    level_db: float
    band_hz: tuple[float, float]
    contrast: float
    """how much stronger the clicks are than what is strongest elsewhere in their rhythm"""
    second_path: float
    """loudness of the loudest other path, as a share of the one that was found"""
    underflows: int
    """how often the output had nothing to play"""
    gaps: int
    """of the input, while it listened"""
    clicks: tuple[ClickTimes, ...]


class _Listener:
    """An engine on the microphone, and the delivery that each of its columns came in."""

    def __init__(self, settings: ClickSettings) -> None:
        self.columns: dict[int, MelColumns] = {}
        self.reader = EngineReader(lambda wake: Engine(settings.engine, (), wake, strict=True))

    def wait(self, is_enough: Callable[[], bool], limit_s: float = math.inf) -> None:
        """Listen until it is enough. Raises DeviceError where it is not in time, or ends."""
        give_up_at = time.perf_counter() + limit_s
        while not is_enough():
            if time.perf_counter() > give_up_at:
                raise DeviceError(self.reader.status.fault or "too little sound came in time")
            self.reader.wait()
            for came in self.reader.drain():
                for index in range(came.first_column, came.first_column + came.n_columns):
                    self.columns[index] = came
            status = self.reader.status
            # Another front-end follows where the microphone came back in another form.
            if status.config_id > 1 or status.state in ("waiting", "ended", "failed"):
                raise DeviceError(status.fault or "the microphone was lost while it listened")

    def is_settled(self) -> bool:
        """Whether the input delivers, so that playing may begin."""
        mel = self.reader.status.mel
        return mel is not None and len(self.columns) * mel.hop_s >= _SETTLED_S


def measure(settings: ClickSettings, announce: Callable[[str], None]) -> ClickReport:
    """Play the clicks and say how late each is.

    `announce` is told what will be heard, when all is loaded and nothing is measured yet. Raises
    DeviceError where a device fails, UnclearError where the clicks are not found clearly.
    """
    output = look_up_output(settings.output)
    listener = _Listener(settings)
    try:
        listener.wait(listener.is_settled, FIRST_COLUMN_LIMIT_S)
        before = listener.reader.engine.status()
        source = before.source
        assert source is not None
        rate = settings.engine.capture.sample_rate or output.native_rate
        band = band_hz(rate, source.sample_rate)
        starts = np.round((LEAD_S + start_times_s(settings.n_clicks)) * rate).astype(np.int64)
        player = Player(output, _sound(starts, rate, band, settings.level_db), rate)
        try:
            announce(
                f"playing {settings.n_clicks} short chirps, {band[0]:.0f} to {band[1]:.0f} Hz, "
                f"at {settings.level_db:g} dB of full scale, on {output.name!r} "
                f"({output.host_api}) for {starts[-1] / rate:.0f} s, and listening to "
                f"{source.name!r}; in headphones, turn the volume down first"
            )
            player.start()
            _play(player, listener)
        finally:
            # What was measured holds, whatever becomes of the device.
            with suppress(DeviceError):
                player.close()
        return _report(settings, player, starts, band, listener, before)
    finally:
        listener.reader.close()


def _sound(
    starts: NDArray[np.int64], sample_rate: int, band: tuple[float, float], level_db: float
) -> NDArray[np.float32]:
    wave = click(sample_rate, band) * 10 ** (level_db / 20)
    samples = np.zeros(int(starts[-1]) + len(wave), dtype=np.float32)
    for start in starts:
        samples[start : start + len(wave)] = wave
    return samples


def _play(player: Player, listener: _Listener) -> None:
    """Listen until the last click would have come, however late."""

    def is_over() -> bool:
        player.check()
        return player.is_over.is_set()

    listener.wait(is_over)
    enough_at = time.perf_counter() + _TAIL_S
    listener.wait(lambda: time.perf_counter() > enough_at)


def _report(
    settings: ClickSettings,
    player: Player,
    starts: NDArray[np.int64],
    band: tuple[float, float],
    listener: _Listener,
    before: EngineStatus,
) -> ClickReport:
    status = listener.reader.engine.status()
    source, mel, sound = before.source, before.mel, before.sound
    assert source is not None
    assert mel is not None
    assert sound is not None
    deliveries = [player.delivery(int(start)) for start in starts]
    handed_at = np.array(
        [
            delivery.handed_at + (start - delivery.first_sample) / player.sample_rate
            for delivery, start in zip(deliveries, starts, strict=True)
        ]
    )
    window_s = mel.win_length / mel.sample_rate
    grid = _Grid(mel.middle_s + window_s / 2, mel.cell_start_s, mel.hop_s)
    # Where the stream was at a moment: good to a block, which is enough to know where to look.
    offset_s = float(
        np.median([c.captured_at - grid.end_s(i) for i, c in listener.columns.items()])
    )
    first = max(sound.first, round((handed_at[0] - offset_s - CLICK_S) * sound.sample_rate))
    heard = signals_of(sound.read(first, sound.end), before.config.channel)[:, 0]
    expected_s = handed_at - offset_s - first / sound.sample_rate
    gaps = status.gaps - before.gaps
    try:
        found = find_clicks(heard, sound.sample_rate, band, expected_s)
    except UnclearError as error:
        losses = _losses(gaps, player.underflows)
        raise UnclearError(error.problem, f"{error.remedy}{losses}") from error
    clicks = tuple(
        _times(one, first + one.position, source.sample_rate, float(at), grid, listener.columns)
        for one, at in zip(found.clicks, handed_at, strict=True)
    )
    require_possible(clicks)
    leads = [delivery.lead_s for delivery in deliveries if delivery.lead_s is not None]
    return ClickReport(
        output=player.output.name,
        output_host_api=player.output.host_api,
        output_rate=player.sample_rate,
        output_latency_s=player.latency_s,
        output_lead_s=float(np.median(leads)) if leads else None,
        input=source.name,
        input_host_api=source.host_api,
        input_rate=source.sample_rate,
        input_latency_s=source.device_latency_s,
        mel=front_end_fields(mel)["front_end"],
        window_s=window_s,
        hop_s=mel.hop_s,
        backend=status.backend or "",
        resampling_s=status.resampling_s,
        level_db=settings.level_db,
        band_hz=band,
        contrast=found.contrast,
        second_path=found.second_path,
        underflows=player.underflows,
        gaps=gaps,
        clicks=clicks,
    )


def _losses(gaps: int, underflows: int) -> str:
    """What else may be why the clicks are not clear; empty where nothing is."""
    losses = [f"the input lost sound {gaps} times"] if gaps else []
    losses += [f"the output ran dry {underflows} times"] if underflows else []
    return f" ({' and '.join(losses)}: end what else keeps this machine busy)" if losses else ""


class _Grid(NamedTuple):
    """Where columns lie on the clock of the stream, in seconds."""

    first_end_s: float
    """the end of column 0's window"""
    cell_start_s: float
    hop_s: float

    def end_s(self, column: int) -> float:
        """After the last sample of its window."""
        return self.first_end_s + column * self.hop_s

    def first_with(self, moment_s: float) -> int:
        """The first column whose window holds this moment."""
        return math.floor((moment_s - self.first_end_s) / self.hop_s) + 1

    def around(self, moment_s: float) -> int:
        """The column in whose cell it lies."""
        return math.floor((moment_s - self.cell_start_s) / self.hop_s)


def require_possible(clicks: tuple[ClickTimes, ...]) -> None:
    """Raise UnclearError where clicks were heard before they were due."""
    path_ms = float(np.median([click.path_ms for click in clicks]))
    if path_ms < 0:
        raise UnclearError(
            f"the clicks were heard {-path_ms:.1f} ms before they were due, which cannot be: the "
            "output takes its sound in bursts just now, or its clock runs off",
            "measure again, or choose another --sample-rate",
        )


def _times(
    found: FoundClick,
    position: float,
    sample_rate: int,
    handed_at: float,
    grid: _Grid,
    columns: dict[int, MelColumns],
) -> ClickTimes:
    moment_s = position / sample_rate
    index = grid.first_with(moment_s)
    try:
        column, drawn = columns[index], columns[grid.around(moment_s)]
    except KeyError as error:
        raise UnclearError(
            "sound was lost just where a click is",
            "end what else keeps this machine busy, and measure again",
        ) from error
    fill_s = grid.end_s(index) - moment_s
    return ClickTimes(
        position=position,
        likeness=found.likeness,
        peak_dbfs=20 * math.log10(found.peak),
        path_ms=1e3 * (column.captured_at - fill_s - handed_at),
        fill_ms=1e3 * fill_s,
        wait_ms=1e3 * (column.dequeued_at - column.captured_at),
        kernel_ms=1e3 * (column.computed_at - column.dequeued_at),
        total_ms=1e3 * (column.computed_at - handed_at),
        drawn_ms=1e3 * (drawn.computed_at - handed_at),
    )
