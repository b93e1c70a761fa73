"""From a source's samples to mel columns, as the worker and the followers run it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel, n_signals, signals_of
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.host import HostKernel
from visualizer.mel.stream import MelStream


class Pipeline:
    """Picks channels of a source and streams them through the front-end.

    Its columns lie on the grid that begins with the source's sample 0, whenever it is made: so
    those of several pipelines over one source belong to the same moments.
    """

    def __init__(
        self,
        mel: FrontEnd,
        source_rate: int,
        n_channels: int,
        channel: Channel,
        kernel: HostKernel | None = None,
    ) -> None:
        """`source_rate` in Hz, `n_channels` of the source; no kernel means NumPy's."""
        self._channel = channel
        self.stream = MelStream(mel, source_rate, n_signals(n_channels, channel), kernel)
        self._position = 0
        # Asked for with each column, and worked out from the chain.
        self._hop_length, self._reach = mel.hop_length, mel.offset + mel.reach

    def warm_up(self) -> None:
        """Run the kernel once, so that what it sets up, or fails at, shows before the first hop."""
        win_length = self.stream.front_end.win_length
        self.stream.kernel(np.zeros((1, win_length), dtype=np.float32))

    def push(
        self, start_sample: int, samples: NDArray[np.float32]
    ) -> tuple[int, NDArray[np.float32]]:
        """Take (n_samples, n_channels) of the source, `start_sample` on its clock the first.

        What lies between them and those before was lost. Return the first column's index on the
        grid, and the columns (n, n_rows, n_columns).
        """
        if start_sample > self._position:
            self.stream.skip(start_sample - self._position)
        self._position = start_sample + len(samples)
        first_column = self.stream.next_column
        return first_column, self.stream.push(signals_of(samples, self._channel))

    @property
    def completed_by(self) -> int:
        """The source's sample, at the earliest, that completes the next column."""
        return self.stream.needed(self.stream.next_column * self._hop_length + self._reach)

    def flush(self) -> tuple[int, NDArray[np.float32]]:
        """The columns that reach past the end, as `push` returns them. The signal ends here."""
        first_column = self.stream.next_column
        return first_column, self.stream.flush()
