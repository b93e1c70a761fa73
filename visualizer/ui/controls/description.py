"""What runs, in a line of words."""

from __future__ import annotations

from visualizer.engine.status import EngineStatus, gain_text

STREAMING_FORM = "running: the clip so far stands for the whole"


def describe(status: EngineStatus) -> str:
    """The line under the picture."""
    source, mel = status.source, status.mel
    if source is None or mel is None:
        return "starting" if status.state == "starting" else "nothing is running"
    states = {"ended": " · ended", "waiting": " · waiting for it"}
    state = states.get(status.state, "")
    edges, top = mel.rows.edges_hz, ""
    if edges is not None:
        top = f" {edges.min():g}–{edges.max():g} Hz"
    if edges is not None and edges.max() > mel.sample_rate / 2:
        top += f" (empty above {mel.sample_rate / 2:g})"
    gain = f" · {text}" if (text := gain_text(status)) else ""
    form = f" · {STREAMING_FORM}" if mel.needs_whole_clip else ""
    streaming = " (streaming form)" if mel.needs_whole_clip else ""
    return (
        f"{source.name}{state} · {source.sample_rate} Hz{gain} · {mel.name}{streaming}: window "
        f"{mel.win_length / mel.sample_rate * 1e3:.4g} ms, hop {mel.hop_s * 1e3:.4g} ms, "
        f"{mel.n_rows} {mel.rows.plural}{top}{form}"
    )
