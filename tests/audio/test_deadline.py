from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from visualizer.audio.deadline import MOST_HUNG, Calls, HungError


@pytest.fixture
def calls() -> Iterator[Calls]:
    calls = Calls("the drive")
    yield calls
    calls.close()


def test_a_call_gives_what_it_returns_or_raises(calls: Calls) -> None:
    assert calls.make(lambda: 7, 5.0) == 7
    with pytest.raises(KeyError):
        calls.make(lambda: {}["no"], 5.0)
    assert calls.may_call


def test_what_hangs_is_left_alone_and_undone_when_it_comes_back(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualizer.audio.deadline.HUNG_S", 600.0)
    answers, undone = threading.Event(), threading.Event()
    with pytest.raises(HungError, match=r"the drive has not answered for 0\.1 s"):
        calls.make(answers.wait, 0.1, lambda _: undone.set())
    # The next waits for it, and no longer than it is told to.
    assert not calls.may_call
    with pytest.raises(HungError):
        calls.make(lambda: 7, 0.1)
    answers.set()
    assert undone.wait(20)
    assert calls.make(lambda: 7, 20.0) == 7


def test_what_hangs_for_long_is_passed_by_but_not_for_ever(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualizer.audio.deadline.HUNG_S", 0.0)
    answers = threading.Event()
    for _ in range(MOST_HUNG):
        with pytest.raises(HungError):
            calls.make(answers.wait, 0.1)
    n_threads = threading.active_count()
    with pytest.raises(HungError):
        calls.make(answers.wait, 0.1)
    assert threading.active_count() == n_threads
    answers.set()
    assert calls.make(lambda: 7, 20.0) == 7
