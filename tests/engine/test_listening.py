"""Live columns as an iterator, from the demo and from files."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import ROOT
from visualizer import Column, ConfigError, DeviceError, MelStream, SourceError, listen, preset
from visualizer.engine.columns import MelColumns
from visualizer.engine.listening import _Grid
from visualizer.mel.presets import PRESETS, preset_for

RATE_HZ = 16_000
DEADLINE_S = 20.0
OURS = {"worker", "kernels", "file", "device"}
"""Names of the engine's threads."""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.01)


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & OURS


@pytest.fixture
def file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A stereo file of 0.6 s, and its samples."""
    samples = np.random.default_rng().normal(0, 0.1, (9_600, 2)).astype(np.float32)
    path = tmp_path / "sound.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path, samples


def streamed(samples: np.ndarray, name: str) -> np.ndarray:
    stream = MelStream(preset_for(name, RATE_HZ), RATE_HZ, samples.shape[1])
    return np.concatenate((stream.push(samples), stream.flush()), axis=2)


@pytest.mark.parametrize("name", ["simli", "whisper-80"])
def test_a_file_gives_the_columns_of_the_live_path_and_ends(
    file: tuple[Path, np.ndarray], name: str
) -> None:
    path, samples = file
    listener = listen(path, front_end=name)
    columns = list(listener)
    whole = streamed(samples.mean(axis=1, keepdims=True), name)[0]
    np.testing.assert_array_equal(np.array([c.values for c in columns]).T, whole)
    assert [c.index for c in columns] == list(range(whole.shape[1]))
    assert {c.gap for c in columns} == {0}
    config = preset_for(name, RATE_HZ)
    # Centred frames: the middle of the first window is the first sample.
    np.testing.assert_allclose([c.time_s for c in columns], np.arange(len(columns)) * config.hop_s)
    assert all(c.latency_s > 0 for c in columns)
    assert all(c.values.dtype == np.float32 and c.values.flags.owndata for c in columns)
    assert listener.dropped == 0
    assert list(listener) == []
    wait_until(lambda: not running(), "the end of the threads")


@pytest.mark.parametrize("n_channels", [1, 2])
def test_each_channel_for_itself(file: tuple[Path, np.ndarray], n_channels: int) -> None:
    path, samples = file
    soundfile.write(path, samples[:, :n_channels], RATE_HZ, subtype="FLOAT")
    columns = list(listen(path, channel="each"))
    whole = streamed(samples[:, :n_channels], "simli")
    ours = np.array([c.values for c in columns])
    assert ours.shape == (whole.shape[2], n_channels, 80)
    np.testing.assert_allclose(ours.transpose(1, 2, 0), whole, rtol=0, atol=1e-5 * whole.max())


def test_a_front_end_of_ones_own_and_one_channel(file: tuple[Path, np.ndarray]) -> None:
    path, samples = file
    config = PRESETS["kaldi"].front_end
    columns = [c.values for c in listen(path, front_end=config, channel=1)]
    np.testing.assert_array_equal(np.array(columns).T, streamed(samples[:, 1:], "kaldi")[0])


def test_a_front_end_is_given_by_name_by_file_or_itself(
    file: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, samples = file
    expected = streamed(samples.mean(axis=1, keepdims=True), "kaldi")[0]
    own = tmp_path / "own.json"
    own.write_text(json.dumps(preset("kaldi").to_dict()))
    for named in ("kaldi", own, str(own), preset("kaldi"), preset_for("kaldi")):
        columns = [c.values for c in listen(path, front_end=named)]
        np.testing.assert_allclose(np.array(columns).T, expected, rtol=0, atol=1e-5)


def test_its_names_before_still_work() -> None:
    with listen("demo", preset="kaldi") as by_name:
        assert by_name.status.config.preset == "kaldi"
    with listen("demo", config=preset("kaldi")) as by_value:
        assert by_value.status.config.mel == preset_for("kaldi")
    for names in ({"preset": "simli", "front_end": "kaldi"}, {"preset": "a", "config": "b"}):
        with pytest.raises(ConfigError, match="former names; give that alone"):
            listen("demo", **names)


def test_leaving_the_loop_ends_the_threads() -> None:
    for column in listen("demo"):
        assert {"worker", "file"} <= running()
        if column.index >= 5:
            break
    wait_until(lambda: not running(), "the end of the threads")


def test_an_error_in_the_loop_ends_the_threads_with_the_block() -> None:
    listener = listen("demo")

    def fail() -> None:
        with listener:
            for _ in listener:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    wait_until(lambda: not running(), "the end of the threads")
    assert list(listener) == []
    assert listener.status.state == "closed"
    listener.close()


def test_nothing_comes_after_closing() -> None:
    with listen("demo") as listener:
        next(listener)
        # Several wait by now, of which the next call takes all and returns one.
        held = listener.status.columns
        wait_until(lambda: listener.status.columns > held + 5, "more columns")
        next(listener)
    assert list(listener) == []


def test_one_that_is_never_read_ends_with_its_last_reference() -> None:
    held = [listen("demo")]
    wait_until(lambda: held[0].status.state == "running", "a running engine")
    held.clear()
    wait_until(lambda: not running(), "the end of the threads")


def test_the_demo_is_live() -> None:
    with listen("demo", front_end="voxtral-realtime") as listener:
        started_at = time.perf_counter()
        first = next(listener)
        assert first.captured_at <= started_at + DEADLINE_S
        for column in listener:
            if column.index >= first.index + 50:
                break
        # Half a second of sound takes as long to come.
        assert column.captured_at - first.captured_at > 0.4
        assert column.values.shape == (128,)
        source = listener.status.source
        assert source is not None
        assert source.kind == "demo"


def test_a_slow_reader_of_a_microphone_loses_the_oldest_and_is_told(
    monkeypatch: pytest.MonkeyPatch, sound_server: object
) -> None:
    monkeypatch.setattr("visualizer.engine.outbox.OUTBOX_LENGTH", 10)
    with listen(device="mic_a") as listener:
        columns = [next(listener)]
        wait_until(lambda: listener.dropped > 20, "columns that nobody reads")
        while columns[-1].gap == 0:
            columns.append(next(listener))
        dropped = listener.dropped
    index = [c.index for c in columns]
    assert index[-1] == index[-2] + 1 + columns[-1].gap
    # What was waiting when the loss began came first; more may have been lost meanwhile.
    assert 20 < columns[-1].gap <= dropped


def test_a_file_waits_for_a_slow_reader(
    file: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualizer.engine.outbox.OUTBOX_LENGTH", 10)
    path, samples = file
    whole = streamed(samples.mean(axis=1, keepdims=True), "simli")[0]
    with listen(path) as listener:
        # All else of it waits in the ring by then, to which its last sample comes.
        wait_until(lambda: listener.status.delivered == len(samples), "the end of the file")
        assert listener.status.columns < whole.shape[1]
        columns = list(listener)
        assert listener.dropped == 0
    np.testing.assert_array_equal(np.array([c.values for c in columns]).T, whole)


def test_a_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.wav"):
        listen(tmp_path / "nothing.wav")


def test_settings_that_cannot_be_used_are_said_at_once() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'wisper'; did you mean whisper"):
        listen("demo", front_end="wisper")
    with pytest.raises(ConfigError, match="channel is -1"):
        listen("demo", channel=-1)
    with pytest.raises(ConfigError, match="compute is 'abacus'"):
        listen("demo", compute="abacus")  # type: ignore[arg-type]
    assert not running()


def test_a_file_that_ends_too_soon_gives_what_it_has_and_then_the_error(
    file: tuple[Path, np.ndarray],
) -> None:
    path, _ = file
    with path.open("r+b") as opened:
        opened.truncate(path.stat().st_size // 2)
    columns: list[Column] = []
    with pytest.raises(SourceError, match=r"ends after 0\.30 s, though its header says 0\.60 s"):
        columns.extend(listen(path))
    assert len(columns) > 15


def test_a_file_that_cannot_be_opened_as_asked_is_said_in_the_loop(
    file: tuple[Path, np.ndarray],
) -> None:
    with pytest.raises(SourceError, match="has 16000 Hz, not 8000"):
        next(listen(file[0], sample_rate=8_000))


def test_the_callers_torch_keeps_its_threads() -> None:
    script = (
        "import threading, torch, visualizer; torch.set_num_threads(2)\n"
        "with visualizer.listen('demo') as listener: next(listener)\n"
        "print(torch.get_num_threads(), torch.is_inference_mode_enabled())\n"
        "threading.Thread(target=lambda: print(torch.get_num_threads())).start()"
    )
    environment = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("2 False\n2\n", "")


def delivery(first_column: int, config_id: int, captured_at: float) -> MelColumns:
    values = np.zeros((1, 80, 1), np.float32)
    return MelColumns(values, first_column, config_id, captured_at, captured_at, captured_at, 0.0)


def test_a_source_that_began_anew_goes_on_where_the_clock_says() -> None:
    config, grid = preset("simli", RATE_HZ), _Grid(each=False)
    hop_s = config.hop_s
    came = [
        *grid.placed(delivery(100, 1, 5.0), config),
        # Another kernel or front-end on the same clock.
        *grid.placed(delivery(103, 2, 5.0 + 3 * hop_s), config),
        # The device is back in another form, a second later.
        *grid.placed(delivery(0, 3, 5.0 + 83 * hop_s), config),
        *grid.placed(delivery(1, 3, 5.0 + 84 * hop_s), config),
    ]
    assert [(c.index, c.gap) for c in came] == [(100, 0), (103, 2), (183, 79), (184, 0)]


def test_a_microphone_that_is_not_there_is_an_error(sound_server: object) -> None:
    with pytest.raises(DeviceError, match=r"(?s)no-such-microphone.*mic_a"):
        next(listen(device="no-such-microphone"))
    wait_until(lambda: not running(), "the end of the threads")
