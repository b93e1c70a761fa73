"""Files of every kind that libsndfile and PyAV write, damaged, then opened, read and played."""

from __future__ import annotations

import functools
import io
import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import soundfile

from tests import containers
from tests.stress.fuzz.values import Refused, check_message, damaged
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.file import FileSource, open_audio, read_blocks
from visualizer.audio.ring import BlockRing
from visualizer.audio.sanitize import LIMIT, Cleaner

_PLAYED_S = 0.03
"""So long a file is heard that does not end by itself before."""
_ENOUGH_VALUES = 20_000_000
"""A few bytes of some formats stand for hours of silence."""
_CASE_S = 10.0
"""Of processor time, for all that is done with one file."""
_CASE_BYTES = 500 << 20
"""That a file may take beside what the process had."""
_CODE = (".py", ".pyc", ".so")
"""What is opened to import it."""
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".raw", ".sd2", "", ".WAV", ".xyz")


@functools.cache
def whole_files() -> list[tuple[str, bytes]]:
    """(format, content) of a short sound in each format and coding there is."""
    random = np.random.default_rng(5)
    files = []
    # One has no header, and the other writes a second file, wherever it is.
    for container in sorted(set(soundfile.available_formats()) - {"RAW", "SD2"}):
        for coding in sorted(soundfile.available_subtypes(container)):
            for rate, channels in ((8_000, 1), (44_100, 2)):
                sound = random.uniform(-0.5, 0.5, (rate // 16, channels))
                memory = io.BytesIO()
                try:
                    soundfile.write(memory, sound, rate, format=container, subtype=coding)
                except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError):
                    # Not every format takes every number of channels; some are only for reading.
                    continue
                files.append((container.lower(), memory.getvalue()))
    return files


@functools.cache
def whole_containers() -> list[tuple[str, bytes]]:
    """(format, content) of a short sound in each container and codec, some with pictures."""
    sound = np.random.default_rng(5).uniform(-0.5, 0.5, (11_025, 2)).astype(np.float32)
    ways = [(kind, {}) for kind in containers.KINDS]
    ways += [(kind, {"with_pictures": True}) for kind in containers.WITH_PICTURES]
    ways += [(kind, {"piped": True}) for kind in containers.FROM_PIPES]
    return [(kind, containers.written(kind, sound, 44_100, **way)) for kind, way in ways]


@functools.cache
def _opened() -> list[str]:
    """What this process opens from now on, or connects to, but for what it imports."""
    opened: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and not str(arguments[0]).endswith(_CODE):
            opened.append(str(arguments[0]))
        elif event.startswith(("socket.", "subprocess.")):
            opened.append(event)

    sys.addaudithook(hook)
    return opened


def run(random: np.random.Generator, folder: Path) -> str:
    """Return what came of it: "whole", "refused", or "broken" where it fails later on."""
    files = (whole_files, whole_containers)[random.integers(2)]()
    ending, content = files[random.integers(len(files))]
    _, other = files[random.integers(len(files))]
    kind = random.integers(20)
    if kind == 0:
        content = content[:4] + random.bytes(int(random.integers(2000)))
    elif kind > 1:
        content = damaged(random, content, other)
    suffix = f".{ending}" if random.integers(4) else str(random.choice(_SUFFIXES))
    path = folder / f"case{suffix}"
    path.write_bytes(content)
    _opened().clear()
    began_s, began_bytes = time.process_time(), _peak_bytes()
    with Refused() as opening:
        open_audio(path).close()
    with Refused() as reading:
        _read(path)
    with Refused() as playing:
        _play(path, loop=bool(random.integers(2)))
    assert playing.words == opening.words
    assert time.process_time() - began_s < _CASE_S
    assert _peak_bytes() - began_bytes < _CASE_BYTES
    assert set(_opened()) <= {str(path)}
    path.unlink()
    return "refused" if opening.words else "broken" if reading.words else "whole"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _read(path: Path) -> None:
    cleaner, n_values, began_s = Cleaner(), 0, time.process_time()
    with open_audio(path) as file:
        for block in read_blocks(file, 4096, lambda share: _check_share(share)):
            assert block.dtype == np.float32
            assert block.shape[1] == file.channels
            assert np.isfinite(block).all()
            clean = cleaner.clean(block)
            assert np.abs(clean).max() <= LIMIT
            n_values += block.size
            if n_values > _ENOUGH_VALUES or time.process_time() - began_s > _CASE_S / 2:
                # It goes on, which is no fault.
                return


def _check_share(share: float) -> None:
    assert 0.0 <= share <= 1.0


def _play(path: Path, *, loop: bool) -> None:
    ended = threading.Event()
    blocks = 0

    def on_audio(ring: BlockRing) -> None:
        nonlocal blocks
        while (block := ring.read()) is not None:
            assert block.samples.dtype == np.float32
            blocks += 1
        if ring.end is not None:
            ended.set()

    source = FileSource(path, CaptureConfig("file", path=str(path), loop=loop))
    check_message(source.info.name)
    ring = BlockRing(source.info.channels, max(1, source.info.sample_rate // 8), on_audio)
    source.start(ring)
    ended.wait(_PLAYED_S)
    source.close()
    if ring.fault is not None:
        check_message(ring.fault)
    assert ring.dropped_blocks == 0
