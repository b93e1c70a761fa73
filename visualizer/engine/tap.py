"""Who hears the sound beside the worker, such as a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import Channel
from visualizer.audio.source import SourceInfo


class SoundTap(Protocol):
    """Gets all sound of an engine from the worker, which calls it and never waits for it.

    See `Engine.attach`.
    """

    def begin(self, source: SourceInfo, channel: Channel, stream_id: int) -> None:
        """Note that a stream begins, or goes on by another channel rule.

        `stream_id` is that of the engine's status.
        """

    def put(self, start_sample: int, samples: NDArray[np.float32], ready_at: float) -> None:
        """Take sound of the stream; a jump of `start_sample` is a loss.

        Args:
            start_sample: of the stream's clock.
            samples: (n_samples, n_channels), cleaned, not to be written to.
            ready_at: perf_counter s, when the columns that it completed had been handed on.
        """

    def has_room(self, on_room: Callable[[], None]) -> bool:
        """Return whether nothing would be lost for more; if not, call `on_room` once there is.

        Asked only where the source can wait, which it then does. `on_room` may be called on any
        thread, and does not block.
        """

    def end(self) -> None:
        """Note that the stream has ended by itself, and all of it was put."""
