from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from visualizer.audio.devices import (
    Device,
    DeviceList,
    find_device,
    from_json,
    readable,
    table,
    told_apart,
)
from visualizer.errors import DeviceError


def device(index: int, name: str, api: str = "ALSA", default: bool = False) -> Device:
    return Device(index, name, api, 2, 48_000, (16_000, 48_000), default)


DEVICES = [
    device(0, "USB microphone"),
    device(2, "Built-in", default=True),
    device(5, "USB microphone", api="JACK"),
    device(7, "Built-in array"),
    replace(device(8, "Lamp", api="PulseAudio"), server_source="alsa_input.usb-array-00"),
]


@pytest.mark.parametrize(
    ("wanted", "host_api", "index"),
    [
        (None, None, 2),
        ("7", None, 7),
        ("Built-in", None, 2),
        ("ARRAY", None, 7),
        ("USB microphone", "JACK", 5),
        ("alsa_input.usb-array-00", None, 8),
    ],
)
def test_a_device_is_found(wanted: str | None, host_api: str | None, index: int) -> None:
    assert find_device(DEVICES, wanted, host_api).index == index


@pytest.mark.parametrize("wanted", ["3", "headset"])
def test_an_unknown_device_is_answered_with_the_list(wanted: str) -> None:
    with pytest.raises(DeviceError, match=f"no input device '{wanted}'") as error:
        find_device(DEVICES, wanted)
    assert all(d.name in str(error.value) for d in DEVICES)


def test_a_name_that_fits_several_is_answered_with_those() -> None:
    with pytest.raises(DeviceError, match="2 input devices fit 'usb'") as error:
        find_device(DEVICES, "usb")
    assert "Built-in" not in str(error.value)


def test_a_system_without_a_default_is_answered_with_the_list() -> None:
    with pytest.raises(DeviceError, match="names no default input device") as error:
        find_device(DEVICES[:1], None)
    assert "USB microphone" in str(error.value)


def test_no_device_at_all_is_said() -> None:
    with pytest.raises(DeviceError, match="no microphone was found"):
        find_device([], None)
    with pytest.raises(DeviceError, match="no output was found"):
        find_device([], None, direction="output")


def test_an_output_is_called_one() -> None:
    with pytest.raises(DeviceError, match="no output device 'x'; choose one of"):
        find_device(DEVICES, "x", direction="output")


def test_the_list_survives_json() -> None:
    listed = DeviceList((*DEVICES, replace(DEVICES[0], sample_rates=None, server_source="x")), 2)
    assert from_json(json.loads(json.dumps(asdict(listed)))) == listed


def test_a_list_of_another_version_is_refused() -> None:
    with pytest.raises(DeviceError, match="another version"):
        from_json({"devices": [{"name": "x", "sample_rates": None}], "unreadable": 0})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("USB microphone", "USB microphone"),
        ("Büro 麦克风 🎤", "Büro 麦克风 🎤"),
        ("two\nlines\tand \x1b[31mcolour\x00", "two lines and [31mcolour"),
        ("  ", "unnamed"),
        ("", "unnamed"),
        ("<b>loud</b>", "<b>loud</b>"),
    ],
)
def test_a_name_is_one_line_of_what_can_be_printed(name: str, shown: str) -> None:
    assert readable(name) == shown


def test_equal_names_are_told_apart_in_their_order() -> None:
    devices = [*(device(i, name) for i, name in enumerate("abaa")), device(9, "a", api="JACK")]
    assert [d.name for d in told_apart(devices)] == ["a", "b", "a #2", "a #3", "a"]


def test_a_name_that_looks_like_a_second_one_stays_alone() -> None:
    devices = told_apart([device(0, name) for name in ("a", "a", "a #2", "a #2")])
    names = [d.name for d in devices]
    assert names == ["a", "a #3", "a #2", "a #2 #2"]
    assert len(set(names)) == len(names)


def test_the_table_says_what_the_default_records_and_in_which_form() -> None:
    default = replace(device(0, "default", default=True), channels=32, records="hs")
    headset = replace(device(7, "Headset", api="PulseAudio"), native_rate=16_000, channels=1)
    shown = table([default, replace(headset, server_source="hs")]).splitlines()
    assert shown[1].split(maxsplit=1)[1] == "default → Headset  (1 ch, 16000 Hz, system default)"
