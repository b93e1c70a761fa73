"""Per-channel energy normalisation against librosa's, and against Perch's formula written out."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.mel.chains import perch_mels, varied
from visualizer.errors import ConfigError
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.mel.presets import preset_for
from visualizer.mel.stages.pcen import Pcen
from visualizer.mel.stream import MelStream

NAMES = ("librosa-pcen", "perch-pcen")
ROUNDING = 2e-5
"""Of the largest value, in float32."""


def sound(front_end: FrontEnd, seconds: float = 1.0) -> NDArray[np.float32]:
    """Noise that gets louder by 40 dB, with a whole number of hops: (n_samples, 1)."""
    n_samples = round(seconds * front_end.sample_rate) // 320 * 320
    noise = np.random.default_rng(7).normal(0.0, 0.1, n_samples)
    louder = noise * np.geomspace(0.01, 1.0, n_samples)
    return louder.astype(np.float32)[:, None]


def streamed(front_end: FrontEnd, samples: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    stream = MelStream(front_end, front_end.sample_rate, samples.shape[1])
    pieces = [stream.push(samples[at : at + block]) for at in range(0, len(samples), block)]
    return np.concatenate((*pieces, stream.flush()), axis=2)


def librosas(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    mel = librosa.feature.melspectrogram(y=samples, power=1)
    return librosa.pcen(mel * 2**31)


def perchs(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    mel = perch_mels(samples)
    average = np.empty_like(mel)
    last = mel[:, 0]
    for t, column in enumerate(mel.T):
        last = 0.1 * column + 0.9 * last
        average[:, t] = last
    return np.sqrt(mel / (1e-6 + average) ** 0.5 + 2.0) - np.sqrt(2.0)


THEIRS = {"librosa-pcen": librosas, "perch-pcen": perchs}


@pytest.mark.parametrize("name", NAMES)
def test_the_live_form_equals_theirs_from_the_first_sample_on(name: str) -> None:
    front_end = preset_for(name)
    samples = sound(front_end)
    ours, theirs = streamed(front_end, samples, 997)[0], THEIRS[name](samples[:, 0].astype(float))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDING * theirs.max())


@pytest.mark.parametrize("name", NAMES)
def test_no_split_changes_a_bit_and_a_whole_clip_is_the_same(name: str) -> None:
    front_end = preset_for(name)
    assert front_end.dependence == "past"
    samples = np.concatenate((sound(front_end), 0.1 * sound(front_end)), axis=1)
    whole = streamed(front_end, samples, len(samples))
    for block in (320, 5001):
        np.testing.assert_array_equal(streamed(front_end, samples, block), whole)
    short = streamed(front_end, samples[:8000], 8000)
    np.testing.assert_array_equal(streamed(front_end, samples[:8000], 1), short)
    clip = clip_columns(samples, front_end, 5001, streaming=False)
    np.testing.assert_allclose(clip, whole, rtol=0, atol=ROUNDING * whole.max())


def test_silence_is_zero_and_a_louder_copy_differs_little() -> None:
    front_end = preset_for("librosa-pcen")
    silence = np.zeros((8000, 1), np.float32)
    np.testing.assert_array_equal(streamed(front_end, silence, 500), 0.0)
    quiet = sound(front_end)
    one, other = (streamed(front_end, samples, 4000)[0, :, 20:] for samples in (quiet, 8 * quiet))
    # A gain of 0.98 leaves a fiftieth of the 18 dB.
    assert np.abs(other - one).mean() < 0.1 * one.mean()


def test_a_power_of_zero_is_librosas_logarithm() -> None:
    front_end = preset_for("librosa-pcen")
    smoothing = next(s.smoothing for s in front_end.stages if isinstance(s, Pcen))
    without = varied(front_end, Pcen(smoothing, power=0.0), name="log")
    samples = sound(front_end)
    mel = librosa.feature.melspectrogram(y=samples[:, 0].astype(float), power=1)
    theirs = librosa.pcen(mel * 2**31, power=0)
    np.testing.assert_allclose(
        streamed(without, samples, 997)[0], theirs, rtol=0, atol=ROUNDING * theirs.max()
    )


def test_what_the_window_asks_of_it() -> None:
    front_end = preset_for("perch-pcen")
    assert not has_db(front_end)
    unit = PictureUnit.default(front_end)
    assert unit.unit == "model"
    low, high = unit.range()
    assert low == 0.0
    assert 0.01 < high < 1.0
    assert front_end.rows.edges_hz is not None
    assert flat_form(front_end) is None
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"smoothing": 0.0}, "smoothing is 0.0; it must be above 0 and up to 1"),
        ({"smoothing": 0.1, "start": "zero"}, "start is 'zero'; it must be 'one' or 'first'"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Pcen(**fields)  # type: ignore[arg-type]
