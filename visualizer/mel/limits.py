"""What rates, sizes and counts sound and front-ends can have."""

from __future__ import annotations

from typing import SupportsIndex

from visualizer.errors import require

SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ = 1_000, 768_000
"""From telephone sub-bands to ultrasound recorders; beyond lies a mistyped number."""

CLIP_PEAK = 0.999
"""Of full scale: a sample as large counts as clipped; 16 bits reach 0.99997."""

MAX_SAMPLES = 1 << 20
"""Of a window, a hop or a transform."""

MAX_BANDS = 4096

MAX_WEIGHTS = 1 << 26
"""Transform points times bands: as many as 4096 bands at 768 kHz take, and 256 MB."""

LEAST_FLOOR = 1e-37
"""Smaller numbers are 0 to float32, or nearly."""

RATE_LIMITS = f"from {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz"
"""As a message says it."""


def checked_sample_rate(value: object) -> int:
    """A rate in Hz that sound can have, as an int: also 44100.0. Raises ConfigError."""
    rate = _index(value)
    fits = SAMPLE_RATE_MIN_HZ <= rate <= SAMPLE_RATE_MAX_HZ
    require(fits, "sample_rate", value, RATE_LIMITS)
    return rate


def checked_n_channels(value: object) -> int:
    """A number of channels, as an int. Raises ConfigError."""
    n_channels = _index(value)
    require(n_channels >= 1, "n_channels", value, "1 or more")
    return n_channels


def _index(value: object) -> int:
    """A whole number of any type, NumPy's included; 0 for what is none."""
    is_whole = isinstance(value, SupportsIndex) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole and not isinstance(value, bool) else 0  # type: ignore[call-overload]
