"""What a chain could have been instead: the fields' alternatives and usual values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from visualizer.errors import ConfigError
from visualizer.mel.presets import PRESETS
from visualizer.mel.stage import Stage
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.frames import Count, Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.remove_dc import RemoveDC
from visualizer.mel.stages.scale import Scale
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Window
from visualizer.tools.identify.alignment import Alignment
from visualizer.tools.identify.chains import Chain
from visualizer.tools.identify.scoring import Compression

WINDOWS_S = (0.02, 0.025, 0.03, 0.032, 0.04, 0.046, 0.05, 0.06, 0.064, 0.08, 0.1, 0.128)
_WINDOW_SIZES = (
    *(200, 240, 256, 320, 400, 441, 480, 512, 551, 552, 600, 640, 800, 882, 960, 1024, 1100),
    *(1102, 1103, 1200, 1280, 1600, 1764, 1920, 2048, 2205, 2400, 2560, 4096),
)
_TRANSFORMS = (256, 320, 400, 480, 512, 600, 640, 800, 960, 1024, 1200, 1280, 2048, 2560, 4096)
_HOPS_A_WINDOW = (1, 1.5, 2, 2.5, 3, 4, 5, 8)
_COEFFICIENTS = (0.97, 0.95, 0.98, 0.9, 0.96, 0.94, 0.99, 0.85, 1.0)
_LOW_HZ = (0.0, 20.0, 50.0, 80.0, 125.0, 300.0)
_HIGH_HZ = (3800.0, 4000.0, 6000.0, 7000.0, 7600.0, 8000.0, 11025.0, 12000.0, 14000.0, 16000.0)
N_MELS = (23, 40, 80, 128, 64, 26, 24, 20, 30, 32, 60, 72, 96, 100, 160, 256)


def framings(chain: Chain, grid: Alignment, spread: float = 0.35) -> Iterator[Chain]:
    """Yield chains whose frames lie about where the grid has them.

    Args:
        chain: what the frames are put in.
        grid: where the columns lie.
        spread: of the window's length, as a share of it.
    """
    rate, hop = chain.sample_rate, grid.hop_length
    sizes = {*_WINDOW_SIZES, *(round(s * rate) for s in WINDOWS_S)}
    sizes |= {int(s * rate) for s in WINDOWS_S} | {round(k * hop) for k in _HOPS_A_WINDOW}
    for win in sorted(sizes):
        if win < 8 or not 1 - spread <= win / grid.win_length <= 1 + 2 * spread:
            continue
        for n_fft in transforms(win):
            for offset in offsets(win, hop, n_fft, grid.middle):
                made = framed(chain, win, hop, n_fft, offset)
                if made is not None:
                    yield made


def transforms(win: int) -> tuple[int, ...]:
    """Return usual lengths of the transform of a window."""
    power = 1 << (win - 1).bit_length()
    between = {n for n in _TRANSFORMS if win <= n <= 2.6 * win}
    return tuple(sorted({win, power, 2 * power} | between))


def offsets(win: int, hop: int, n_fft: int, middle: float) -> tuple[int, ...]:
    """Return where a frame may begin whose middle is about at a sample."""
    beside = (n_fft - win) // 2
    usual = {0, -(win // 2), -((win + 1) // 2), -((win - hop) // 2), -(win // 2) + hop // 2}
    usual |= {beside - n_fft // 2, beside - (n_fft - hop) // 2, beside, -win, -hop}
    reach = max(0.12 * win, 0.25 * hop)
    near = {offset for offset in usual if abs(offset + win / 2 - middle) <= reach}
    return tuple(sorted(near or {round(middle - win / 2)}))


def framed(chain: Chain, win: int, hop: int, n_fft: int, offset: int) -> Chain | None:
    """Return the chain with these frames and this transform; None where they do not fit."""
    frames, spectrum = chain.of(Frames), chain.of(Spectrum)
    try:
        count: Count = "whole" if offset > 0 else "fit"
        frames = replace(frames, win_length=win, hop_length=hop, offset=offset, count=count)
        spectrum = replace(spectrum, n_fft=n_fft)
    except ConfigError:
        return None
    return chain.having(frames, spectrum)


def named(rate: int, n_rows: int, grid: Alignment, compression: Compression) -> list[Chain]:
    """Return the presets' chains up to their filters, with as many rows and at the grid.

    Each comes with its own window's length, where that fits the grid, and with lengths near to the
    grid's.
    """
    found: dict[Chain, None] = {}
    for preset in PRESETS.values():
        front_end = preset.make(rate) if preset.any_rate else preset.front_end
        chain = Chain(rate, front_end.stages).head.without(Scale)
        mel, frames = chain.find(Mel), chain.of(Frames)
        if mel is None or front_end.sample_rate != rate or len(chain.stages) < 4:
            continue
        counts = {n_rows}
        if compression.n_coefficients is not None:
            counts = {n for n in (n_rows, mel.n_mels, 23, 40, 80, 128) if n >= n_rows}
        win, n_fft = frames.win_length, chain.of(Spectrum).n_fft
        reach = max(0.12 * win, 0.25 * grid.hop_length)
        places = (
            (frames.offset,)
            if abs(frames.offset + win / 2 - grid.middle) < reach
            else offsets(win, grid.hop_length, n_fft, grid.middle)
        )
        for made in (chain.changed(Mel, n_mels=n) for n in counts):
            if made is None:
                continue
            own = (framed(made, win, grid.hop_length, n_fft, offset) for offset in places)
            near = (c for c in framings(made, grid, 0.1) if _is_plain(c))
            found |= {c: None for c in (*own, *near) if c is not None}
    return list(found)


def _is_plain(chain: Chain) -> bool:
    """Return whether the transform is as long as the window, or the next power of 2."""
    win, n_fft = chain.of(Frames).win_length, chain.of(Spectrum).n_fft
    return n_fft in (win, 1 << (win - 1).bit_length())


def windows(chain: Chain) -> Iterator[Chain]:
    """Yield the chain with each window, and without one."""
    for kind in Window.alternatives()["kind"]:
        yield chain.having(Window(kind))
    yield chain.without(Window)


def emphases(chain: Chain) -> Iterator[Chain]:
    """Yield the chain with each kind of pre-emphasis, and with the frames' means removed."""
    plain = chain.without(Preemphasis, FramePreemphasis, RemoveDC)
    chosen = [s for s in chain.stages if isinstance(s, Preemphasis | FramePreemphasis)]
    kinds: list[tuple[Stage, ...]] = [(), *((stage,) for stage in chosen)]
    kinds += [(kind(c),) for c in _COEFFICIENTS for kind in (Preemphasis, FramePreemphasis)]
    for stages in kinds:
        yield plain.having(*stages)
        yield plain.having(RemoveDC(), *stages)


def filterbanks(chain: Chain, n_mels: Iterable[int], *, coarse: bool) -> Iterator[Chain]:
    """Yield the chain with filters of the usual kinds and ranges.

    Args:
        chain: what they are put in.
        n_mels: how many filters there may be.
        coarse: whether one of each scale is enough.
    """
    half = chain.sample_rate / 2
    highs = sorted({h for h in _HIGH_HZ if h < half} | {half})
    old = chain.find(Mel)
    scales = Mel.alternatives()["mel_scale"]
    kinds: list[dict[str, Any]] = [{"mel_scale": scale} for scale in scales]
    if not coarse:
        rest = {k: v for k, v in Mel.alternatives().items() if k in ("triangles", "slopes")}
        kinds = [
            one | dict(zip(rest, values, strict=True))
            for one in kinds
            for values in itertools.product(*rest.values())
        ]
        highs = [old.f_max] if old is not None else highs
    lows = _LOW_HZ if coarse or old is None else (old.f_min,)
    for n, low, high, kind in itertools.product(n_mels, lows, highs, kinds):
        if low < high:
            yield chain.having(Mel(n, low, high, norm=old.norm if old else None, **kind))
