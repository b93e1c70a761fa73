"""What the readers share: sample rates, frames as an STFT cuts them, and Kaldi's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visualizer.mel.limits import SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ
from visualizer.mel.model_files.hugging_face.chain import power_of_2, stage
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of

LIBROSA_FLOOR = 1e-10
"""What most code raises powers to before their logarithm."""

_KALDI_LENGTH_MS, _KALDI_SHIFT_MS = Known(25.0), Known(10.0)
_KALDI_FLOOR = 2.0**-23
"""float32's epsilon"""


def centred_frames(win_length: Known, hop_length: Known, n_fft: Known, edge: Any) -> StageValues:
    """Return the frames of torch.stft and librosa.stft with center=True: 1 + N // hop_length."""
    return padded_frames(win_length, hop_length, n_fft, n_fft.map(lambda n: n // 2), edge)


def padded_frames(
    win_length: Known, hop_length: Known, n_fft: Known, padding: Known, edge: Any
) -> StageValues:
    """Return the frames of an STFT with center=False over a sound with padding on both sides.

    A window shorter than the transform lies in the middle of it, and a column needs all samples of
    its transform: 1 + (N + 2·padding − n_fft) // hop_length.
    """
    given = win_length, n_fft, padding
    offset = of(lambda win, n, pad: (n - win) // 2 - pad, *given)
    reach = of(lambda win, n, pad: _unused(win, n, pad), *given)
    followed_by = {"followed_by": reach} if reach.value else {}
    count = {"count": "whole"} if offset.value > 0 else {}
    return stage(
        "frames",
        win_length=win_length,
        hop_length=hop_length,
        offset=offset,
        edge=edge,
        **count,
        **followed_by,
    )


def _unused(win_length: int, n_fft: int, padding: int) -> int:
    """Return how many samples behind the window the transform and the padding still need."""
    before = (n_fft - win_length) // 2
    if before > padding:
        return n_fft - win_length - before - padding
    return (n_fft - win_length) % 2


def kaldi_columns(
    rate: Known,
    scaled: StageValues | None,
    window: Any,
    bands: Known,
    f_max: Known,
    *,
    length_ms: Known = _KALDI_LENGTH_MS,
    shift_ms: Known = _KALDI_SHIFT_MS,
    is_snipped: bool = False,
) -> list[StageValues | None]:
    """Return the stages of Kaldi's filter banks (feature-fbank.h), but for its noise.

    Args:
        rate: in Hz.
        scaled: the stage that scales the samples, if they are.
        window: its kind, or None.
        bands: how many.
        f_max: upper edge of the last band, in Hz.
        length_ms: of a frame.
        shift_ms: from a frame to the next.
        is_snipped: whether a frame counts only where it lies within the sound.
    """
    win, hop = (of(lambda hz, ms: int(hz * ms * 0.001), rate, ms) for ms in (length_ms, shift_ms))
    places = {"offset": Known(0)}
    if not is_snipped:
        places = {"offset": of(lambda n, step: step // 2 - n // 2, win, hop)}
        places |= {"edge": Known("symmetric"), "count": Known("nearest")}
    return [
        stage("frames", win_length=win, hop_length=hop, **places),
        scaled,
        stage("remove_dc"),
        stage("frame_preemphasis", coefficient=0.97),
        None if window is None else stage("window", kind=window),
        stage("spectrum", n_fft=power_of_2(win), power=2),
        stage(
            "mel",
            n_mels=bands,
            f_min=20.0,
            f_max=f_max,
            mel_scale="htk",
            norm=None,
            triangles="mel",
        ),
        stage("log", kind="ln", floor=_KALDI_FLOOR),
    ]


def sample_rate(values: FileValues, key: str, default: int | None) -> Known:
    """Return a sample rate in Hz that a front-end can have."""
    return values.whole(key, default, low=SAMPLE_RATE_MIN_HZ, high=SAMPLE_RATE_MAX_HZ)


def part(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the object under a key, or an empty one."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}
