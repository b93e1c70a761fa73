"""What the engine tells of itself, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig
from visualizer.engine.history import SoundHistory
from visualizer.mel.compute import Compute
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.timing import Timing

State = Literal["starting", "running", "waiting", "ended", "failed", "closed"]
"""waiting: for a device that delivers no more, and is opened again until it does"""


@dataclass(frozen=True)
class EngineStatus:
    """What the engine does now, and all that went missing since it started."""

    state: State
    config: EngineConfig
    """in force"""
    source: SourceInfo | None = None
    mel: FrontEnd | None = None
    backend: str | None = None
    device: str | None = None
    deviation: float | None = None
    """of the kernel in use from the float64 reference, as a share of the largest value; None until
    it is measured"""
    timings: tuple[Timing, ...] = ()
    """of the kernels that could run, each called once per hop"""
    kernel_note: str | None = None
    """why no better kernel runs"""
    slow_hops: float | None = None
    """how many hops the kernel takes for one of live sound, where it does not keep up; else None"""
    is_building: bool = False
    """whether a better kernel is on its way"""
    compute_choices: tuple[Compute, ...] = ()
    """what can be asked for on this machine"""
    resampling_s: float = 0.0
    """how long a sample may wait in the resampler; 0.0 where there is none"""
    stream_id: int = 0
    """counts the sources opened; each has a clock, and a sound history, of its own"""
    sound: SoundHistory | None = None
    """what is and was heard of that source; it goes on filling up"""
    front_end_since: int = 0
    """the stream's sample from which on the front-end in force has been fed"""
    config_id: int = 0
    """counts the front-ends made; columns carry the one they came from"""
    revision: int = 0
    """counts the changes of state, settings and faults"""
    fault: str | None = None
    """why something that was asked for is not so"""
    columns: int = 0
    batched_columns: int = 0
    """of these, those that were made to wait, see `MelColumns.in_batch`"""
    gaps: int = 0
    lost_s: float = 0.0
    """what is missing of the sound, for whatever reason: the length of all gaps"""
    reopened: int = 0
    """how often a device was lost and came back, or the sound server chose another in its place"""
    input_overflows: int = 0
    dropped_blocks: int = 0
    dropped_columns: int = 0
    bad_samples: int = 0
    """NaN or infinite, taken as silence, or beyond ±65536, cut"""
    lag_s: float = 0.0
    """from the capture of the newest sound to the worker; the worker drops what is too old"""
    max_lag_s: float = 0.0
    delivered: int = 0
    """samples of the source that is open, taken in or not"""
    deliveries: int = 0
    """in how many blocks they came"""
    longest_gap_s: float = 0.0
    """between two deliveries of the source that is open"""
    drift_ppm: float | None = None
    """how much faster the device's clock is than this machine's; None: not known, or no device"""

    @property
    def samples_per_delivery(self) -> float | None:
        """How many samples the source delivers at once, on average; None before the first."""
        return round(self.delivered / self.deliveries, 1) if self.deliveries else None

    @property
    def note(self) -> str:
        """What the user should know of what runs, and is no fault; "" where there is nothing."""
        source = self.source.note if self.source else ""
        return " · ".join(filter(None, (source, self.slow_text)))

    @property
    def slow_text(self) -> str:
        """That the kernel does not keep up, and what helps; "" where it does."""
        if self.slow_hops is None or self.mel is None:
            return ""
        if self.is_building:
            remedy = "a compiled one, which may keep up, is being built"
        else:
            remedy = "a front-end with a longer hop or a shorter window, a lower sample rate"
            remedy += " or fewer channels take less"
        hop_ms = 1e3 * self.mel.hop_s
        return (
            f"the kernel takes {self.slow_hops:.1f} × the hop ({self.slow_hops * hop_ms:.3g} of "
            f"{hop_ms:.3g} ms), and sound is lost; {remedy}"
        )


def gain_text(status: EngineStatus) -> str:
    """Return the gain in force as text; "" where there is none."""
    gain_db = status.config.capture.gain_db
    sign = "−" if gain_db < 0 else "+"
    return f"gain {sign}{abs(gain_db):.6g} dB" if gain_db else ""
