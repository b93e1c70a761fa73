"""What is recorded of a running engine can be read again, and is what was heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.test_engine import CALM, FILE, HOP, MIC, RATE_HZ, Bench
from tests.models.made_up import made_up
from visualizer.audio.channels import Channel, signals_of
from visualizer.audio.wav import SAMPLE_BYTES, SoundFormat
from visualizer.engine.config import EngineConfig
from visualizer.engine.options import RecordingConfig
from visualizer.engine.status import EngineStatus
from visualizer.errors import VisualizerError
from visualizer.export.past import save_last
from visualizer.export.recorder import LEAST_FREE_BYTES, Recorder, RecorderState, take_of
from visualizer.export.take import TakeFiles, begin_on_grid
from visualizer.export.writer import TakeWriter
from visualizer.mel.flat import MelConfig
from visualizer.mel.presets import preset, preset_for
from visualizer.mel.stream import MelStream
from visualizer.models.answers import Answers
from visualizer.models.contract import ModelSpec, Output
from visualizer.models.history import Answered

PLENTY = LEAST_FREE_BYTES * 10


def noise(n_samples: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (n_samples, 2)).astype(np.float32)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(EngineConfig(MIC))
    yield bench
    bench.engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


class Recording:
    """A recorder on a bench's engine."""

    def __init__(
        self,
        bench: Bench,
        folder: Path,
        sound_format: SoundFormat = "float32",
        free_bytes: Callable[[Path], int] = lambda _: PLENTY,
    ) -> None:
        self.bench = bench
        self.changed = threading.Event()
        config = RecordingConfig(str(folder), sound_format)
        engine = bench.engine
        self.recorder = Recorder(
            config, engine.status(), engine.status, self.changed.set, free_bytes
        )
        self.given = len(bench.columns)

    def hear(self, samples: np.ndarray, lost: int = 0) -> None:
        """Let it come to the engine, and its columns to the recorder."""
        at = self.bench.engine.status().sound
        assert at is not None
        wanted = at.end + lost + len(samples)
        self.bench.write(samples, lost)
        self.bench.until(lambda status: status.sound is not None and status.sound.end == wanted)
        self.give()

    def give(self) -> None:
        for columns in self.bench.columns[self.given :]:
            self.recorder.add(columns)
        self.given = len(self.bench.columns)

    def until(self, condition: Callable[[RecorderState], bool]) -> None:
        while not condition(self.recorder.state):
            assert self.changed.wait(20), self.recorder.state
            self.changed.clear()

    def end(self) -> list[TakeFiles]:
        self.recorder.stop()
        self.recorder.join(20)
        state = self.recorder.state
        assert (state.is_on, state.fault) == (False, None)
        return list(state.files)


def features(files: TakeFiles) -> dict[str, np.ndarray]:
    with np.load(files.features, allow_pickle=False) as archive:
        return dict(archive)


def about(files: TakeFiles) -> dict[str, object]:
    values = json.loads(files.about.read_text())
    assert isinstance(values, dict)
    return values


def opened_again(files: TakeFiles, channel: Channel = "mean") -> np.ndarray:
    """The columns of the WAV through the same front-end: (n_mels, n_columns)."""
    samples, rate = soundfile.read(files.sound, dtype="float32", always_2d=True)
    config = MelConfig.from_dict(json.loads(str(features(files)["config"])))
    stream = MelStream(config, rate, 1)
    parts = [stream.push(signals_of(samples, channel)), stream.flush()]
    return np.concatenate(parts, axis=2)[0]


def heard_from(bench: Bench, n_samples: int) -> None:
    """The bench runs, and has heard some sound."""
    bench.start()
    bench.until(lambda status: status.state == "running")
    samples = noise(n_samples, seed=1)
    for at in range(0, n_samples, 4000):
        bench.write(samples[at : at + 4000])
        end = min(n_samples, at + 4000)
        bench.until(lambda s, end=end: s.sound is not None and s.sound.end == end)


def test_a_recording_opened_again_gives_the_same_columns(bench: Bench, folder: Path) -> None:
    heard_from(bench, 5000)
    recording = Recording(bench, folder)
    samples = noise(RATE_HZ)
    for at in range(0, RATE_HZ, 400):
        recording.hear(samples[at : at + 400])
    (files,) = recording.end()
    found = features(files)
    assert found["form"] == "streaming"
    again = opened_again(files)
    assert found["mel"].shape == (80, len(found["column"]))
    # It began at the hop before, so all but what reaches before that is there.
    assert found["column"][0] <= 3
    assert found["mel"].shape[1] > RATE_HZ // HOP - 6
    np.testing.assert_allclose(found["mel"], again[:, found["column"]], rtol=1e-6, atol=1e-6)
    written, rate = soundfile.read(files.sound, dtype="float32")
    assert rate == RATE_HZ
    np.testing.assert_array_equal(written[-RATE_HZ:], samples)
    config = preset_for("simli", RATE_HZ)
    first_s = (config.offset + config.win_length / 2) / RATE_HZ
    np.testing.assert_allclose(found["times_s"], found["column"] * HOP / RATE_HZ + first_s)
    stamps = [found[name] for name in ("captured_at", "dequeued_at", "computed_at")]
    assert (np.diff(stamps, axis=0) >= 0).all()
    said = about(files)
    assert said["finished"] is True
    assert said["counters"]["gaps"] == 0  # type: ignore[index]
    assert MelConfig.from_dict(said["front_end"]).front_end == bench.engine.status().mel
    assert {path.suffix for path in folder.iterdir()} == {".wav", ".npz", ".json"}


def test_lost_sound_is_silence_of_its_length_and_marked(bench: Bench, folder: Path) -> None:
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    before, after = noise(6000), noise(6000, seed=8)
    recording.hear(before)
    recording.hear(after, lost=5000)
    (files,) = recording.end()
    written, _ = soundfile.read(files.sound, dtype="float32")
    np.testing.assert_array_equal(written[-17_000:-11_000], before)
    assert not written[-11_000:-6000].any()
    np.testing.assert_array_equal(written[-6000:], after)
    found = features(files)
    assert found["lost_samples"].tolist() == [[len(written) - 11_000, 5000]]
    (gap,) = found["gaps"]
    assert gap[1] == pytest.approx(5000 / HOP, abs=5)
    assert set(range(gap[0], gap[0] + gap[1])).isdisjoint(found["column"].tolist())
    assert about(files)["sound"]["lost"] == found["lost_samples"].tolist()  # type: ignore[index]


@pytest.mark.parametrize("sound_format", ["float32", "int16"])
def test_while_it_is_recorded_all_files_can_be_read(
    bench: Bench, folder: Path, sound_format: SoundFormat
) -> None:
    heard_from(bench, 4000)
    recording = Recording(bench, folder, sound_format)
    samples = noise(8000)
    recording.hear(samples)
    sound_bytes = 8000 * 2 * SAMPLE_BYTES[sound_format]
    recording.until(lambda state: state.n_bytes >= sound_bytes + 35 * 80 * 4)
    (files,) = recording.recorder.state.files
    written, _ = soundfile.read(files.sound, dtype="float32")
    np.testing.assert_allclose(
        written[-8000:], samples, atol=1e-7 if "f" in sound_format else 1 / 32768
    )
    records = np.load(files.growing_columns, allow_pickle=False)
    assert len(records) > 30
    assert records["values"].shape[1:] == (1, 80)
    assert about(files)["finished"] is False
    recording.end()
    assert (
        soundfile.info(files.sound).subtype == {"float32": "FLOAT", "int16": "PCM_16"}[sound_format]
    )


@pytest.mark.parametrize("name", ["librosa", "whisper-80"])
def test_another_front_end_begins_other_files_and_no_sound_is_missing(
    bench: Bench, folder: Path, name: str
) -> None:
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    first, second = noise(8000), noise(8000, seed=8)
    recording.hear(first)
    bench.engine.configure(replace(bench.config, preset=name))
    status = bench.until(lambda status: status.mel is not None and status.mel.name == name)
    recording.recorder.follow(status, lambda: b"of the first")
    recording.hear(second)
    one, two = recording.end()
    assert one.picture.read_bytes() == b"of the first"
    assert (len(features(one)["mel"]), len(features(two)["mel"])) == (80, status.mel.n_rows)  # type: ignore[union-attr]
    sounds = [soundfile.read(part.sound, dtype="float32")[0] for part in (one, two)]
    np.testing.assert_array_equal(sounds[0][:8000], first)
    np.testing.assert_array_equal(sounds[1][-8000:], second)
    # It begins on its own grid, less than a hop before the first ends.
    assert 0 <= len(sounds[1]) - 8000 < status.mel.hop_s * RATE_HZ  # type: ignore[union-attr]


def test_a_recording_ends_before_the_disk_is_full(bench: Bench, folder: Path) -> None:
    free = [PLENTY]
    heard_from(bench, 4000)
    recording = Recording(bench, folder, free_bytes=lambda _: free[0])
    recording.hear(noise(8000))
    recording.until(lambda state: state.n_bytes > 8000 * 8 + 31 * 80 * 4)
    free[0] = LEAST_FREE_BYTES - 1
    recording.recorder.join(20)
    state = recording.recorder.state
    assert not state.is_on
    assert state.fault is not None
    assert "MB are left in" in state.fault
    (files,) = state.files
    assert about(files)["finished"] is True
    assert features(files)["mel"].shape[1] > 30


def test_a_folder_that_goes_away_is_said(bench: Bench, folder: Path) -> None:
    folder = folder / "gone"
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    recording.recorder.join(20)
    state = recording.recorder.state
    assert (state.is_on, state.files) == (False, ())
    assert state.fault == (
        f"the recording ended: recordings cannot go to {str(folder)!r}; "
        "it must be a folder that is there"
    )


@pytest.mark.parametrize(
    ("name", "channel"),
    [("simli", "mean"), ("simli", (1,)), ("whisper-80", (0, 1)), ("hifigan", "mean")],
)
def test_what_was_heard_can_be_saved_later(
    bench: Bench, folder: Path, name: str, channel: Channel
) -> None:
    """hifigan has another rate than the sound; whisper normalises by what was heard before."""
    bench.config = EngineConfig(MIC, preset=name, channel=channel)
    heard_from(bench, 3 * RATE_HZ)
    status = bench.engine.status()
    files = save_last(RecordingConfig(str(folder)), status, 2.0, lambda: b"a picture")
    written, _ = soundfile.read(files.sound, dtype="float32")
    assert len(written) == 2 * RATE_HZ
    np.testing.assert_array_equal(written, noise(3 * RATE_HZ, seed=1)[-len(written) :])
    found, again = features(files), opened_again(files, channel)
    assert found["mel"].shape[1] > 0.94 * again.shape[1]
    assert np.isnan(found["computed_at"]).all()
    if not status.mel.needs_whole_clip:  # type: ignore[union-attr]
        np.testing.assert_allclose(found["mel"], again[:, found["column"]], rtol=1e-5, atol=1e-5)
    assert files.picture.read_bytes() == b"a picture"


def test_what_a_model_answered_lies_beside_the_columns(bench: Bench, folder: Path) -> None:
    spec = made_up(Output("speech", "probability"), Output("words", "text"))
    grid, other = spec.grid(None), made_up(Output("pitch"))
    heard_from(bench, 5000)
    stream_id = bench.engine.status().stream_id
    recording = Recording(bench, folder)
    recording.hear(noise(RATE_HZ))

    def answers(first: int, *numbers: float) -> Answers:
        texts = tuple((f"word {first + i}",) for i in range(len(numbers)))
        column = np.array(numbers, np.float32)[:, np.newaxis]
        return Answers(first, column, texts, stream_id, 2.0, 2.004, grid)

    # The first is to sound from before the recording.
    for first in (0, 12, 14):
        came = Answered.of(spec, answers(first, 0.25, 0.5))
        recording.recorder.add_answers(came, stream_id)
    recording.recorder.add_answers(Answered.of(other, answers(20, 100.0)), stream_id)
    recording.recorder.add_answers(Answered.of(spec, answers(20, 0.9)), stream_id + 1)
    (files,) = recording.end()
    found = features(files)
    np.testing.assert_allclose(found["model"], [[0.25, 0.5, 0.25, 0.5]])
    start_s = about(files)["start_sample"] / RATE_HZ  # type: ignore[operator]
    expected_s = [(k + 0.5) * 0.032 - start_s for k in (12, 13, 14, 15)]
    np.testing.assert_allclose(found["model_times_s"], expected_s)
    np.testing.assert_allclose(found["model_late_ms"], 4.0, atol=1e-6)
    assert found["model_texts"].tolist() == [["word 12", "word 13", "word 14", "word 15"]]
    assert ModelSpec.from_dict(json.loads(str(found["model_spec"]))) == spec
    assert about(files)["counters"]["answers_left_out"] == 2  # type: ignore[index]
    assert {path.suffix for path in folder.iterdir()} == {".wav", ".npz", ".json"}


def test_more_than_a_wav_can_hold_goes_on_in_another(
    bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualizer.export.writer.WAV_BYTES_MAX", 8 * 10_000)
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    samples = noise(24_000)
    for at in range(0, 24_000, 8000):
        recording.hear(samples[at : at + 8000])
        recording.until(lambda state, at=at: state.duration_s >= (at + 8000) / RATE_HZ)
    parts = recording.end()
    assert len(parts) >= 3
    assert len({part.name for part in parts}) == len(parts)
    sounds = [soundfile.read(part.sound, dtype="float32")[0] for part in parts]
    heard = np.concatenate((noise(4000, seed=1), samples))
    for part, sound in zip(parts, sounds, strict=True):
        start = about(part)["start_sample"]
        np.testing.assert_array_equal(sound, heard[start : start + len(sound)])  # type: ignore[index, operator]
    # One begins where the other ends, or up to a hop before.
    for part, sound, after in zip(parts, sounds, parts[1:], strict=False):
        end = about(part)["start_sample"] + len(sound)  # type: ignore[operator]
        assert 0 <= end - about(after)["start_sample"] < HOP  # type: ignore[operator]
    assert about(parts[-1])["start_sample"] + len(sounds[-1]) == len(heard)  # type: ignore[operator]


@given(
    rates=st.sampled_from([(16_000, 16_000), (48_000, 16_000), (44_100, 16_000), (8000, 24_000)]),
    sample=st.integers(0, 10**7),
    first=st.integers(0, 10**7),
)
def test_a_cut_is_where_a_hop_begins(rates: tuple[int, int], sample: int, first: int) -> None:
    source_rate, mel_rate = rates
    mel = replace(preset("whisper-80"), sample_rate=mel_rate).front_end
    start, column = begin_on_grid(mel, source_rate, sample, min(first, sample))
    assert start >= min(first, sample)
    assert start * mel_rate == column * mel.hop_length * source_rate
    earlier, _ = begin_on_grid(mel, source_rate, sample, 0)
    assert earlier <= sample
    assert start == earlier or earlier < first


def test_a_disk_that_is_full_all_the_same_is_said(bench: Bench, folder: Path) -> None:
    heard_from(bench, 4000)
    status: EngineStatus = bench.engine.status()
    for suffix in (".wav", ".columns.npy"):
        files = TakeFiles(folder, f"full{suffix}")
        (folder / f"full{suffix}{suffix}").symlink_to("/dev/full")
        with pytest.raises(VisualizerError, match="cannot be written"):
            TakeWriter(files, take_of(status, 0, is_normalised_before=False), "float32")


def test_the_sound_recorded_is_what_the_front_end_was_fed(bench: Bench, folder: Path) -> None:
    """NaN is silence in both."""
    bench.config = EngineConfig(FILE)
    bench.patience = CALM
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    samples = noise(8000)
    samples[1000:1010] = np.nan
    recording.hear(samples)
    (files,) = recording.end()
    written, _ = soundfile.read(files.sound, dtype="float32")
    assert not written[-7000:-6990].any()
    assert features(files)["lost_samples"].shape == (0, 2)
    found, again = features(files), opened_again(files)
    np.testing.assert_allclose(found["mel"], again[:, found["column"]], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["whisper-80", "perch-pcen"])
@pytest.mark.parametrize(("at_start", "normalised"), [(True, False), (False, True)])
def test_a_level_that_comes_of_earlier_sound_is_said(
    bench: Bench, folder: Path, at_start: bool, normalised: bool, name: str
) -> None:
    bench.config = EngineConfig(MIC, preset=name)
    heard_from(bench, 0 if at_start else 4000)
    recording = Recording(bench, folder)
    recording.hear(noise(4000))
    (files,) = recording.end()
    assert about(files)["columns"]["level_is_from_before"] is normalised  # type: ignore[index]
    saved = save_last(RecordingConfig(str(folder)), bench.engine.status(), 0.1, None)
    assert about(saved)["columns"]["level_is_from_before"] is False  # type: ignore[index]
    assert about(saved)["kernels"] == ["numpy on cpu"]


def test_what_cannot_be_told_of_it_is_no_reason_to_end(bench: Bench, folder: Path) -> None:
    heard_from(bench, 4000)
    recording = Recording(bench, folder)
    recording.hear(noise(4000))
    recording.until(lambda state: state.n_bytes > 4000)
    (files,) = recording.recorder.state.files
    files.about.unlink()
    files.about.mkdir()
    for n in range(6):
        recording.hear(noise(4000, seed=n))
        recording.until(lambda state, n=n: state.duration_s >= (n + 2) / 4)
    assert recording.recorder.state.is_on
    files.about.rmdir()
    recording.end()
    assert about(files)["finished"] is True
