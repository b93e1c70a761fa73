"""The blocks that a model is fed: all of them, where they belong, whatever the pieces."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visualizer.audio.source import SourceInfo
from visualizer.mel.presets import preset_for
from visualizer.mel.resample import StreamingResampler
from visualizer.mel.stream import MelStream
from visualizer.models.contract import Model, ModelSpec, Output, spec_of
from visualizer.models.feed import Block, Feed

RNG = np.random.default_rng(16)
SOUND = RNG.normal(0, 0.1, (12_000, 2)).astype(np.float32)


def spec(**says: object) -> ModelSpec:
    return spec_of(type("Own", (Model,), {"outputs": (Output("x"),), **says})())


def source(rate: int) -> SourceInfo:
    return SourceInfo("file", "hand", None, rate, SOUND.shape[1])


def blocks_of(feed: Feed, edges: list[int]) -> list[Block]:
    """Of the sound, cut at these samples."""
    blocks = []
    for start, end in zip([0, *edges], [*edges, len(SOUND)], strict=True):
        blocks += feed.push(start, SOUND[start:end])
    return blocks + feed.flush()


@settings(max_examples=25)
@given(
    window=st.integers(50, 3000),
    share=st.fractions(Fraction(1, 20), 1),
    edges=st.lists(st.integers(0, len(SOUND)), max_size=5).map(sorted),
)
def test_blocks_of_samples_are_those_of_the_whole_sound(
    window: int, share: Fraction, edges: list[int]
) -> None:
    step = max(1, int(window * share))
    says = spec(sample_rate=16_000, window=window, step=step)
    blocks = blocks_of(Feed(says, source(16_000), "each", 0), edges)
    assert [b.index for b in blocks] == list(range((len(SOUND) - window) // step + 1))
    assert [b.is_fresh for b in blocks] == [True] + [False] * (len(blocks) - 1)
    mean = SOUND.mean(axis=1)
    for block in blocks:
        wanted = mean[block.index * step : block.index * step + window]
        np.testing.assert_array_equal(block.values, wanted)


def test_samples_come_at_the_models_rate() -> None:
    says = spec(sample_rate=16_000, window=512)
    blocks = blocks_of(Feed(says, source(48_000), "mean", 0), [1000, 1001, 7000])
    resampler = StreamingResampler(48_000, 16_000, 1)
    mean = SOUND.mean(axis=1, keepdims=True)
    whole = np.concatenate((resampler.push(mean), resampler.flush()))[:, 0]
    assert len(whole) == len(SOUND) // 3
    assert len(blocks) == len(whole) // 512
    fed = np.concatenate([block.values for block in blocks])
    np.testing.assert_allclose(fed, whole[: len(fed)], atol=1e-7)


def test_columns_are_those_of_the_front_end_at_the_sources_rate() -> None:
    says = spec(front_end="simli", window=4, step=2)
    blocks = blocks_of(Feed(says, source(48_000), (1,), 0), [5, 3000])
    stream = MelStream(preset_for("simli", 48_000), 48_000, 1)
    columns = np.concatenate((stream.push(SOUND[:, 1:]), stream.flush()), axis=2)[0]
    assert [b.index for b in blocks] == list(range((columns.shape[1] - 4) // 2 + 1))
    for block in blocks:
        wanted = columns[:, 2 * block.index : 2 * block.index + 4]
        np.testing.assert_allclose(block.values, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("n_samples", "step", "n_blocks"),
    # With a rest of its own, without, all of it a rest, and with a rest that only overlaps.
    [(1900, 800, 3), (1600, 800, 2), (500, 800, 1), (1700, 400, 4), (1600, 400, 3), (0, 400, 0)],
)
def test_what_is_left_at_the_end_is_filled_with_silence_for_who_wants_it(
    n_samples: int, step: int, n_blocks: int
) -> None:
    says = spec(sample_rate=16_000, window=800, step=step, fills_last=True)
    feed = Feed(says, source(16_000), "mean", 0)
    blocks = feed.push(0, SOUND[:n_samples]) + feed.flush()
    assert [b.index for b in blocks] == list(range(n_blocks))
    filled = np.concatenate((SOUND[:n_samples].mean(axis=1), np.zeros(800, np.float32)))
    for block in blocks:
        at = block.index * step
        np.testing.assert_array_equal(block.values, filled[at : at + 800])


@pytest.mark.parametrize("says", [{"sample_rate": 16_000, "window": 800, "step": 400}])
def test_blocks_that_touch_a_loss_do_not_exist_and_the_model_forgets(says: dict[str, int]) -> None:
    feed = Feed(spec(**says), source(16_000), "mean", 0)
    blocks = feed.push(0, SOUND[:2100]) + feed.push(4001, SOUND[4001:6000])
    assert [b.index for b in blocks] == [0, 1, 2, 3, 11, 12, 13]
    assert [b.index for b in blocks if b.is_fresh] == [0, 11]
    assert feed.skipped == 7
    np.testing.assert_array_equal(blocks[4].values, SOUND[4400:5200].mean(axis=1))


def test_what_was_heard_before_it_began_is_no_loss() -> None:
    feed = Feed(spec(sample_rate=16_000, window=800), source(16_000), "mean", 10_001)
    blocks = feed.push(10_001, SOUND[10_001:])
    assert [b.index for b in blocks] == [13, 14]
    assert feed.skipped == 0
