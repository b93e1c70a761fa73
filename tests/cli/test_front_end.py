"""--front-end: whatever names a front-end does so in every command, and says whose it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from visualizer.audio.capture import CaptureConfig
from visualizer.cli import run_command as main
from visualizer.cli.commands import COMMANDS, make_parser
from visualizer.cli.live import run_options
from visualizer.cli.origins import origin_lines, origin_values
from visualizer.engine.options import RunOptions, engine_config
from visualizer.mel.front_ends import Found
from visualizer.mel.model_files.values import FileValues, Known, described, of
from visualizer.mel.presets import PRESETS, preset_for
from visualizer.mel.stages.affine import Affine
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Window

RATE_HZ = 16_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with a sound and a front-end of the user's own."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(3).normal(0, 0.1, RATE_HZ).astype(np.float32)
    soundfile.write("talk.wav", noise, RATE_HZ, subtype="FLOAT")
    own = preset_for("kaldi").to_dict() | {"name": "mine"}
    Path("own.json").write_text(json.dumps(own))
    Path("whisper").mkdir()
    values = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128}
    Path("whisper", "preprocessor_config.json").write_text(json.dumps(values))
    return tmp_path


def mel(*options: str) -> bytes:
    assert main(["mel", "talk.wav", "-o", "out.npy", *options]) == 0
    return Path("out.npy").read_bytes()


def test_a_preset_and_a_file_are_given_by_one_option(folder: Path) -> None:
    assert mel("--front-end", "own.json") == mel("--front-end", "kaldi") != mel()


def test_its_names_before_still_work_and_are_not_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mel("--preset", "kaldi") == mel("--config", "own.json") == mel("--front-end", "kaldi")
    for pair in (
        ("--preset", "--config"),
        ("--preset", "--front-end"),
        ("--front-end", "--config"),
    ):
        options = [pair[0], "simli", pair[1], "kaldi"]
        assert main(["mel", "talk.wav", "-o", "a.npy", *options]) == 2
        assert f"{pair[1]}: not allowed with argument {pair[0]}" in capsys.readouterr().err
    for command in ("run", "stream", "mel", "diff", "latency"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = capsys.readouterr().out
        assert "--front-end WHAT" in said
        assert "--preset" not in said
        assert "--config" not in said


def options_of(*words: str) -> RunOptions:
    arguments = make_parser(*COMMANDS).parse_args(["run", *words])
    return run_options(arguments, CaptureConfig("demo"))


def test_the_window_is_told_which_front_end_and_whose(folder: Path) -> None:
    none = options_of()
    assert (none.preset, none.mel, none.whose) == (None, None, "")
    # A preset fits itself to the rate of the sound, so its name is what is passed on.
    named = options_of("--front-end", "simli")
    assert (named.preset, named.mel, named.whose) == ("simli", None, "")
    own = engine_config(options_of("--front-end", "own.json"))
    assert own.mel is not None
    assert own.mel.stages == preset_for("kaldi").stages
    models = engine_config(options_of("--front-end", "whisper"))
    assert models.mel is not None
    assert models.mel.n_rows == 128
    assert models.whose.startswith("WhisperFeatureExtractor of transformers · ")
    assert models.whose.endswith("preprocessor_config.json")


def test_a_models_folder_is_a_front_end_in_each_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mel("--front-end", "whisper/")
    assert np.load("out.npy").shape == (128, 3000)
    assert main(["diff", "whisper", "whisper/:reference", "--on", "talk.wav"]) == 0
    said = capsys.readouterr().out
    assert "B  whisper:reference" in said
    assert "note: A is WhisperFeatureExtractor of transformers" in said
    assert main(["diff", "whisper:fast", "simli"]) == 2
    assert "there is no kernel 'fast'" in capsys.readouterr().err
    assert main(["presets", "--of", "whisper"]) == 0
    assert "from the file: feature_size" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "stream", "latency", "presets"])
def test_a_front_end_that_is_not_there_is_one_line(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    option = "--of" if command == "presets" else "--front-end"
    assert main([command, option, "wisper"]) == 2
    said = capsys.readouterr().err
    assert "did you mean whisper" in said
    assert said.count("\n") == 1


def of_a_model() -> Found:
    values = FileValues(
        {"sr": 22_050, "win": 1024, "fft_len": 512},
        "config.json",
    )
    values.ignore("fft_len", "the class takes 2·win")
    win = values.whole("win", None)
    read = described(
        "their-model",
        "TheirExtractor",
        values,
        values.whole("sr", 16_000),
        [
            (Frames, {"win_length": win, "hop_length": values.whole("hop", 256), "offset": 0}),
            (RemoveDC, {}),
            (Window, {}),
            (Spectrum, {"n_fft": of(lambda n: 2 * n, win), "power": 2}),
            (
                Mel,
                {
                    "n_mels": 5,
                    "f_min": values.number("low", 20.0, origin="assumed"),
                    "f_max": 8000.0,
                    "mel_scale": "htk",
                    "norm": None,
                },
            ),
            (Affine, {"scale": Known(0.1 + 0.2, "file", "gain")}),
        ],
        notes=("the model cuts silence off first",),
    )
    return Found("their-model", lambda _: read.front_end, described=read)


def test_each_number_of_a_model_is_shown_with_its_origin() -> None:
    lines = list(origin_lines(of_a_model()))
    assert lines[0] == "their-model: TheirExtractor · config.json"
    table = [line.split(maxsplit=3) for line in lines]
    assert ["sample_rate", "22050", "from", "the file: sr"] in table
    assert ["frames", "win_length", "1024", "from the file: win"] in table
    assert ["hop_length", "256", "the", "class's"] in table
    assert ["remove_dc"] in table
    assert ["spectrum", "n_fft", "2048", "from the file: win"] in table
    assert ["f_min", "20", "assumed"] in table
    assert ["norm", "null", "the", "class's"] in table
    assert ["scale", "0.3", "from", "the file: gain"] in table
    assert "written, ignored: fft_len = 512: the class takes 2·win" in lines
    assert lines[-1] == "note: the model cuts silence off first"


def test_the_origins_come_as_json_too() -> None:
    found = of_a_model()
    values = origin_values(found)
    front_end = found.at(None)
    assert values["chain"] == front_end.to_dict()
    by_name = {(row["stage"], row["field"]): row for row in values["fields"]}
    assert by_name[None, "sample_rate"]["key"] == "sr"
    assert by_name["mel", "f_min"]["origin"] == "assumed"
    assert by_name["spectrum", "n_fft"] == {
        "stage": "spectrum",
        "index": 3,
        "field": "n_fft",
        "value": 2048,
        "origin": "file",
        "key": "win",
    }
    ignored = {"key": "fft_len", "value": 512, "why": "the class takes 2·win"}
    assert values["ignored"] == [ignored]
    json.dumps(values, allow_nan=False)


def test_presets_of_shows_presets_and_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["presets", "--of", "whisper-80"]) == 0
    said = capsys.readouterr().out
    assert "openai/whisper, whisper/audio.py" in said
    assert "the preset's" in said
    assert main(["presets", "--of", "own.json", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["chain"]["stages"] == preset_for("kaldi").to_dict()["stages"]
    assert {row["origin"] for row in values["fields"]} == {"file"}


def test_long_lists_and_texts_are_shortened() -> None:
    ramp = [float(f"{v:.3f}") for v in np.linspace(-12.1, -3.2, 80)]
    values = FileValues({"filters": ramp, "comment": "word " * 100}, "f.json")
    for key in ("filters", "comment"):
        values.ignore(key, "not used")
    frames = (Frames, {"win_length": 400, "hop_length": 160, "offset": 0})
    read = described(
        "n", "w", values, Known(16_000), [frames, (Spectrum, {"n_fft": 512, "power": 2})]
    )
    lines = list(origin_lines(Found("n", lambda _: read.front_end, described=read)))
    assert "written, ignored: filters = 80 numbers from -12.1 to -3.2: not used" in lines
    assert max(map(len, lines)) < 100


def test_the_list_is_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading, groups = "", dict[str, str]()
    for line in lines:
        if line and not line.startswith(" "):
            heading = line
        elif line[2:3].strip():
            groups[line.split()[0]] = heading
    assert groups == {name: one.group for name, one in PRESETS.items()}
    assert main(["presets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["group"] for row in rows} == groups
