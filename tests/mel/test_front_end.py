"""Chains of stages: how they are written, what is said of wrong ones, and what they tell."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.mel.chains import FLAT, filters_of, flat, stage_of, up_to, varied
from visualizer.errors import ConfigError
from visualizer.mel.arrays import Array, Arrays, NumpyArrays, Operator
from visualizer.mel.clip import clip_columns
from visualizer.mel.flat import MelConfig, as_front_end, flat_form, read, written
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.limits import number
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import PRESETS, preset, preset_for
from visualizer.mel.stage import Dependence, Layout, LogLevel, Place, Stage
from visualizer.mel.stages import STAGES
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.clip import Clip
from visualizer.mel.stages.dynamic_range import DynamicRange
from visualizer.mel.stages.fixed_columns import FixedColumns
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.log import Log
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.stack import Stack
from visualizer.mel.stages.statistics import Statistics
from visualizer.mel.stages.window import Window
from visualizer.mel.stream import MelStream
from visualizer.mel.whole import reference_columns, whole_clip

RATES_HZ = (8_000, 11_025, 16_000, 44_100, 192_000)


def noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng().normal(0.0, 0.1, n_samples).astype(np.float32)


def through_json(values: Any) -> Any:
    return json.loads(json.dumps(values))


# ---------------------------------------------------------------------------- written and read


@pytest.mark.parametrize("rate", RATES_HZ)
@pytest.mark.parametrize("name", FLAT)
def test_a_preset_survives_json_as_a_chain_and_flat(name: str, rate: int) -> None:
    front_end = preset_for(name, rate)
    assert FrontEnd.from_dict(through_json(front_end.to_dict())) == front_end
    config = flat_form(front_end)
    assert config is not None
    assert config.front_end == front_end
    assert MelConfig.from_dict(through_json(config.to_dict())) == config
    assert written(front_end) == config.to_dict()
    for form in (front_end.to_dict(), config.to_dict()):
        assert read(through_json(form)) == front_end


@pytest.mark.parametrize("name", FLAT)
def test_the_flat_form_says_of_a_front_end_what_the_chain_does(name: str) -> None:
    config, front_end = flat(name), PRESETS[name].front_end
    assert preset(name) == config
    assert as_front_end(config) == as_front_end(front_end) == front_end
    for what in ("hop_s", "middle_s", "cell_start_s", "needs_whole_clip", "hop_length", "offset"):
        assert getattr(config, what) == getattr(front_end, what), what
    assert config.n_freqs == stage_of(front_end, Spectrum).n_fft // 2 + 1
    assert [config.n_columns(n) for n in range(0, 2000, 37)] == [
        front_end.n_columns(n) for n in range(0, 2000, 37)
    ]


WHISPER_BEFORE = """{
    "name": "whisper-80", "sample_rate": 16000, "n_fft": 400, "win_length": 400, "hop_length": 160,
    "offset": -200, "power": 2, "n_mels": 80, "f_min": 0.0, "f_max": 8000.0, "mel_scale": "slaney",
    "norm": "slaney", "window": "hann", "edge": "reflect", "count": "per_hop", "input_scale": 1.0,
    "remove_dc": false, "preemphasis": 0.0, "preemphasis_scope": "signal", "epsilon": 0.0,
    "epsilon_rule": "add", "triangles": "hz", "slopes": "own", "log": "log10", "log_floor": 1e-10,
    "log_floor_rule": "max", "dynamic_range": 8.0, "reference_max": null, "statistics": null,
    "statistics_epsilon": 0.0, "shift": 4.0, "scale": 0.25, "clip": null, "stack": 1,
    "fixed_columns": null
}"""
AST_BEFORE = """{
    "name": "ast", "sample_rate": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160,
    "offset": 0, "power": 2, "n_mels": 128, "f_min": 20.0, "f_max": 8000.0, "mel_scale": "htk",
    "norm": null, "window": "hann_symmetric", "edge": "zeros", "count": "fit", "input_scale": 1.0,
    "remove_dc": true, "preemphasis": 0.97, "preemphasis_scope": "frame", "epsilon": 0.0,
    "epsilon_rule": "add", "triangles": "mel", "slopes": "own", "log": "ln",
    "log_floor": 1.1920928955078125e-07, "log_floor_rule": "max", "dynamic_range": null,
    "reference_max": null, "statistics": null, "statistics_epsilon": 0.0, "shift": 4.2677393,
    "scale": 0.10943319862690226, "clip": null, "stack": 1, "fixed_columns": 1024
}"""


@pytest.mark.parametrize("text", [WHISPER_BEFORE, AST_BEFORE], ids=["whisper-80", "ast"])
def test_a_flat_form_from_before_there_were_chains_gives_its_presets_columns(text: str) -> None:
    """As files and recordings hold it."""
    values = json.loads(text)
    front_end = read(values)
    assert front_end == PRESETS[values["name"]].front_end
    assert written(front_end) == values
    samples = noise(16_000)[:, None]
    ours, theirs = (
        clip_columns(samples, chain, 4000, streaming=False)
        for chain in (front_end, PRESETS[values["name"]].front_end)
    )
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(ours[0], reference_columns(samples[:, 0], front_end), atol=1e-3)


def test_a_chain_in_another_order_has_no_flat_form_and_is_written_as_it_is() -> None:
    frames, window, spectrum, mel, log = PRESETS["hifigan"].front_end.stages
    others = [
        (frames, window, spectrum, mel, Clip(3.0), log),
        (frames, window, spectrum, mel, log, Clip(3.0), Affine(1.0, 2.0)),
        (frames, window, spectrum, mel, log, Affine(1.0, 2.0), Affine(1.0, 2.0)),
        (frames, spectrum, mel, log),
        (frames, window, spectrum),
        (frames, window, spectrum, mel, log, Stack(2), FixedColumns(7)),
    ]
    for stages in others:
        front_end = FrontEnd("mine", 22_050, stages)
        assert flat_form(front_end) is None
        assert written(front_end) == front_end.to_dict()
        assert read(through_json(written(front_end))) == front_end


def test_fields_left_out_of_a_stage_take_their_defaults() -> None:
    values = PRESETS["simli"].front_end.to_dict()
    frames, _, spectrum, mel = values["stages"]
    values["stages"] = [
        {name: frames[name] for name in ("stage", "win_length", "hop_length", "offset")},
        {"stage": "window"},
        {name: spectrum[name] for name in ("stage", "n_fft", "power")},
        {n: mel[n] for n in ("stage", "n_mels", "f_min", "f_max", "mel_scale", "norm")},
    ]
    assert FrontEnd.from_dict(values) == PRESETS["simli"].front_end


# --------------------------------------------------------------------------------- wrong chains

SIMLI = PRESETS["simli"].front_end.to_dict()
FRAMES, WINDOW, SPECTRUM, MEL = SIMLI["stages"]
LOG = {"stage": "log", "kind": "ln", "floor": 1e-5}


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        (
            [FRAMES, WINDOW, SPECTRUM, {**MEL, "stage": "mels"}],
            "no stage 'mels'; did you mean mel?",
        ),
        (
            [FRAMES, {"stage": "xyz"}, SPECTRUM, MEL],
            "there is no stage 'xyz'; there are affine, bins, chroma, clip",
        ),
        ([FRAMES, {"kind": "hann"}, SPECTRUM], "{'kind': 'hann'} names no stage; each needs"),
        ([FRAMES, "window", SPECTRUM], "'window' names no stage; each needs"),
        ([FRAMES, {"stage": ["window"]}, SPECTRUM], r"there is no stage \['window'\]"),
        ([FRAMES, {**WINDOW, "kinds": 1}, SPECTRUM], "no field 'kinds' in the stage 'window'; did"),
        ([FRAMES, WINDOW, {"stage": "spectrum", "power": 1}], "the stage 'spectrum' needs n_fft"),
        ([FRAMES, WINDOW, {"stage": "spectrum"}], "the stage 'spectrum' needs n_fft, power"),
        ([FRAMES, {**WINDOW, "kind": "kaiser"}, SPECTRUM], "kind of window is 'kaiser'; it must"),
        (
            [FRAMES, WINDOW, SPECTRUM, MEL, {**LOG, "floor": 0}],
            "floor of log is 0; it must be 1.17549e-38",
        ),
        ([WINDOW, FRAMES, SPECTRUM, MEL], "stages is .*a chain with 'frames' before 'window'"),
        ([FRAMES, WINDOW, MEL, SPECTRUM], "stages is .*a chain with 'spectrum' before 'mel'"),
        ([FRAMES, WINDOW, SPECTRUM, LOG, MEL], "'mel' before 'log'"),
        ([FRAMES, FRAMES, SPECTRUM], "stages is .*a chain with one 'frames'"),
        ([FRAMES, WINDOW, SPECTRUM, SPECTRUM], "stages is .*a chain with one 'spectrum'"),
        ([FRAMES, WINDOW], "stages is .*a chain with one 'spectrum'"),
        ([WINDOW, SPECTRUM], "stages is .*a chain with one 'frames'"),
        ([], "stages is .*a chain with one 'frames'"),
        ([FRAMES, WINDOW, SPECTRUM, *[LOG] * 62], "stages is .*it must be at most 64"),
        ([FRAMES, WINDOW, {**SPECTRUM, "n_fft": 700}], r"n_fft is 700; .*win_length \(800\)"),
    ],
)
def test_a_chain_that_is_wrong_is_named_in_one_line(stages: list[Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        FrontEnd.from_dict({**SIMLI, "stages": stages})
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 2], '"stages": '),
        ({"stages": "frames"}, '"stages": '),
        ({"stages": []}, "a front-end needs name, sample_rate"),
        ({**SIMLI, "rate": 1}, "no field 'rate' in a front-end; did you mean sample_rate"),
        ({**SIMLI, "sample_rate": 12}, "sample_rate is 12; it must be from 1000 to"),
        ({**SIMLI, "name": "two\nlines"}, "name is .* on one line"),
        ({**SIMLI, "front_end": {}}, "give what is under 'front_end' alone"),
    ],
)
def test_a_front_end_that_is_wrong_is_named_in_one_line(values: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        FrontEnd.from_dict(values)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 10**6, [[[[0]]]] * 1000, {"a": "b" * 10**6}],
    ids=["int", "text", "list", "dict"],
)
@pytest.mark.parametrize("kind", ["frames", "window", "spectrum", "mel"])
def test_a_huge_value_is_named_in_a_short_line(kind: str, value: Any) -> None:
    for name in next(stage for stage in SIMLI["stages"] if stage["stage"] == kind):
        stages = [
            {**stage, name: value} if stage["stage"] == kind else stage for stage in SIMLI["stages"]
        ]
        with pytest.raises(ConfigError) as raised:
            FrontEnd.from_dict({**SIMLI, "stages": stages})
        assert len(str(raised.value)) < 1000


# ------------------------------------------------------------------------- what a chain tells

PAST = {"wav2lip", "nemo-streaming"}
CLIP = {
    *("whisper-80", "whisper-128", "nemo", "nemo-128", "granite-speech", "dasheng"),
    *("speechbrain", "wespeaker", "ecapa", "campplus"),
}


@pytest.mark.parametrize("name", FLAT)
def test_what_a_column_depends_on(name: str) -> None:
    front_end = PRESETS[name].front_end
    assert front_end.dependence == ("clip" if name in CLIP else "past" if name in PAST else "frame")
    assert front_end.needs_whole_clip == (name in CLIP)


@pytest.mark.parametrize("name", FLAT)
def test_the_stages_are_those_of_sound_kernel_columns_and_count(name: str) -> None:
    front_end = PRESETS[name].front_end
    parts = (
        front_end.sound_stages,
        (front_end.frames,),
        front_end.kernel_stages,
        front_end.column_stages,
        front_end.final_stages,
    )
    assert sum(parts, ()) == front_end.stages
    assert front_end.live.stages == sum(parts[:-1], ())
    assert all(stage.dependence == "frame" for stage in front_end.kernel_stages)
    assert stage_of(front_end, Mel) in front_end.kernel_stages
    assert {stage.stage for stage in front_end.final_stages} <= {"stack", "fixed_columns"}


def test_the_kernel_ends_before_what_needs_more_than_one_frame() -> None:
    def names(stages: tuple[Stage, ...]) -> list[str]:
        return [stage.stage for stage in stages]

    whisper = PRESETS["whisper-80"].front_end
    assert names(whisper.kernel_stages) == ["window", "spectrum", "mel", "log"]
    assert names(whisper.column_stages) == ["dynamic_range", "affine"]
    voxtral = PRESETS["voxtral-realtime"].front_end
    assert names(voxtral.kernel_stages)[-3:] == ["log", "dynamic_range", "affine"]
    assert voxtral.column_stages == ()
    wav2lip = PRESETS["wav2lip"].front_end
    assert names(wav2lip.sound_stages) == ["preemphasis"]
    assert names(wav2lip.kernel_stages)[-2:] == ["affine", "clip"]
    seamless = PRESETS["seamless"].front_end
    assert names(seamless.column_stages) == ["statistics"]
    assert names(seamless.final_stages) == ["stack"]
    assert (seamless.n_rows, seamless.n_kernel_rows, seamless.n_model_rows) == (80, 80, 160)


HEAD = (Frames(400, 160, -200), Window(), Spectrum(512, power=2))
MELS = Mel(40, 0.0, 8000.0, "htk", None)
TO_LOG = (*HEAD, MELS, Log("db", 1e-10))


def chain(*stages: Stage) -> FrontEnd:
    return FrontEnd("mine", 16_000, stages)


def test_what_the_rows_are() -> None:
    bins = chain(*HEAD).rows
    assert (bins.kind, bins.plural, bins.scale) == ("bin", "bins", "linear")
    assert chain(*HEAD).n_rows == 257
    assert [bins.middle_hz(k) for k in (0, 1, 256)] == [0.0, 31.25, 8000.0]
    np.testing.assert_allclose(bins.position([0.0, 31.25, 8000.0]), [0.5, 1.5, 256.5])
    mels = chain(*TO_LOG).rows
    assert (mels.kind, mels.plural, mels.scale) == ("band", "mels", "htk")
    assert chain(*TO_LOG).n_rows == 40
    assert mels.edges_hz is not None
    np.testing.assert_allclose(mels.edges_hz, MELS.edges_hz())
    full = PRESETS["full-band"].front_end.rows
    assert (full.plural, full.scale) == ("bins", "linear")
    # Those that stacking puts on top of each other are told of the live column.
    assert chain(*TO_LOG, Stack(2)).rows.edges_hz is not None
    assert (chain(*TO_LOG, Stack(2)).n_rows, chain(*TO_LOG, Stack(2)).n_model_rows) == (40, 80)


def test_what_the_values_mean() -> None:
    for linear in (chain(*HEAD), chain(*HEAD, MELS), chain(*HEAD, MELS, Affine(1.0, -2.0))):
        assert linear.values.is_linear
    log = chain(*TO_LOG)
    assert not log.values.is_linear
    assert isinstance(log.values.level, LogLevel)
    assert log.values.level.per_db == pytest.approx(1.0)
    moved = chain(*TO_LOG, Affine(10.0, 0.1), Clip(4.0))
    assert moved.values.level is not None
    levels = np.array([-60.0, 0.0], np.float32)
    shown = moved.values.level.decibels(moved.values.level.value(levels).astype(np.float32))
    np.testing.assert_allclose(shown, levels, atol=1e-3)
    assert all(-4.0 <= end <= 4.0 for end in moved.values.usual)
    for without in (chain(*TO_LOG, Statistics("std", 1e-5)), chain(*TO_LOG, Affine(0.0, 0.0))):
        assert without.values.level is None
    # A range that a picture can show, whichever way round the values go.
    for front_end in (log, moved, chain(*TO_LOG, Affine(0.0, -1.0))):
        low, high = front_end.values.usual
        assert math.isfinite(low)
        assert low < high


@pytest.mark.parametrize("name", FLAT)
def test_a_sine_has_the_value_that_its_level_says(name: str) -> None:
    """In the row where it is loudest, before what only lets quiet values through changed."""
    front_end = up_to(PRESETS[name].front_end, Mel, Log)
    level = front_end.values.level
    assert level is not None
    filters = filters_of(front_end)
    loudest_bin, row = np.unravel_index(filters.argmax(), filters.shape)
    hz = loudest_bin * front_end.sample_rate / stage_of(front_end, Spectrum).n_fft
    n = np.arange(4 * front_end.win_length)
    sine = 0.1 * np.sin(2 * np.pi * hz * n / front_end.sample_rate)
    plain = FrontEnd(
        name,
        front_end.sample_rate,
        tuple(
            stage
            for stage in front_end.stages
            if stage.stage not in ("preemphasis", "frame_preemphasis")
        ),
    )
    middle = reference_columns(sine, plain)[row, plain.n_columns(len(n)) // 2]
    # The bins beside the loudest add to it by the window's width.
    shown = level.decibels(np.array([middle], np.float32))[0]
    assert -20.5 < shown < -13.0


def test_alternatives_are_the_values_that_can_be_listed() -> None:
    assert Frames.alternatives() == {
        "edge": ("zeros", "reflect", "symmetric"),
        "count": ("fit", "per_hop", "nearest", "begun", "whole", "even"),
        "end": (None, "zeros"),
    }
    assert Spectrum.alternatives() == {
        "power": (1, 2),
        "epsilon_rule": ("max", "add"),
        "part": ("magnitude", "real"),
    }
    assert Mel.alternatives() == {
        "mel_scale": (
            *("htk", "slaney", "linear"),
            *("erb", "bark_traunmuller", "bark_schroeder", "bark_wang"),
        ),
        "norm": (None, "slaney"),
        "triangles": ("hz", "mel"),
        "slopes": ("own", "lower"),
        "rounding": (None, "bfloat16", "float16"),
    }
    assert Mel.usual()["rate"][0] is None
    assert 80 in Mel.usual()["n_mels"]
    assert Affine.alternatives() == {}


@pytest.mark.parametrize("name", FLAT)
def test_every_alternative_makes_a_front_end(name: str) -> None:
    front_end = PRESETS[name].front_end
    for stage in front_end.stages:
        for field_name, choices in stage.alternatives().items():
            assert getattr(stage, field_name) in choices
            for choice in choices:
                if choice == "real":
                    # Of a magnitude alone.
                    continue
                other = varied(front_end, replace(stage, **{field_name: choice}), name="other")
                assert other.n_rows == front_end.n_rows


def test_a_varied_chain_has_the_stage_in_the_place_of_the_other() -> None:
    other = varied(PRESETS["hifigan"].front_end, Log("log10", 1e-3), name="v", sample_rate=24_000)
    assert (other.name, other.sample_rate) == ("v", 24_000)
    assert other.stages[-1] == Log("log10", 1e-3)
    assert other.stages[:-1] == PRESETS["hifigan"].front_end.stages[:-1]


HUGE = {"stage": "stack", "n": 64}
TWICE = {"stage": "power_law", "exponent": 16.0}
QUIET = {"stage": "affine", "scale": 1e-9}
LOUD = {"stage": "affine", "scale": 1e3}
DEEP = {"stage": "affine", "shift": -1.0}
REAL = {"stage": "spectrum", "n_fft": SPECTRUM["n_fft"], "power": 1, "part": "real"}
ADDED = {"stage": "log", "kind": "ln", "floor": 1e-5, "floor_rule": "add"}
PCEN = {"stage": "pcen", "smoothing": 0.1}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], [HUGE] * 5, "at most 262144 rows"),
        ([], [{"stage": "deltas", "orders": 4}] * 50, "at most 262144 rows"),
        ([], [{"stage": "fixed_columns", "n_columns": 10**6}, HUGE], "numbers, not"),
        ([], [HUGE, {"stage": "column_multiple", "n": 10**6}], "numbers, not"),
        ([{"stage": "sound_length", "to": 1 << 26}] * 2, [HUGE], "numbers, not"),
        ([{"stage": "sound_pad", "front": 1 << 20}] * 2, [], "put before the sound"),
        ([], [{"stage": "dct", "n_coefficients": 80}] * 2, "one dct"),
        ([], [LOUD, TWICE, TWICE], "finite in float32"),
        ([], [DEEP, PCEN], "amplitudes or powers"),
        ([], [PCEN | {"gain": 10.0, "epsilon": 1e-12}], "gain of pcen"),
        ([], [{"stage": "affine", "shift": -1e3}, ADDED], "finite in float32"),
    ],
)
def test_a_chain_that_no_memory_or_number_could_hold_is_refused_in_one_line(
    before: list[Any], after: list[Any], words: str
) -> None:
    stages = [*before, FRAMES, WINDOW, SPECTRUM, MEL, *after]
    with pytest.raises(ConfigError) as caught:
        FrontEnd.from_dict({"name": "n", "sample_rate": 16_000, "stages": stages})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "after",
    [
        [LOG, QUIET, {"stage": "affine", "shift": 1e9}],
        [{"stage": "affine", "scale": -1.0}, LOG],
        [PCEN],
        [{"stage": "relative_to_max"}],
        [{"stage": "statistics", "kind": "std"}],
    ],
)
def test_an_odd_chain_gives_numbers_of_silence_and_its_picture_a_unit(after: list[Any]) -> None:
    stages = [FRAMES, WINDOW, SPECTRUM, MEL, *after]
    odd = FrontEnd.from_dict({"name": "odd", "sample_rate": 16_000, "stages": stages})
    stream = MelStream(odd, 16_000, 1)
    columns = stream.push(np.zeros((4000, 1), np.float32))
    assert np.isfinite(columns).all()
    unit = PictureUnit.default(odd)
    assert np.isfinite(unit(columns)).all() or unit.unit == "db"
    assert np.isfinite(unit.range()).all()


# -------------------------------------------------------------------------- a stage of one's own


@dataclass(frozen=True)
class Root(Stage):
    """Each value alone."""

    stage: ClassVar[str] = "test_root"
    place: ClassVar[Place] = "column"
    exponent: float = field(metadata=number(1e-3, 1.0, "above 0, up to 1"))

    def after(self, before: Layout) -> Layout:
        assert before.values is not None
        return replace(before, values=before.values.through(lambda v: v**self.exponent))

    def operator(self, arrays: Arrays, before: Layout) -> Operator:
        return lambda values: values**self.exponent


@dataclass(frozen=True)
class RunningSum(Stage):
    """On the columns so far."""

    stage: ClassVar[str] = "test_running_sum"
    place: ClassVar[Place] = "column"

    @property
    def dependence(self) -> Dependence:
        return "past"

    def state(self, arrays: Arrays, before: Layout, n_channels: int) -> RunningSumState:
        return RunningSumState(arrays.xp)


class RunningSumState:
    def __init__(self, xp: Any) -> None:
        self._xp, self._sum = xp, 0.0

    def push(self, columns: Array) -> Array:
        sums = []
        for t in range(columns.shape[1]):
            self._sum = self._sum + columns[:, t]
            sums.append(self._sum)
        return self._xp.stack(sums, axis=1) if sums else columns


@pytest.fixture
def own_stages(monkeypatch: pytest.MonkeyPatch) -> FrontEnd:
    for stage in (Root, RunningSum):
        monkeypatch.setitem(STAGES, stage.stage, stage)
    return chain(*HEAD, MELS, Root(0.5), RunningSum(), Stack(2))


def test_a_new_stage_works_wherever_a_front_end_does(own_stages: FrontEnd) -> None:
    front_end = FrontEnd.from_dict(through_json(own_stages.to_dict()))
    assert front_end == own_stages
    assert flat_form(front_end) is None
    assert read(through_json(written(front_end))) == front_end
    assert front_end.dependence == "past"
    assert front_end.kernel_stages == (*HEAD[1:], MELS, Root(0.5))
    assert front_end.values.level is None
    samples = noise(8000)
    plain = reference_columns(samples, chain(*HEAD, MELS))
    summed = np.cumsum(plain**0.5, axis=1)
    n_pairs = summed.shape[1] // 2
    expected = summed.T[: 2 * n_pairs].reshape(n_pairs, 80).T
    np.testing.assert_allclose(reference_columns(samples, front_end), expected, rtol=1e-9)
    for streaming in (True, False):
        ours = clip_columns(samples[:, None], front_end, 999, streaming=streaming)[0]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * expected.max())
    stream = MelStream(front_end, 16_000, 1)
    live = np.concatenate((stream.push(samples[:, None]), stream.flush()), axis=2)[0]
    np.testing.assert_allclose(live, summed, rtol=0, atol=1e-5 * expected.max())
    with pytest.raises(ConfigError, match="no stage 'test_roots'; did you mean test_root"):
        FrontEnd.from_dict({**SIMLI, "stages": [{"stage": "test_roots"}]})


def test_a_new_stage_of_the_samples_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stages before the cutting, each with a state of its own."""
    twice = chain(Preemphasis(0.9), Preemphasis(0.5), *TO_LOG)
    samples = noise(8000)
    once = samples - 0.9 * np.concatenate(([0.0], samples[:-1]))
    emphasised = once - 0.5 * np.concatenate(([0.0], once[:-1]))
    expected = reference_columns(emphasised, chain(*TO_LOG))
    ours = clip_columns(samples[:, None], twice, 333, streaming=True)[0]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-2)
    assert twice.dependence == "past"


def test_a_clip_has_two_limits_and_a_dynamic_range_is_each_channels_own() -> None:
    samples = np.stack((noise(4000), 1e-3 * noise(4000)), axis=1).astype(np.float32)
    plain = clip_columns(samples, chain(*TO_LOG), 4000, streaming=False)
    clipped = clip_columns(samples, chain(*TO_LOG, Clip(3.0)), 4000, streaming=False)
    assert plain.min() < -3.0
    assert plain.max() > 3.0
    np.testing.assert_array_equal(clipped, np.clip(plain, -3.0, 3.0))
    ranged = clip_columns(samples, chain(*TO_LOG, DynamicRange(9.0)), 4000, streaming=False)
    top = plain.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(ranged, np.maximum(plain, top - 9.0), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "stages",
    [
        (DynamicRange(40.0), Statistics("std", 1e-5)),
        (Statistics("variance", 1e-7), DynamicRange(2.0), Clip(1.0)),
        (DynamicRange(40.0), Affine(1.0, 0.5), DynamicRange(8.0), Stack(3)),
        (Stack(2), FixedColumns(9, fill=-1.0)),
        (FixedColumns(11), Stack(2)),
    ],
)
def test_stages_follow_each_other_in_any_order(stages: tuple[Stage, ...]) -> None:
    """What a whole clip at once gives, pieces give."""
    front_end = chain(*TO_LOG, *stages)
    samples = noise(4000)
    whole = whole_clip(front_end, NumpyArrays(np.float64), samples.astype(np.float64)[None])[0].T
    pieces = clip_columns(samples[:, None], front_end, 777, streaming=False)[0]
    assert pieces.shape == whole.shape
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=1e-2)
