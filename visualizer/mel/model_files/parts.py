"""What the readers share: values of files, frames as an STFT cuts them, and Kaldi's columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from visualizer.mel.limits import SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ
from visualizer.mel.model_files.values import FileValues, Known, StageValues, of
from visualizer.mel.stages import STAGES

LIBROSA_FLOOR = 1e-10
"""What most code raises powers to before their logarithm."""

KALDI_WINDOWS = {
    "povey": "povey",
    "hanning": "hann_symmetric",
    "hamming": "hamming_symmetric",
    "blackman": "blackman_symmetric",
    "rectangular": None,
}
"""What Kaldi and torchaudio.compliance.kaldi call them."""

_KALDI_LENGTH_MS, _KALDI_SHIFT_MS = Known(25.0), Known(10.0)
_KALDI_FLOOR = 2.0**-23
"""float32's epsilon"""


def part(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the object under a key, or an empty one."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def sample_rate(values: FileValues, key: str, default: int | None) -> Known:
    """Return a sample rate in Hz that a front-end can have."""
    return values.whole(key, default, low=SAMPLE_RATE_MIN_HZ, high=SAMPLE_RATE_MAX_HZ)


def nullable(values: FileValues, key: str, default: float) -> Known:
    """Return a number that the class takes null for, which then is None."""
    if key in values and values.raw(key) is None:
        return Known(None, "file", key)
    return values.number(key, default)


def per_row(values: FileValues, key: str, n_rows: Known, formula: Callable[[float], float]) -> Any:
    """Return what a formula makes of the numbers of the rows, of None where there are none.

    Raises:
        ConfigError: where there are not as many as rows, or one has no answer.
    """
    numbers = values.numbers(key)
    if numbers is None:
        return None
    try:
        made = numbers.map(lambda each: tuple(map(formula, each)))
    except ZeroDivisionError:
        raise values.error(key, "numbers other than 0") from None
    if len(made.value) != n_rows.value:
        raise values.error(key, f"as many numbers as rows ({n_rows.value})")
    return made


def ignore(values: FileValues, why: str, *keys: str) -> None:
    """Note values that the class does not use."""
    for key in keys:
        values.ignore(key, why)


def noise(values: FileValues, default: float = 0.0) -> str | None:
    """Return a note on noise that nobody can repeat, where the class adds some."""
    amount = values.number("dither", default).value
    if not amount:
        return None
    return f"the class adds noise of {amount:g}, different at each call; it is left out here"


def half(rate: Known) -> Known:
    """Return half the sample rate, in Hz."""
    return rate.map(lambda hz: hz / 2)


def whole_half(rate: Known) -> Known:
    """Return half the sample rate without its fraction, in Hz."""
    return rate.map(lambda hz: float(hz // 2))


def power_of_2(length: Known) -> Known:
    """Return the least power of 2 that is not below a length."""
    return length.map(lambda n: 2 ** math.ceil(math.log2(max(n, 1))))


def stage(name: str, **fields: Any) -> StageValues:
    """Return a stage by its name in a chain's JSON, with Known or plain values."""
    return STAGES[name], fields


def centred(win_length: Known, n_fft: Known) -> Known:
    """Return the offset that puts the middle of frame t's transform at sample t·hop_length.

    torch.stft and transformers' spectrogram place a shorter window in the middle of the transform.
    """
    return of(lambda win, n: (n - win) // 2 - n // 2, win_length, n_fft)


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


def one_per_hop(win_length: Known, hop_length: Known, n_fft: Known, **fields: Any) -> StageValues:
    """Return centred frames, one for each whole hop of the sound: N // hop_length.

    torch.stft gives one more, which the classes drop or mask.
    """
    offset = centred(win_length, n_fft)
    # A frame that is complete before its hop has ended only counts when that has.
    waits = of(lambda win, hop, o: max(0, hop - win - o), win_length, hop_length, offset)
    count = {"count": "whole", "followed_by": waits} if waits.value else {"count": "per_hop"}
    lengths = {"win_length": win_length, "hop_length": hop_length, "offset": offset}
    return stage("frames", **lengths, **count, **fields)


def mel(rate: Known, **fields: Any) -> StageValues:
    """Return filters over bins as transformers' mel_filter_bank and torchaudio lay them out.

    They space them evenly from 0 to sampling_rate // 2 Hz, as though an odd rate were one less.
    """
    if rate.value % 2:
        fields["rate"] = rate.map(lambda hz: hz - 1)
    return stage("mel", **fields)


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
