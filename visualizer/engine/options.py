"""What the command line asks of a run, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.channels import Channel
from visualizer.audio.wav import SoundFormat
from visualizer.engine.config import EngineConfig
from visualizer.engine.keeper import KernelChoice, KernelPlan
from visualizer.errors import ConfigError, among, quoted, require
from visualizer.mel.compute import Compute
from visualizer.mel.front_end import FrontEnd
from visualizer.support.folders import cache_folder
from visualizer.support.settings_file import is_there


@dataclass(frozen=True)
class RecordingConfig:
    """Where recordings go, and how."""

    folder: str | None = None
    """None: not chosen yet, so that nothing can be recorded"""
    sound_format: SoundFormat = "float32"

    def __post_init__(self) -> None:
        fits = self.folder is None or (isinstance(self.folder, str) and bool(self.folder))
        require(fits, "folder", self.folder, "null or the path of a folder")
        formats = get_args(SoundFormat)
        require(self.sound_format in formats, "format", self.sound_format, among(SoundFormat))

    def require_folder(self) -> Path:
        """Raises ConfigError where it is not there."""
        folder = Path(self.folder or "")
        if self.folder is None or not (is_there(folder) and folder.is_dir()):
            raise ConfigError(
                f"recordings cannot go to {quoted(self.folder)}",
                "it must be a folder that is there",
            )
        return folder


@dataclass(frozen=True)
class RunOptions:
    """None means: not said, so what was chosen last, or else the default, holds."""

    capture: CaptureConfig | None = None
    preset: str | None = None
    mel: FrontEnd | None = None
    whose: str = ""
    """whose `mel` is, and where it was found"""
    channel: Channel | None = None
    compute: Compute | None = None
    kernel: KernelChoice = "auto"
    """which kernels to look for beside the stream"""
    model: str | None = None
    """what answers beside the stream, as the user named it"""
    trust_model: bool = False
    """whether it may unpickle its own file"""
    duration_s: float | None = None
    """counted from the first column"""
    screenshot: Path | None = None
    report: Path | None = None
    size: tuple[int, int] | None = None
    """of the window, in pixels"""
    recording: RecordingConfig | None = None
    """record from the first column on"""

    @property
    def says_front_end(self) -> bool:
        """Whether a front-end was asked for."""
        return self.preset is not None or self.mel is not None

    @property
    def must_open(self) -> bool:
        """Whether exactly this was asked for, so that something else in its place is an error."""
        capture = self.capture or CaptureConfig("mic")
        source = capture.path, capture.device, capture.sample_rate, capture.channels
        is_picked = isinstance(self.channel, tuple) or self.compute not in (None, "auto")
        return is_picked or any(part is not None for part in source)


OutputFormat = Literal["jsonl", "npy", "f32"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)


USUAL_SIZE = (1280, 720)
"""Of the window at first, in pixels; where the screen has less room, as much as it has."""
MINIMUM_SIZE = (480, 300)
"""Of the window, in pixels: in less, its controls have no room."""


def kernel_plan(options: RunOptions) -> KernelPlan:
    """Return which kernels to look for, and where compiled ones are kept."""
    return KernelPlan(options.kernel, cache_folder() / "kernels")


DEFAULT_ENGINE_CONFIG = EngineConfig(CaptureConfig("mic"))


def engine_config(
    options: RunOptions, stored: EngineConfig = DEFAULT_ENGINE_CONFIG
) -> EngineConfig:
    """What to run: what was said, completed by what was stored."""
    is_said = options.says_front_end
    return EngineConfig(
        capture=options.capture or stored.capture,
        preset=options.preset or stored.preset,
        mel=options.mel if is_said else stored.mel,
        whose=options.whose if is_said else stored.whose,
        channel=options.channel or ("mean" if options.capture else stored.channel),
        compute=options.compute or stored.compute,
    )


def fallbacks(options: RunOptions, capture: CaptureConfig) -> tuple[CaptureConfig, ...]:
    """What to open, in this order, where `capture` cannot be opened."""
    if options.must_open:
        return ()
    microphone, demo = CaptureConfig("mic"), CaptureConfig("demo")
    others = (microphone, demo) if capture.is_live else (demo,)
    # A gain is of the sound that it was chosen for.
    same = replace(capture, gain_db=0.0)
    return tuple(other for other in others if other != same)
