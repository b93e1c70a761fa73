from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from visualizer.audio.demo import demo_path, open_demo
from visualizer.audio.file import END_OF_FILE, FileSource, open_audio
from visualizer.audio.ring import BlockRing
from visualizer.config import CaptureConfig
from visualizer.errors import ConfigError, SourceError

RATE_HZ = 8_000


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng().uniform(-0.5, 0.5, (1234, 2)).astype(np.float32)


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ)
    return path


def play(path: Path, n_samples: int, *, loop: bool = False) -> tuple[np.ndarray, BlockRing]:
    """What a file delivers until its end, or until there are so many samples."""
    enough = threading.Event()
    blocks: list[np.ndarray] = []

    def on_audio(ring: BlockRing) -> None:
        while (block := ring.read()) is not None:
            blocks.append(block.samples)
        if ring.end_reason is not None or sum(map(len, blocks)) >= n_samples:
            enough.set()

    ring = BlockRing(2, RATE_HZ, on_audio)
    source = FileSource(path, CaptureConfig("file", path=str(path), loop=loop))
    source.start(ring)
    assert enough.wait(10)
    source.close()
    return np.concatenate(blocks), ring


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_delivered_whole_and_ends(
    tmp_path: Path, samples: np.ndarray, ending: str
) -> None:
    path = write(tmp_path / f"sound.{ending}", samples)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    heard, ring = play(path, 10**9)
    # An MP3 decoder rounds differently in other block sizes.
    np.testing.assert_allclose(heard, expected, rtol=0, atol=1e-6)
    assert ring.end_reason == END_OF_FILE


def test_a_looping_file_begins_again_without_a_break(tmp_path: Path, samples: np.ndarray) -> None:
    path = write(tmp_path / "sound.wav", samples)
    once, _ = soundfile.read(path, dtype="float32", always_2d=True)
    heard, ring = play(path, 2 * len(samples) + 50, loop=True)
    np.testing.assert_array_equal(heard, np.tile(once, (3, 1))[: len(heard)])
    assert ring.end_reason is None


def test_the_demo_plays_for_ever_from_its_own_recording() -> None:
    source = open_demo(CaptureConfig("demo"))
    assert (source.info.kind, source.info.sample_rate) == ("demo", 48_000)
    source.close()
    assert soundfile.info(demo_path()).duration == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"this is a text, not a sound\n" * 50, "not an audio file that can be read"),
    ],
)
def test_what_is_not_a_sound_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "file.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=words):
        open_audio(path)


def test_a_file_without_samples_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "nothing.wav", np.zeros((0, 1), np.float32))
    with pytest.raises(SourceError, match="holds no sound"):
        open_audio(path)


def test_a_rate_that_the_file_does_not_have_is_refused(tmp_path: Path, samples: np.ndarray) -> None:
    path = write(tmp_path / "sound.wav", samples)
    with pytest.raises(ConfigError, match="has 8000 Hz, not 16000"):
        FileSource(path, CaptureConfig("file", path=str(path), sample_rate=16_000))
