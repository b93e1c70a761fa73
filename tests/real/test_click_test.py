"""Clicks through a real sound server, and through a way that is longer by a known time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import DEADLINE_S, ROOT, Finished, wait_for_line
from tests.delay_relay import relay
from tests.sound import SERVER_RATE_HZ, SoundServer
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.player import Player, look_up_output
from visualizer.cli import run_command
from visualizer.engine.config import EngineConfig
from visualizer.errors import DeviceError
from visualizer.tools.roundtrip.click_test import ClickReport, ClickSettings, measure
from visualizer.tools.roundtrip.clicks import UnclearError
from visualizer.tools.roundtrip.tables import click_json, span_figures

TRIES = 12
"""A busy machine loses sound, and then the measurement is rightly refused: it is made again."""


def measured(device: str | None, n_clicks: int) -> ClickReport | None:
    """From the default output to a microphone; None where it was refused."""
    capture = CaptureConfig("mic", device=device, sample_rate=SERVER_RATE_HZ)
    settings = ClickSettings(EngineConfig(capture), n_clicks=n_clicks)
    try:
        return measure(settings, lambda _: None)
    except (UnclearError, DeviceError) as error:
        print(error)
        return None


def test_an_output_is_closed_once(sound_server: SoundServer) -> None:
    """A start that returns too late closes it as well."""
    player = Player(look_up_output(None), np.zeros(SERVER_RATE_HZ, np.float32), SERVER_RATE_HZ)
    player.start()
    player.close()
    player.close()


@pytest.mark.timeout(300)
def test_an_added_delay_is_found_as_it_is(sound_server: SoundServer) -> None:
    """Every second click comes 25 ms later, to the sample, through the very same buffers."""
    added, wanted = 1200, 20
    differences: list[float] = []
    for _ in range(TRIES):
        with relay(sound_server, "sink_a.monitor", "sink_b", added):
            report = measured("mic_b", 11)
        if report is not None:
            paths = [one.path_ms for one in report.clicks]
            differences += list(np.abs(np.diff(paths)))
            print(np.round(paths, 1), report.underflows, report.gaps)
        if len(differences) >= wanted:
            break
    assert len(differences) > 0, "no measurement was clear enough"
    found_ms = float(np.median(differences))
    print(f"added {added / SERVER_RATE_HZ * 1e3} ms, found {found_ms} ms")
    assert found_ms == pytest.approx(added / SERVER_RATE_HZ * 1e3, abs=3.0)


def test_the_delay_of_a_monitor(
    program: Callable[..., Finished], sound_server: SoundServer, tmp_path: Path
) -> None:
    words: list[str] = []
    for _ in range(TRIES):
        done = program(
            *("latency", "--sample-rate", SERVER_RATE_HZ, "--clicks", 6, "--json", "a.json")
        )
        assert "playing 6 short chirps, 500 to 7000 Hz, at -12 dB of full scale, on 'default'" in (
            done.err
        )
        if done.code == 0:
            break
        assert done.code == 2
        words.append(done.err)
    assert done.code == 0, words
    assert "speaker to column: p50" in done.out.splitlines()[-1]
    saved = json.loads((tmp_path / "a.json").read_text())
    assert len(saved["clicks"]) == 6
    assert f"p50 {saved['ms']['total']['p50']:.1f} ms" in done.out.splitlines()[-1]


def test_every_span_adds_up(sound_server: SoundServer) -> None:
    report = next(r for r in (measured(None, 8) for _ in range(TRIES)) if r is not None)
    values = click_json(report)
    assert json.loads(json.dumps(values)) == values
    assert values["n"] == len(values["clicks"]) == 8
    for one in report.clicks:
        spans = one.path_ms + one.fill_ms + one.wait_ms + one.kernel_ms
        assert spans == pytest.approx(one.total_ms, abs=1e-6)
        assert min(one.wait_ms, one.kernel_ms) > 0
        # Of the first column with it, the window ends within a hop of the click.
        assert 0 < one.fill_ms <= 12.5
        # The column it is drawn in comes later.
        assert one.drawn_ms > one.total_ms
    # What was played at −12 dB came back at −12 dB.
    assert np.median([one.peak_dbfs for one in report.clicks]) == pytest.approx(-12.0, abs=0.5)
    figures = span_figures(report)
    assert figures["path"]["p50"] > 0
    for span in figures.values():
        assert span["min"] <= span["p50"] <= span["p95"] <= span["max"]
    assert report.output_latency_s is not None
    assert report.input_latency_s is not None


def test_the_wrong_microphone_hears_nothing(
    program: Callable[..., Finished], sound_server: SoundServer
) -> None:
    done = program("latency", "--device", "mic_b", "--clicks", 5, "--sample-rate", 48_000)
    assert done.code == 2
    assert "nothing but digital silence was heard" in done.err
    assert done.out == ""


def test_ctrl_c_ends_it_while_it_plays(sound_server: SoundServer, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "latency", "--clicks", "100"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            wait_for_line(child.stderr, lambda line: "playing 100" in line, "announcement")
            child.send_signal(signal.SIGINT)
            # It would play for 35 s.
            assert child.wait(DEADLINE_S) == 130
            assert child.stdout is not None
            assert child.stdout.read() == ""
        finally:
            child.kill()


def test_an_unknown_output_is_answered_with_those_there_are(
    program: Callable[..., Finished], sound_server: SoundServer
) -> None:
    done = program("latency", "--output", "no such thing")
    assert done.code == 2
    assert done.out == ""
    assert "there is no output device 'no such thing'; choose one of" in done.err
    assert "default" in done.err


def test_a_frozen_sound_server_does_not_hold_it(
    program: Callable[..., Finished], sound_server: SoundServer
) -> None:
    with sound_server.frozen():
        done = program("latency", "--clicks", 5)
    assert done.code == 2
    assert "within 6 s; does the sound server answer" in done.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--level", "0"], "--level: '0' is not a number from -60 to -3 (dB of full scale)"),
        (["--level", "nan"], "--level: 'nan' is not a number from -60 to -3"),
        (["--clicks", "1"], "--clicks: '1' is not a whole number from 5 to 100"),
        (["--sample-rate", "1000"], "--sample-rate: '1000' is not a whole number from 4000"),
        (["--sample-rate", "10000000"], "--sample-rate: '10000000' is not"),
        (["--front-end", "simly"], "unknown preset 'simly'; did you mean simli"),
        (["--json", "no/such/folder/a.json"], "the figures cannot be written to"),
    ],
)
def test_bad_input_is_one_line_and_a_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["latency", *arguments]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
