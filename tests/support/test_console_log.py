"""Lines of the log on a terminal."""

from __future__ import annotations

import logging

import pytest

from visualizer.support.console_log import ConsoleFormatter


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("visualizer.audio.file", "visualizer: 'a.mp3': 1 place is damaged"),
        ("torch.export", "torch: 'a.mp3': 1 place is damaged"),
    ],
)
def test_a_line_says_whose_it_is_and_no_module(module: str, line: str) -> None:
    words = "%r: 1 place is damaged"
    record = logging.LogRecord(module, logging.WARNING, "", 0, words, ("a.mp3",), None)
    assert ConsoleFormatter().format(record) == line
