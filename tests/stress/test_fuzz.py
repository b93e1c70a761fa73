"""A quick part of `python -m tests.stress.fuzz`, and whether it would find what it looks for."""

from __future__ import annotations

import pytest

from tests.stress.fuzz import leaks, selftest
from tests.stress.fuzz.__main__ import counts
from tests.stress.fuzz.child import KINDS, random_of
from tests.stress.fuzz.runner import run_kind

SEED = 20
"""Not that of the whole run, so that more is tried."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_is_borne(kind: str) -> None:
    count = counts(300)[kind]
    outcome = run_kind(kind, SEED, 0, count, chunk=count)
    assert outcome.failures == []
    assert outcome.passed == count
    # Else nothing would be tried but the first look at a case.
    assert sum(n >= 5 for n in outcome.results.values()) >= 2


def test_the_counts_are_exact() -> None:
    wanted = counts(5000)
    assert wanted["files"] == 5000
    assert sum(wanted.values()) == 10_000


def test_a_crash_a_hang_and_an_error_are_named_and_the_others_run() -> None:
    name, seed, count = selftest.__name__.rpartition(".")[2], 2, 12
    ways = [selftest.way_of(random_of(name, seed, n)) for n in range(count)]
    assert set(ways) == set(selftest.WAYS)
    outcome = run_kind(name, seed, 0, count, chunk=8, case_s=3.0)
    words = {"crashes": "SIGSEGV", "hangs": "hangs for more than 3 s", "fails": "two\nlines"}
    assert outcome.passed == ways.count("passes")
    assert (outcome.crashes, outcome.hangs) == (ways.count("crashes"), ways.count("hangs"))
    found = {failure.case: failure.what for failure in outcome.failures}
    assert sorted(found) == [n for n, way in enumerate(ways) if way != "passes"]
    for case, what in found.items():
        assert words[ways[case]] in what


def test_a_case_is_the_same_whichever_others_run() -> None:
    name = selftest.__name__.rpartition(".")[2]
    alone = [run_kind(name, 2, n, 1, chunk=1, case_s=3.0).passed for n in range(4)]
    assert sum(alone) == run_kind(name, 2, 0, 4, chunk=4, case_s=3.0).passed


def test_what_is_left_behind_is_found() -> None:
    outcome = run_kind(leaks.__name__.rpartition(".")[2], 0, 0, 12, chunk=12)
    assert outcome.passed == 12
    [failure] = outcome.failures
    assert outcome.most_grown_descriptors == 6
    assert outcome.most_grown_bytes > 90e6
    assert "6 descriptors" in failure.what
