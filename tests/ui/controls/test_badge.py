from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.status import EngineStatus
from visualizer.mel.described import Described, FieldOrigin, Ignored
from visualizer.mel.kernels.timing import Timing
from visualizer.mel.presets import preset_for
from visualizer.ui.controls.badge import FrontEndBadge, KernelBadge

STATUS = EngineStatus("running", EngineConfig(CaptureConfig("demo")), backend="eager", device="cpu")


def test_the_badge_says_what_was_measured_and_nothing_before(qtbot: QtBot) -> None:
    badge = KernelBadge()
    qtbot.addWidget(badge)
    badge.show_status(STATUS)
    assert badge.isHidden()
    timings = (Timing("eager", 150, 60.4, 99.9, 12.5), Timing("compiled", 150, 12.3, 45.6, 12.5))
    badge.show_status(replace(STATUS, backend="compiled", deviation=1.23e-7, timings=timings))
    assert not badge.isHidden()
    assert badge.text() == "compiled: 1.2e-07 off float64"
    assert "eager: p50 60 µs, p99 100 µs, called once every 12.5 ms" in badge.toolTip()
    assert "compiled: p50 12 µs, p99 46 µs" in badge.toolTip()
    badge.show_status(replace(STATUS, deviation=None))
    assert badge.isHidden()


def test_the_badge_says_why_nothing_better_runs(qtbot: QtBot) -> None:
    badge = KernelBadge()
    qtbot.addWidget(badge)
    note = "there is no C++ compiler; install g++ or clang++"
    badge.show_status(replace(STATUS, deviation=2e-7, kernel_note=note))
    assert f"eager runs: {note}" in badge.toolTip()


def test_the_badge_says_whose_front_end_runs_and_what_its_files_do_not(qtbot: QtBot) -> None:
    badge = FrontEndBadge()
    qtbot.addWidget(badge)
    badge.show_status(STATUS)
    assert badge.isHidden()
    mel = preset_for("kaldi")
    config = replace(STATUS.config, mel=mel, whose="TheirExtractor of them · /m/config.json")
    badge.show_status(replace(STATUS, config=config))
    assert not badge.isHidden()
    assert badge.text() == "kaldi · TheirExtractor of them"
    assert badge.toolTip().splitlines() == ["Front-end: kaldi", config.whose]
    origins = (
        FieldOrigin(1, "kind", "povey", "assumed"),
        FieldOrigin(0, "hop_length", 160, "file"),
    )
    ignored = (Ignored("dither", 0.5, "the class sets its own"),)
    described = Described(mel, "", "", origins, ignored, ("a note",))
    badge.note_origins(described)
    badge.show_status(replace(STATUS, config=config))
    assert badge.toolTip().splitlines()[2:] == [
        "assumed, since its files do not say: kind = 'povey'",
        "dither = 0.5 is written there, and not used: the class sets its own",
        "a note",
    ]
    # Of another front-end that says nothing.
    badge.show_status(replace(STATUS, config=replace(config, mel=preset_for("nemo"), whose="")))
    assert badge.text() == "nemo"
    assert "povey" not in badge.toolTip()


def test_a_name_is_cut_and_never_taken_for_markup(qtbot: QtBot) -> None:
    badge = FrontEndBadge()
    qtbot.addWidget(badge)
    mel = replace(preset_for("kaldi"), name="<img src='x'>" + "m" * 80)
    badge.show_status(replace(STATUS, config=replace(STATUS.config, mel=mel, whose="<b>")))
    assert len(badge.text()) == 60
    assert "<" in badge.text()
    assert "<b>" not in badge.toolTip()
    assert "&lt;b&gt;" in badge.toolTip()
