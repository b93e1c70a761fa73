"""The queue between the worker and a model: what is dropped of a live source, and who waits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visualizer.audio.capture import SourceKind
from visualizer.audio.source import SourceInfo
from visualizer.models.inbox import LOADING_S, QUEUE_S, Begin, End, Sound, SoundInbox

RATE, PIECE = 16_000, 400


MICROPHONE = SourceInfo("mic", "hand", None, RATE, 1)


def begun(kind: SourceKind) -> SoundInbox:
    inbox = SoundInbox()
    inbox.listen()
    inbox.begin(replace(MICROPHONE, kind=kind), "mean", 1)
    return inbox


def put(inbox: SoundInbox, first: int, seconds: float) -> None:
    for at in range(first, first + round(seconds * RATE), PIECE):
        inbox.put(at, np.zeros((PIECE, 1), np.float32), 0.0)


def sounds(inbox: SoundInbox) -> list[Sound]:
    """All that is there."""
    inbox.end()
    taken = []
    while not isinstance(item := inbox.take(), End):
        if isinstance(item, Sound):
            taken.append(item)
    return taken


def test_of_a_live_source_the_newest_second_is_kept() -> None:
    inbox = begun("mic")
    inbox.ready()
    put(inbox, 1000, 3 * QUEUE_S)
    begin = inbox.take()
    assert isinstance(begin, Begin)
    assert begin.start_sample == 1000
    kept = sounds(inbox)
    assert sum(sound.seconds for sound in kept) == pytest.approx(QUEUE_S, abs=PIECE / RATE)
    assert [sound.follows_drop for sound in kept] == [True] + [False] * (len(kept) - 1)
    assert kept[-1].start_sample == 1000 + 3 * RATE - PIECE
    # With room again nothing is dropped.
    inbox.begin(MICROPHONE, "mean", 2)
    put(inbox, 60_000, QUEUE_S / 2)
    assert not any(sound.follows_drop for sound in sounds(inbox))


def test_a_model_that_was_loaded_begins_with_what_is_heard_then() -> None:
    inbox = begun("mic")
    put(inbox, 0, QUEUE_S)
    inbox.ready()
    kept = sounds(inbox)
    assert sum(sound.seconds for sound in kept) == pytest.approx(LOADING_S, abs=PIECE / RATE)
    assert kept[0].follows_drop


def test_a_long_delivery_is_kept_whole_and_what_was_before_it_is_counted() -> None:
    inbox = begun("mic")
    put(inbox, 0, LOADING_S)
    inbox.put(1600, np.zeros((8000, 1), np.float32), 0.0)
    (kept,) = sounds(inbox)
    assert (kept.start_sample, kept.follows_drop) == (1600, True)


def test_what_can_wait_does_so_until_the_model_is_there_and_while_it_is_full() -> None:
    inbox, calls = begun("file"), []
    assert not inbox.has_room(lambda: calls.append("loaded"))
    inbox.ready()
    assert calls == ["loaded"]
    put(inbox, 0, 2 * QUEUE_S)
    assert not inbox.has_room(lambda: calls.append("room"))
    assert not any(sound.follows_drop for sound in sounds(inbox))
    assert calls == ["loaded", "room"]


def test_nothing_waits_for_a_model_that_has_failed() -> None:
    inbox, calls = begun("file"), []
    assert not inbox.has_room(lambda: calls.append("goes on"))
    inbox.deafen()
    assert calls == ["goes on"]
    put(inbox, 0, 2 * QUEUE_S)
    assert inbox.has_room(lambda: None)
    inbox.listen()
    assert sounds(inbox) == []


def test_a_stream_ends_once() -> None:
    inbox = begun("file")
    inbox.ready()
    inbox.end()
    inbox.end()
    assert isinstance(inbox.take(), End)
    inbox.begin(MICROPHONE, "mean", 2)
    inbox.end()
    inbox.put(0, np.zeros((PIECE, 1), np.float32), 0.0)
    assert isinstance(inbox.take(), End)
    assert isinstance(inbox.take(), Begin)
