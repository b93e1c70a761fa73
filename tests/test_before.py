"""What was written before front-ends were chains: it opens and gives the same columns.

The files in tests/before were written by the program as it was then, from sound.wav.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from visualizer import MelConfig, MelStream, preset
from visualizer.export.offline import write_features
from visualizer.mel.flat import flat_form, read
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import PRESETS
from visualizer.tools.diff.sides import Shared, obtain, operand

BEFORE = Path(__file__).with_name("before")
FRONT_ENDS: dict[str, dict[str, object]] = json.loads((BEFORE / "front_ends.json").read_text())
MENDED = ("full-band", "seamless", "yamnet")
"""Presets that were changed since; what was written of them stays what it was."""
ROUNDING = 1e-3
"""What float32 leaves in a logarithm, computed by another kernel."""

SAVED_SCRIPT = """\
import json

import numpy as np
import soundfile

from visualizer.config import MelConfig
from visualizer.mel.stream import MelStream

config = MelConfig.from_dict(json.loads({config!r}))
samples, sample_rate = soundfile.read({wav!r}, dtype="float32", always_2d=True)
stream = MelStream(config, sample_rate, 1)
first = stream.next_column
columns = np.concatenate((stream.push(samples), stream.flush()), axis=2)
mel = columns[0, 2:70, 3 - first : 40 - first]
"""
"""As the window wrote it, up to the line that compares."""


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_flat_front_end_is_read_as_the_chain_it_was(name: str, tmp_path: Path) -> None:
    front_end = read(FRONT_ENDS[name])
    assert MelConfig.from_dict(FRONT_ENDS[name]).front_end == front_end
    assert (front_end == PRESETS[name].front_end) == (name not in MENDED)
    flat = flat_form(front_end)
    assert flat is not None
    assert flat.to_dict() == FRONT_ENDS[name]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(FRONT_ENDS[name]))
    assert find_front_end(path).at(None) == front_end


def test_a_config_of_ones_own_is_made_and_varied_as_before() -> None:
    mine = MelConfig(
        name="mine", sample_rate=16_000, n_fft=512, win_length=400, hop_length=160, offset=-200,
        power=2, n_mels=64, f_min=0.0, f_max=8000.0, mel_scale="htk", norm=None, log="ln",
        log_floor=1e-5,
    )  # fmt: skip
    assert (mine.hop_s, mine.n_columns(16_000), mine.needs_whole_clip) == (0.01, 101, False)
    whisper = preset("whisper-80")
    assert isinstance(whisper, MelConfig)
    assert dataclasses.replace(whisper, n_mels=40).n_mels == 40
    assert MelStream(mine, 16_000, 1).push(np.zeros((16_000, 1), np.float32)).shape == (1, 64, 99)


def test_full_band_takes_the_bins_that_its_triangles_passed() -> None:
    samples = np.random.default_rng().normal(0.0, 0.1, (4000, 1)).astype(np.float32)
    then, now = (
        MelStream(front_end, 16_000, 1).push(samples)
        for front_end in (read(FRONT_ENDS["full-band"]), PRESETS["full-band"].front_end)
    )
    assert now.shape == (1, 255, 19)
    np.testing.assert_allclose(now, then, rtol=1e-5, atol=1e-6 * then.max())


@pytest.mark.parametrize("name", ["whisper-80", "seamless"])
def test_features_are_opened_and_come_out_again(name: str, tmp_path: Path) -> None:
    out, front_end = tmp_path / "now.npz", read(FRONT_ENDS[name])
    write_features(BEFORE / "sound.wav", out, lambda _: front_end, "mean", streaming=False)
    shared = Shared(BEFORE / "sound.wav", lambda _: front_end, None, tmp_path)
    then, now = (obtain(operand(str(path)), shared) for path in (BEFORE / f"{name}.npz", out))
    assert then.mel == now.mel == front_end
    np.testing.assert_allclose(now.values, then.values, rtol=0, atol=ROUNDING)


def test_a_recording_is_opened_and_its_sound_gives_its_columns(tmp_path: Path) -> None:
    shared = Shared(BEFORE / "take.wav", lambda _: PRESETS["kaldi"].front_end, None, tmp_path)
    take = obtain(operand(str(BEFORE / "take.npz")), shared)
    assert take.mel == PRESETS["kaldi"].front_end
    samples, rate = soundfile.read(BEFORE / "take.wav", dtype="float32", always_2d=True)
    stream = MelStream(take.mel, rate, 1)
    columns = np.concatenate((stream.push(samples), stream.flush()), axis=2)[0]
    known = ~np.isnan(take.values).any(axis=0)
    n = min(columns.shape[1], len(known))
    assert known[:n].sum() > 40
    np.testing.assert_allclose(
        columns[:, :n][:, known[:n]], take.values[:, :n][:, known[:n]], rtol=0, atol=1e-2
    )


def test_a_script_that_the_window_saved_runs_without_torch(tmp_path: Path) -> None:
    config = json.dumps(FRONT_ENDS["kaldi"])
    script = SAVED_SCRIPT.format(config=config, wav=str(BEFORE / "take.wav"))
    script += "import sys\nassert 'torch' not in sys.modules\nnp.save('mel.npy', mel)\n"
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True
    )
    mel = np.load(tmp_path / "mel.npy")
    with np.load(BEFORE / "take.npz") as take:
        columns = dict(zip(take["column"].tolist(), take["mel"].T, strict=True))
    then = np.array([columns[t] for t in range(3, 40)]).T[2:70]
    np.testing.assert_allclose(mel, then, rtol=0, atol=1e-2)
