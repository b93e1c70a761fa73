from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
import torchaudio

from visualizer.errors import ConfigError
from visualizer.mel.arrays import NumpyArrays
from visualizer.mel.compute import available_devices, choose_device
from visualizer.mel.flat import MelConfig
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.presets import preset, preset_for
from visualizer.mel.stream import MelStream

RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)

RELATIVE = 1e-5
"""Of the clip's maximum: what float32 references justify for linear features."""


def noise(n_samples: int, n_channels: int = 1) -> np.ndarray:
    samples = np.random.default_rng().normal(0, 0.1, (n_samples, n_channels))
    return samples.astype(np.float32)


def streamed(config: MelConfig | FrontEnd, samples: np.ndarray, block_length: int) -> np.ndarray:
    stream = MelStream(config, config.sample_rate, samples.shape[1])
    pieces = [
        stream.push(samples[at : at + block_length]) for at in range(0, len(samples), block_length)
    ]
    columns = np.concatenate((*pieces, stream.flush()), axis=2)
    assert stream.next_column == columns.shape[2]
    return columns


def assert_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=RELATIVE * np.abs(theirs).max())


@pytest.mark.parametrize("rate", RATES_HZ)
def test_simli_equals_the_articles_own_formula(rate: int) -> None:
    """torch.stft and melscale_fbanks as the article calls them.

    At an odd n_fft or rate the article's filters sit at shifted bins; the exact ones come from
    the same function over twice the range, of which the lower half is kept.
    """
    samples = noise(rate + 123)
    n_fft, hop_length = int(0.05 * rate), int(0.0125 * rate)
    n_freqs = n_fft // 2 + 1
    spectrum = torch.stft(
        torch.from_numpy(samples[:, 0]),
        n_fft,
        hop_length,
        window=torch.hann_window(n_fft),
        center=True,
        pad_mode="constant",
        return_complex=True,
    ).abs()
    if n_fft % 2 == 0 and rate % 2 == 0:
        filters = torchaudio.functional.melscale_fbanks(
            n_freqs, 55.0, 7600.0, 80, rate, norm="slaney"
        )
    else:
        filters = torchaudio.functional.melscale_fbanks(
            n_fft + 1, 55.0, 7600.0, 80, 2 * rate, norm="slaney"
        )[:n_freqs]
    theirs = (spectrum.T @ filters).T.numpy()
    assert_equal(streamed(preset("simli", rate), samples, 79)[0], theirs)


@pytest.mark.parametrize("rate", RATES_HZ)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_simli_librosa_equals_librosa(rate: int) -> None:
    samples = noise(rate + 123)
    theirs = librosa.feature.melspectrogram(
        y=samples[:, 0],
        sr=rate,
        n_fft=int(0.05 * rate),
        hop_length=int(0.0125 * rate),
        n_mels=80,
        fmin=55,
        fmax=7600,
    )
    assert_equal(streamed(preset("simli-librosa", rate), samples, 79)[0], theirs)


@pytest.mark.parametrize("rate", RATES_HZ)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_librosa_equals_librosa(rate: int) -> None:
    samples = noise(rate + 123)
    theirs = librosa.feature.melspectrogram(y=samples[:, 0], sr=rate)
    assert_equal(streamed(preset("librosa", rate), samples, 79)[0], theirs)


@pytest.mark.parametrize(
    ("rate", "n_fft"),
    [
        *((1_000, 32), (8_000, 256), (11_025, 256), (16_000, 512), (44_100, 1024), (48_000, 1024)),
        *((192_000, 4096), (384_000, 8192), (768_000, 16_384)),
    ],
)
def test_full_band_is_every_bin_of_the_power_spectrum(rate: int, n_fft: int) -> None:
    config = preset_for("full-band", rate)
    simli = preset_for("simli", rate)
    assert (config.win_length, config.n_rows) == (n_fft, n_fft // 2 - 1)
    assert config.hop_length == simli.hop_length
    # Neither 0 Hz nor half the rate.
    assert config.rows.edges_hz is not None
    np.testing.assert_allclose(config.rows.edges_hz, np.arange(n_fft // 2 + 1) * rate / n_fft)
    samples = noise(rate // 4 + 123)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    padded = np.pad(samples[:, 0].astype(np.float64), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: config.hop_length]
    powers = np.abs(np.fft.rfft(frames * window)) ** 2
    ours = streamed(config, samples, 79)[0]
    assert_equal(ours, powers[:, 1:-1].T)
    # Column for column beside simli's: both are centred on the same samples.
    assert ours.shape[1] == streamed(simli, samples, 7999).shape[2]


def test_full_band_multiplies_no_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a product of 8192 points and 4095 bands takes longer than a hop")

    monkeypatch.setattr(NumpyArrays, "product", refuse)
    assert streamed(preset("full-band", 384_000), noise(20_000), 4800).shape == (1, 4095, 5)


@pytest.mark.parametrize("block_length", [1, 79, 80, 200, 799, 800, 801, 5000])
def test_blocks_do_not_change_the_columns(block_length: int) -> None:
    samples = noise(5000)
    config = preset("simli", 16_000)
    whole = streamed(config, samples, len(samples))
    np.testing.assert_array_equal(streamed(config, samples, block_length), whole)


def test_channels_are_transformed_each_for_itself() -> None:
    samples = noise(4000, 3)
    config = preset("simli-librosa", 16_000)
    together = streamed(config, samples, 160)
    for channel in range(3):
        alone = streamed(config, samples[:, channel : channel + 1], 160)[0]
        assert_equal(together[channel], alone)


def test_columns_handed_out_stay_as_they_were() -> None:
    config = preset("simli", 16_000)
    stream = MelStream(config, config.sample_rate, 1)
    first = stream.push(noise(800))
    kept = first.copy()
    stream.push(noise(8000))
    np.testing.assert_array_equal(first, kept)


def test_sound_of_another_rate_is_resampled() -> None:
    config = preset("whisper-80")
    samples = noise(48_000)
    resampled = torchaudio.functional.resample(torch.from_numpy(samples.T), 48_000, 16_000)
    theirs = streamed(config, resampled.numpy().T, 16_000)
    stream = MelStream(config, 48_000, 1)
    assert 0 < stream.held_back_s < 0.001
    for _ in range(2):
        pieces = [stream.push(samples[at : at + 480]) for at in range(0, 48_000, 480)]
        ours = np.concatenate((*pieces, stream.flush()), axis=2)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
        stream.reset()


@pytest.mark.parametrize("shape", [(100,), (100, 1), (2, 100)])
def test_samples_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    stream = MelStream(preset("simli", 16_000), 16_000, 2)
    with pytest.raises(ValueError, match=r"\(n_samples, 2\) is expected"):
        stream.push(np.zeros(shape, np.float32))


def test_what_is_no_array_is_refused() -> None:
    stream = MelStream(preset("simli", 16_000), 16_000, 1)
    with pytest.raises(ValueError, match=r"of type list; a NumPy array \(n_samples, 1\)"):
        stream.push([1, 2])  # type: ignore[arg-type]


def test_after_a_loss_no_column_rests_on_a_sample_from_before_it() -> None:
    """Pre-emphasis reaches one sample back; a Hamming window gives that one weight."""
    config = replace(preset("nemo-streaming"), window="hamming")
    before, after = noise(4000), noise(4000)
    stream = MelStream(config, config.sample_rate, 1)
    stream.push(before)
    # As many as let a frame begin with the very first sample after them.
    lost = 32 * config.hop_length + config.offset - len(before)
    stream.skip(lost)
    first = stream.next_column
    ours = stream.push(after)
    signal = np.concatenate((before, np.ones((lost, 1), np.float32), after))
    whole = MelStream(config, config.sample_rate, 1).push(signal)
    assert ours.shape[2] > 10
    np.testing.assert_array_equal(ours, whole[:, :, first : first + ours.shape[2]])


def test_a_device_that_is_not_there_is_refused_in_words() -> None:
    absent = next(c for c in ("mps", "cuda") if c not in available_devices())
    with pytest.raises(ConfigError, match=f"{absent}.*not available.*choose auto or cpu"):
        choose_device(absent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "sample_rate", "n_channels", "words"),
    [
        (preset("simli"), 0, 1, "sample_rate is 0; it must be from 1000 to"),
        (preset("simli"), -1, 1, "sample_rate is -1"),
        (preset("simli"), 16_000, 0, "n_channels is 0; it must be 1 or more"),
        (preset("simli"), "16000", 1, "sample_rate is '16000'; it must be from 1000 to"),
        (preset("simli"), 16_000, 1.5, "n_channels is 1.5; it must be 1 or more"),
        (preset("simli"), 16_000, True, "n_channels is True; it must be 1 or more"),
        ("simli", 16_000, 1, "the front-end is 'simli'; it must be a FrontEnd or"),
    ],
)
def test_what_no_sound_has_is_said(
    config: MelConfig, sample_rate: int, n_channels: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        MelStream(config, sample_rate, n_channels)
