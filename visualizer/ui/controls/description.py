"""What runs, in a line of words."""

from __future__ import annotations

from visualizer.engine.status import EngineStatus
from visualizer.mel.level import STREAMING_FORM


def describe(status: EngineStatus) -> str:
    """The line under the picture."""
    source, mel = status.source, status.mel
    if source is None or mel is None:
        return "starting: loading torch" if status.state == "starting" else "nothing is running"
    states = {"ended": " · ended", "waiting": " · waiting for it"}
    state = states.get(status.state, "")
    top = f"{mel.f_min:g}–{mel.f_max:g} Hz"
    if mel.f_max > mel.sample_rate / 2:
        top += f" (empty above {mel.sample_rate / 2:g})"
    form = f" · {STREAMING_FORM}" if mel.needs_whole_clip else ""
    streaming = " (streaming form)" if mel.needs_whole_clip else ""
    bands = "bins" if mel.mel_scale == "linear" else "mels"
    return (
        f"{source.name}{state} · {source.sample_rate} Hz · {mel.name}{streaming}: window "
        f"{mel.win_length / mel.sample_rate * 1e3:.4g} ms, hop {mel.hop_s * 1e3:.4g} ms, "
        f"{mel.n_mels} {bands} {top}{form}"
    )
