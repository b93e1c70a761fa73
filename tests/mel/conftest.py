"""What several tests of the mathematics share."""

from __future__ import annotations

import os
import shutil

import pytest

from visualizer.engine.kernel_builder import end, events, start_builder
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.presets import preset_for


@pytest.fixture(scope="session")
def compiled_simli(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The compiled kernel of simli at 16 kHz, built by the real compiler into a cache of its own.

    Tests that change something in the cache work on a copy.
    """
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        reason = "not installed: a C++ compiler"
        if os.environ.get("MEL_VISUALIZER_REAL_PARTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    artifact = Artifact(preset_for("simli", 16_000), 1, tmp_path_factory.mktemp("kernels"))
    with start_builder(artifact, "cpu") as builder:
        event = next(events(builder))
        end(builder)
    assert event == {"built": True}
    return artifact
