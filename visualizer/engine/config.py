"""What the engine needs to know to run, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.channels import Channel, channel_rule
from visualizer.errors import among, require
from visualizer.mel.compute import COMPUTE_CHOICES, Compute
from visualizer.mel.flat import as_front_end
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import Found
from visualizer.mel.presets import preset_for

_LONGEST_WHOSE = 1000


@dataclass(frozen=True)
class EngineConfig:
    """All that the engine needs to know to run."""

    capture: CaptureConfig
    preset: str = "simli"
    mel: FrontEnd | None = None
    """a front-end of the user's own, instead of the preset"""
    whose: str = ""
    """whose `mel` is, and where it was found, as the window says it"""
    channel: Channel = "mean"
    """given as anything that `channel_rule` reads"""
    compute: Compute = "auto"

    def __post_init__(self) -> None:
        require(isinstance(self.preset, str), "preset", self.preset, "a name")
        if self.mel is not None:
            object.__setattr__(self, "mel", as_front_end(self.mel))
        fits = isinstance(self.whose, str) and len(self.whose) <= _LONGEST_WHOSE
        require(fits, "whose", self.whose, f"a text of at most {_LONGEST_WHOSE} letters")
        object.__setattr__(self, "channel", channel_rule(self.channel))
        require(self.compute in COMPUTE_CHOICES, "compute", self.compute, among(Compute))


def front_end(config: EngineConfig, sample_rate: int | None = None) -> FrontEnd:
    """Return the front-end that is asked for, for sound of `sample_rate` (Hz)."""
    return config.mel or preset_for(config.preset, sample_rate)


def choice(found: Found) -> dict[str, Any]:
    """Return the fields of an EngineConfig that a front-end sets: preset, mel and whose.

    Always all three, so that they replace those of the front-end before.
    """
    if found.preset is not None:
        return {"preset": found.name, "mel": None, "whose": ""}
    whose = found.whose[:_LONGEST_WHOSE]
    return {"preset": EngineConfig.preset, "mel": found.at(None), "whose": whose}
