"""From a stream's sound to the blocks that a model is fed. No threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel, signals_of
from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import preset_for
from visualizer.mel.resample import StreamingResampler
from visualizer.models.contract import ModelSpec


@dataclass(frozen=True, eq=False)
class Block:
    """What one call of a model gets."""

    index: int
    """k: it is inputs [k·step, k·step + window) of the stream's grid"""
    values: NDArray[np.float32]
    """(n_rows, window) or (window,)"""
    is_fresh: bool
    """whether the model is to forget what came before"""


class Feed:
    """Cuts one stream into blocks; of several channels a model gets the mean.

    Blocks lie on a grid that begins with the stream's sample 0, whenever this begins. None spans
    a gap.
    """

    def __init__(
        self, spec: ModelSpec, source: SourceInfo, channel: Channel, start_sample: int
    ) -> None:
        """Begin with a sample of the source.

        Raises ConfigError where what the model is fed cannot be made of the source.
        """
        self._window, self._step, self._fills_last = spec.window, spec.step, spec.fills_last
        front_end = front_end_of(spec, source.sample_rate)
        self._inputs: _Columns | _Samples
        if front_end is None:
            assert spec.sample_rate is not None
            self._inputs = _Samples(source.sample_rate, spec.sample_rate, one_signal(channel))
        else:
            rate, n_channels = source.sample_rate, source.channels
            self._inputs = _Columns(Pipeline(front_end, rate, n_channels, one_signal(channel)))
        self.grid = spec.grid(front_end)
        """where the answers lie"""
        self._pieces: list[NDArray[np.float32]] = []
        """the inputs that are kept, (…, n) each"""
        self._first = self._end = 0
        """on the grid of inputs: the first of them, and the next to come"""
        self._index = 0
        """of the next block"""
        self._is_fresh = True
        self._skipped = 0
        self.push(start_sample, np.empty((0, source.channels), np.float32))
        self._unasked = self._skipped

    @property
    def skipped(self) -> int:
        """How many blocks were left out since it began, since they would have spanned a gap."""
        return self._skipped - self._unasked

    def push(self, start_sample: int, samples: NDArray[np.float32]) -> list[Block]:
        """Take (n_samples, n_channels) of the source, and return the blocks that they complete.

        A jump of `start_sample` is a loss.
        """
        return self._add(*self._inputs.push(start_sample, samples))

    def flush(self) -> list[Block]:
        """Return the blocks that reach past the end. The signal ends here."""
        blocks = self._add(*self._inputs.flush())
        first = self._index * self._step
        answered = first if self._is_fresh else first + self._window - self._step
        if self._fills_last and self._end > answered:
            silence = np.zeros(first + self._window - self._end, np.float32)
            blocks += self._add(self._end, silence)
        return blocks

    def _add(self, at: int, inputs: NDArray[np.float32]) -> list[Block]:
        if at > self._end:
            self._pieces.clear()
            self._first = self._end = at
            index = max(self._index, -(-at // self._step))
            self._skipped, self._index = self._skipped + index - self._index, index
            self._is_fresh = True
        self._pieces.append(inputs)
        self._end += inputs.shape[-1]
        n_blocks = (self._end - self._window) // self._step + 1 - self._index
        return self._cut(n_blocks) if n_blocks > 0 else []

    def _cut(self, n_blocks: int) -> list[Block]:
        kept = np.concatenate(self._pieces, axis=-1)
        blocks = []
        for index in range(self._index, self._index + n_blocks):
            first = index * self._step - self._first
            values = kept[..., first : first + self._window]
            blocks.append(Block(index, values, self._is_fresh))
            self._is_fresh = False
        self._index += n_blocks
        first = min(self._index * self._step, self._end)
        self._pieces, self._first = [kept[..., first - self._first :]], first
        return blocks


class _Columns:
    """A front-end's columns, of one signal."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def push(
        self, start_sample: int, samples: NDArray[np.float32]
    ) -> tuple[int, NDArray[np.float32]]:
        """Return the first column's index, and the columns (n_rows, n)."""
        first, columns = self._pipeline.push(start_sample, samples)
        return first, columns[0]

    def flush(self) -> tuple[int, NDArray[np.float32]]:
        first, columns = self._pipeline.flush()
        return first, columns[0]


class _Samples:
    """The sound itself at a model's rate, of one signal."""

    def __init__(self, source_rate: int, sample_rate: int, channel: Channel) -> None:
        self._channel = channel
        self._resampler: StreamingResampler | None = None
        if source_rate != sample_rate:
            self._resampler = StreamingResampler(source_rate, sample_rate, 1)
        self._position = self._at = 0
        """of the next sample to come, on the source's clock and at the model's rate"""

    def push(
        self, start_sample: int, samples: NDArray[np.float32]
    ) -> tuple[int, NDArray[np.float32]]:
        """Return the first sample's index at the model's rate, and the samples (n,)."""
        lost = start_sample - self._position
        if lost > 0:
            self._at += lost if self._resampler is None else self._resampler.skip(lost)
        self._position = start_sample + len(samples)
        signal = signals_of(samples, self._channel)
        return self._given(signal if self._resampler is None else self._resampler.push(signal))

    def flush(self) -> tuple[int, NDArray[np.float32]]:
        rest = np.empty((0, 1), np.float32)
        return self._given(rest if self._resampler is None else self._resampler.flush())

    def _given(self, signal: NDArray[np.float32]) -> tuple[int, NDArray[np.float32]]:
        at = self._at
        self._at += len(signal)
        return at, signal[:, 0]


def front_end_of(spec: ModelSpec, source_rate: int) -> FrontEnd | None:
    """Return the chain that a model is fed of a source of that rate (Hz); None: samples."""
    return spec.front_end if spec.preset is None else preset_for(spec.preset, source_rate)


def choice_of(spec: ModelSpec) -> dict[str, Any] | None:
    """Return the fields of an EngineConfig by which the picture shows what a model is fed.

    None: it is fed samples, and any front-end will do.
    """
    if spec.is_fed_samples:
        return None
    preset = spec.preset or EngineConfig.preset
    return {"preset": preset, "mel": spec.front_end, "whose": spec.whose}


def one_signal(channel: Channel) -> Channel:
    """Return the rule by which a model gets one signal where the picture may have several."""
    return "mean" if channel == "each" else channel
