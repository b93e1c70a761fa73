"""The adapters, held to what their packages answer themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
import torch
from silero_vad import load_silero_vad
from torchfcpe import spawn_bundled_infer_model

from visualizer.audio.demo import demo_path
from visualizer.mel.front_ends import front_end
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.stream import MelStream
from visualizer.models.adapters.fcpe import Fcpe
from visualizer.models.adapters.silero_vad import SileroVad
from visualizer.models.contract import Model, read_answers, spec_of

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """8 s of the demo at 16 kHz."""
    samples, rate = soundfile.read(demo_path(), dtype="float32", always_2d=True)
    resampler = StreamingResampler(rate, RATE_HZ, 1)
    return resampler.push(samples[: 8 * rate].mean(axis=1, keepdims=True))[:, 0]


def glide() -> np.ndarray:
    """From 100 to 400 Hz in 4 s, with ten harmonics, in a second of silence before and after."""
    moments = np.arange(4 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(100 * 4 ** (moments / 4)) / RATE_HZ
    harmonics = sum(np.sin(k * phase) / k for k in range(1, 11))
    samples = np.pad(0.2 * harmonics, RATE_HZ) + 1e-4 * np.sin(np.arange(6 * RATE_HZ) ** 2)
    return samples.astype(np.float32)


def answers(model: Model, inputs: np.ndarray) -> np.ndarray:
    """Return all that it answers to a stream, whose last axis is time: (n_answers, n_numbers)."""

    def rows() -> Iterator[np.ndarray]:
        spec = spec_of(model)
        for at in range(0, inputs.shape[-1] - spec.window + 1, spec.step):
            block = np.ascontiguousarray(inputs[..., at : at + spec.window])
            yield read_answers(spec, model(block))[0]

    return np.concatenate([*rows()])


def test_silero_answers_chunk_by_chunk_as_its_package(speech: np.ndarray) -> None:
    model = SileroVad()
    # As its package does, which fills the last chunk with silence.
    assert model.fills_last
    filled = np.pad(speech, (0, -len(speech) % model.window))
    ours = answers(model, filled)[:, 0]
    network = load_silero_vad()
    with torch.no_grad():
        theirs = network.audio_forward(torch.from_numpy(speech), RATE_HZ)[0].numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)
    # It speaks, and it is silent.
    assert ours.min() < 0.1
    assert ours.max() > 0.9
    model.reset()
    np.testing.assert_array_equal(answers(model, filled)[:, 0], ours)


@pytest.fixture(scope="module")
def fcpe_package() -> torch.nn.Module:
    network: torch.nn.Module = spawn_bundled_infer_model("cpu")
    return network


def test_fcpe_is_fed_what_its_package_feeds_it(
    speech: np.ndarray, fcpe_package: torch.nn.Module
) -> None:
    [theirs] = fcpe_package.wav2mel(torch.from_numpy(speech)[None, :, None], RATE_HZ).numpy()
    ours = fed(speech)
    # The package repeats its last column.
    assert ours.shape[1] == len(theirs) - 1
    np.testing.assert_allclose(ours.T, theirs[:-1], rtol=0, atol=5e-3)


@pytest.mark.parametrize("silence", [True, False])
def test_fcpe_follows_a_glide_as_its_package_does(
    fcpe_package: torch.nn.Module, silence: bool
) -> None:
    samples = glide() if silence else glide()[RATE_HZ:-RATE_HZ]
    model = Fcpe()
    ours = answers(model, fed(samples))[:, 0]
    with torch.no_grad():
        theirs = fcpe_package.infer(torch.from_numpy(samples)[None, :, None], RATE_HZ)
    theirs = theirs[0, : len(ours), 0].numpy()
    assert len(ours) >= len(samples) / 160 - 24
    is_voiced = theirs > 32.7
    # A column where the glide begins or ends may be taken either way.
    assert (np.isfinite(ours) != is_voiced).sum() <= 2
    both = is_voiced & np.isfinite(ours)
    assert np.abs(1200 * np.log2(ours[both] / theirs[both])).max() < 20
    assert ours[both][[0, -1]] == pytest.approx((100, 400), rel=0.1)
    model.reset()
    np.testing.assert_array_equal(answers(model, fed(samples))[:, 0], ours)


def fed(samples: np.ndarray) -> np.ndarray:
    """The columns that fcpe is fed: (n_rows, n_columns)."""
    stream = MelStream(front_end(Fcpe.front_end), RATE_HZ, 1)
    return np.concatenate((stream.push(samples[:, None]), stream.flush()), axis=2)[0]
