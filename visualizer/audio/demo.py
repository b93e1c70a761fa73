"""The built-in recording: synthetic speech, a sweep and bells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.file import FileSource
from visualizer.support.shipped import shipped


def demo_path() -> Path:
    """Where the recording lies."""
    return shipped("demo.flac")


def open_demo(capture: CaptureConfig) -> FileSource:
    """The recording as a source that plays for ever."""
    return FileSource(demo_path(), replace(capture, loop=True), kind="demo", name="Built-in demo")
