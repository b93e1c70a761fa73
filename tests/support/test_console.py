"""Texts on a console are shown as they are."""

from __future__ import annotations

import pytest
from rich.table import Table

from visualizer.support.console import print_tables, progress_on_terminal

NAME = "[red]talk[bold] & :dog: [1].wav"


def test_names_are_no_markup_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(NAME, title=f"of {NAME}")
    table.add_row(f"in {NAME}")
    print_tables([f"above {NAME}", table])
    said = capsys.readouterr().out
    assert said.count(NAME) == 4


def test_names_are_no_markup_beside_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with progress_on_terminal() as progress:
        progress.add_task(NAME, total=1.0)
        progress.refresh()
    assert NAME in capsys.readouterr().err
