"""Cepstral coefficients against torchaudio's and kaldi-native-fbank's."""

from __future__ import annotations

import kaldi_native_fbank
import numpy as np
import pytest
import scipy.fft
import soundfile
import torch
import torchaudio
from numpy.typing import NDArray

from tests.mel.chains import varied
from visualizer.errors import ConfigError
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import flat_form
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels.tensor_kernel import MelKernel
from visualizer.mel.picture import PictureUnit, has_db
from visualizer.mel.presets import preset_for
from visualizer.mel.stages.dct import Dct
from visualizer.mel.stream import MelStream
from visualizer.support.shipped import shipped

RATE_HZ = 16_000


def noise(n_samples: int = RATE_HZ) -> NDArray[np.float32]:
    return np.random.default_rng(11).normal(0.0, 0.1, n_samples).astype(np.float32)


def test_torchaudios() -> None:
    front_end, samples = preset_for("torchaudio-mfcc"), noise()
    theirs = torchaudio.transforms.MFCC()(torch.from_numpy(samples)).numpy()
    ours = clip_columns(samples[:, None], front_end, 4000, streaming=False)[0]
    assert ours.shape == theirs.shape == (40, 81)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-2)


def test_kaldis() -> None:
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0.0
    options.use_energy = False
    computer = kaldi_native_fbank.OnlineMfcc(options)
    samples = noise()
    computer.accept_waveform(RATE_HZ, (32_768.0 * samples).tolist())
    theirs = np.stack([computer.get_frame(t) for t in range(computer.num_frames_ready)], axis=1)
    stream = MelStream(preset_for("kaldi-mfcc"), RATE_HZ, 1)
    ours = np.concatenate((stream.push(samples[:, None]), stream.flush()), axis=2)[0]
    assert ours.shape == theirs.shape == (13, 98)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-2)


@pytest.mark.parametrize("norm", ["ortho", None])
def test_the_transform_is_scipys(norm: str | None) -> None:
    columns = np.random.default_rng(3).normal(size=(23, 5))
    ours = Dct(13, norm=norm).matrix(23).T @ columns  # type: ignore[arg-type]
    np.testing.assert_allclose(ours, scipy.fft.dct(columns, axis=0, norm=norm)[:13], atol=1e-12)


def test_it_is_part_of_the_kernel_where_only_frames_come_before() -> None:
    """So that a compiled kernel computes it too."""
    assert preset_for("kaldi-mfcc").column_stages == ()
    front_end = preset_for("torchaudio-mfcc")
    assert [stage.stage for stage in front_end.column_stages] == ["dynamic_range", "dct"]
    assert (front_end.n_kernel_rows, front_end.n_rows) == (128, 40)
    samples = torch.from_numpy(noise()[:, None])
    ours = MelKernel(front_end).clip(samples)[0].numpy()
    theirs = clip_columns(samples.numpy(), front_end, 4000, streaming=False)[0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-2)


def test_its_rows_are_no_frequencies() -> None:
    front_end = preset_for("kaldi-mfcc")
    rows = front_end.rows
    assert (rows.kind, rows.plural, rows.edges_hz) == ("coefficient", "coefficients", None)
    assert rows.labels == tuple(str(k) for k in range(13))
    assert np.isnan(rows.position([440.0, 1000.0])).all()
    assert not has_db(front_end)
    low, high = PictureUnit.default(front_end).range()
    assert low == -high
    assert flat_form(front_end) is None
    assert FrontEnd.from_dict(front_end.to_dict()) == front_end


@pytest.mark.parametrize("name", ["kaldi-mfcc", "torchaudio-mfcc"])
def test_the_range_of_colours_fits_the_coefficients_of_speech(name: str) -> None:
    """All but the first, which the loudness alone may put anywhere."""
    front_end = preset_for(name)
    sound, rate_hz = soundfile.read(shipped("demo.flac"), dtype="float32", always_2d=True)
    speech = sound[: 5 * rate_hz].mean(axis=1, keepdims=True)
    columns = MelStream(front_end, rate_hz, 1).push(speech)[0]
    low, high = PictureUnit.default(front_end).range()
    for row in columns[1:]:
        # Neither lost beyond the ends of the range nor in its middle.
        assert np.mean((row < low) | (row > high)) < 0.1
    assert np.percentile(np.abs(columns[1:]), 99) > 0.4 * high


def test_more_coefficients_than_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="n_coefficients is 24; it must be at most 23"):
        varied(preset_for("kaldi-mfcc"), Dct(24, lifter=22.0), name="wide")
