from __future__ import annotations

import json
from dataclasses import replace

import pytest

from visualizer.audio.devices import (
    Device,
    DeviceList,
    find_device,
    from_json,
    to_json,
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


def test_no_device_at_all_is_said() -> None:
    with pytest.raises(DeviceError, match="no microphone was found"):
        find_device([], None)


def test_the_list_survives_json() -> None:
    listed = DeviceList((*DEVICES, replace(DEVICES[0], sample_rates=None, server_source="x")), 2)
    assert from_json(json.loads(json.dumps(to_json(listed)))) == listed


def test_a_list_of_another_version_is_refused() -> None:
    with pytest.raises(DeviceError, match="another version"):
        from_json({"devices": [{"name": "x", "sample_rates": None}], "unreadable": 0})
