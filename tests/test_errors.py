from __future__ import annotations

import pickle

import pytest

from visualizer.audio.devices import Device, find_device
from visualizer.errors import ConfigError, DeviceError, VisualizerError, require


def test_an_error_reads_as_one_line_of_problem_and_remedy() -> None:
    assert str(DeviceError("it is off", "switch it on")) == "it is off; switch it on"
    assert str(DeviceError("it is off")) == "it is off"


def test_an_error_keeps_its_fields_from_one_process_to_another() -> None:
    error: VisualizerError = pickle.loads(pickle.dumps(ConfigError("a", "b", "c")))
    assert (type(error), error.problem, error.remedy, error.choices) == (ConfigError, "a", "b", "c")


def test_a_field_out_of_its_limits_is_named_with_them() -> None:
    with pytest.raises(ConfigError) as raised:
        require(False, "n_mels", 0, "from 1 to 512")
    assert (raised.value.problem, raised.value.remedy) == (
        "n_mels is 0",
        "it must be from 1 to 512",
    )


def test_choices_stand_below_the_text_and_the_line_does_without_them() -> None:
    device = Device(3, "Desk", "ALSA", 1, 48000, None, False)
    with pytest.raises(DeviceError) as raised:
        find_device([device], "Stage")
    first, *choices = str(raised.value).splitlines()
    assert first == "there is no input device 'Stage'; choose one of"
    assert any("Desk" in choice for choice in choices)
    assert raised.value.line == "there is no input device 'Stage'"
