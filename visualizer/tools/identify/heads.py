"""The search for what comes before the logarithm: frames, windows, spectra and filters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visualizer.errors import ConfigError
from visualizer.mel.stages.frame_preemphasis import FramePreemphasis
from visualizer.mel.stages.frames import Frames
from visualizer.mel.stages.mel import Mel
from visualizer.mel.stages.preemphasis import Preemphasis
from visualizer.mel.stages.spectrum import Spectrum
from visualizer.mel.stages.window import Window
from visualizer.tools.identify import candidates
from visualizer.tools.identify.alignment import Alignment
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.scoring import Compression, Target

Values = NDArray[np.float64]

_MOST_COLUMNS = 160
_EXACT = 1e-9
_STEPS_HZ = (320.0, 160.0, 80.0, 40.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05)
_ROUND_HZ = (1000.0, 500.0, 100.0, 50.0, 25.0, 20.0, 10.0, 5.0, 1.0, 0.5, 0.1)


@dataclass(frozen=True)
class Guess:
    """A chain up to its filters, what comes after, and how much of the features they leave."""

    chain: Chain
    compression: Compression
    misfit: float


class HeadSearch:
    """Rates chains over columns from the middle of the sound, whose edges do not matter."""

    def __init__(
        self, sound: Sound, levels: Values, known: NDArray[np.bool_], grid: Alignment
    ) -> None:
        """`levels` and what of them is known are (n_columns, n_rows)."""
        self.sound, self.grid = sound, grid
        self.n_rows = levels.shape[1]
        n_columns = len(levels)
        n_used = min(_MOST_COLUMNS, n_columns)
        margin = math.ceil(0.75 * grid.win_length / grid.hop_length) + 1
        if n_columns - 2 * margin >= 24:
            n_used = min(n_used, n_columns - 2 * margin)
        self._first = (n_columns - n_used) // 2
        self._last = self._first + n_used
        self._target = Target(levels[self._first : self._last], known[self._first : self._last])

    def rate(self, chain: Chain, compression: Compression) -> Guess:
        """Return the guess with its misfit."""
        try:
            linear = self.sound.linear(chain, self._first, self._last)
        except ConfigError:
            return Guess(chain, compression, 1.0)
        return Guess(chain, compression, self._target.misfit(compression(linear)))

    def best(self, chains: Iterable[Chain], start: Guess) -> Guess:
        """Return the best of the chains and the start."""
        for chain in chains:
            if start.misfit < _EXACT or self.sound.is_late:
                break
            start = min(start, self.rate(chain, start.compression), key=lambda g: g.misfit)
        return start

    def ranked(self, chains: Iterable[Chain], compression: Compression) -> list[Guess]:
        """Return guesses, the best first."""
        rated = [self.rate(chain, compression) for chain in chains]
        return sorted(rated, key=lambda guess: guess.misfit)

    def starts(self, rate: int, compression: Compression) -> list[Guess]:
        """Return the best filters for a plain spectrum at the grid, one of each scale first."""
        grid = self.grid
        win = max(8, round(grid.win_length))
        frames = Frames(win, grid.hop_length, 0)
        n_fft = 1 << (win - 1).bit_length()
        plain = Chain(rate, (frames, Window(), Spectrum(n_fft, power=2)))
        framings = list(candidates.framings(plain, grid, 0.12)) or list(
            candidates.framings(plain, grid)
        )
        if not framings:
            return []
        middle = min(framings, key=lambda c: abs(c.of(Frames).win_length - win))
        n_mels = (self.n_rows,) if compression.n_coefficients is None else _allowed(self.n_rows)
        found = self.ranked(candidates.filterbanks(middle, n_mels, coarse=True), compression)
        if compression.n_coefficients is None:
            bare = [
                c
                for c in candidates.framings(plain, grid)
                if c.of(Spectrum).n_fft // 2 + 1 == self.n_rows
            ]
            found += self.ranked(bare, compression)
        found += self.ranked(candidates.named(rate, self.n_rows, grid, compression), compression)
        found.sort(key=lambda guess: guess.misfit)
        firsts: dict[object, Guess] = {}
        for guess in found:
            mel, power = guess.chain.find(Mel), guess.chain.of(Spectrum).power
            firsts.setdefault((mel and (mel.mel_scale, mel.n_mels), power), guess)
        # A range that is a little off would be made up for by another window or transform.
        return [self._ranged(g) if g.chain.find(Mel) else g for g in list(firsts.values())[:4]]

    def glance(self, guess: Guess) -> Guess:
        """Change each group of fields once, which is enough where a few are unusual."""
        guess = self._hopped(guess)
        for step in self._steps(guess):
            if guess.misfit >= _EXACT:
                guess = step(guess)
        return guess

    def _steps(self, guess: Guess) -> list[Callable[[Guess], Guess]]:
        steps: list[Callable[[Guess], Guess]]
        steps = [self._framed, self._filtered, self._windowed, self._compressed]
        if guess.compression.n_coefficients is not None:
            # A floor below a cosine transform hides all else.
            steps = [self._compressed, *steps]
        return steps

    def climb(self, guess: Guess, tick: Callable[[], None]) -> Guess:
        """Change one group of fields after the other until nothing is better."""
        guess = self._hopped(guess)
        steps = self._steps(guess)
        nudges = False
        for _ in range(8):
            if self.sound.is_late:
                break
            before = guess.misfit
            for step in (self._reframed, *steps, self._nudged) if nudges else steps:
                if guess.misfit >= _EXACT:
                    guess = step(guess)
                tick()
            if guess.misfit < _EXACT or (nudges and guess.misfit > 0.9 * before):
                break
            # Numbers that are not usual, once the usual ones are as good as they get.
            nudges = nudges or guess.misfit > 0.9 * before
        return guess

    def _hopped(self, guess: Guess) -> Guess:
        """Try hops a little longer or shorter, about the same middle of the sound."""
        chain = guess.chain
        frames, n_fft = chain.of(Frames), chain.of(Spectrum).n_fft
        win, hop = frames.win_length, frames.hop_length
        middle = frames.offset + win / 2
        options = []
        for change in (-3, -2, -1, 1, 2, 3):
            if hop + change < 1:
                continue
            moved = middle - change * (self._first + self._last) / 2
            places = {*candidates.offsets(win, hop + change, n_fft, moved), round(moved - win / 2)}
            options += [candidates.framed(chain, win, hop + change, n_fft, at) for at in places]
        return self.best([c for c in options if c is not None], guess)

    def _framed(self, guess: Guess) -> Guess:
        """Try usual windows' lengths, transforms and powers, with the most usual windows."""
        chain = guess.chain
        grid = _grid(chain)
        framings = list(candidates.framings(chain, grid, 0.3))
        if chain.find(Mel) is None:
            framings = [c for c in framings if c.of(Spectrum).n_fft // 2 + 1 == self.n_rows]
        kinds: list[Window | None] = [Window("hann"), Window("hamming"), chain.find(Window)]
        epsilon = chain.of(Spectrum).epsilon
        options = [
            (c.without(Window) if window is None else c.having(window)).having(
                replace(c.of(Spectrum), power=power, epsilon=least)
            )
            for least in dict.fromkeys((epsilon, 0.0))
            for window in dict.fromkeys(kinds)
            for c in framings
            for power in (2, 1)
        ]
        return self.best(options, guess)

    def _reframed(self, guess: Guess) -> Guess:
        """Try each window with each usual length: one that is narrower is longer."""
        chain = guess.chain
        grid = _grid(chain)
        framings = candidates.framings(chain, grid, 0.3)
        if chain.find(Mel) is None:
            framings = (c for c in framings if c.of(Spectrum).n_fft // 2 + 1 == self.n_rows)
        return self.best((w for c in framings for w in candidates.windows(c)), guess)

    def _nudged(self, guess: Guess) -> Guess:
        """Move window and offset sample by sample, which finds lengths that are not usual."""
        step = max(1, guess.chain.of(Frames).win_length // 16)
        while step >= 1 and not self.sound.is_late:
            frames, spectrum = guess.chain.of(Frames), guess.chain.of(Spectrum)
            win, hop, at = frames.win_length, frames.hop_length, frames.offset
            tied = spectrum.n_fft == win
            moves = [(win, at - step), (win, at + step)]
            moves += [(win + s, at - s // 2) for s in (-2 * step, 2 * step, -step, step)]
            options = []
            for new_win, new_at in moves:
                n_fft = new_win if tied else max(spectrum.n_fft, new_win)
                made = candidates.framed(guess.chain, max(4, new_win), hop, n_fft, new_at)
                options += [made] if made is not None else []
            better = self.best(options, guess)
            if better.misfit > 0.98 * guess.misfit:
                step //= 2
            guess = min(better, guess, key=lambda g: g.misfit)
        return guess

    def _windowed(self, guess: Guess) -> Guess:
        chain = guess.chain
        kinds = self.ranked(candidates.windows(chain), guess.compression)[:3]
        options = [o for g in (guess, *kinds) for o in candidates.emphases(g.chain)]
        guess = self.best(options, guess)
        return self._coefficient(self.best(candidates.windows(guess.chain), guess))

    def _coefficient(self, guess: Guess) -> Guess:
        """Find the pre-emphasis' coefficient, and the roundest that is as good."""
        kinds = (Preemphasis, FramePreemphasis)
        kind = next((k for k in kinds if guess.chain.find(k) is not None), None)
        if kind is None:
            return guess

        def at(value: float) -> list[Chain]:
            made = guess.chain.changed(kind, coefficient=value)
            return [] if made is None else [made]

        def value(guess: Guess) -> float:
            return float(getattr(guess.chain.of(kind), "coefficient"))  # noqa: B009

        step = 0.02
        while step > 1e-4 and guess.misfit >= _EXACT:
            options = [*at(value(guess) - step), *at(value(guess) + step)]
            better = self.best(options, guess)
            step = step / 2 if better.misfit >= guess.misfit else step
            guess = better
        for digits in (1, 2, 3):
            for chain in at(round(value(guess), digits)):
                rounded = self.rate(chain, guess.compression)
                if rounded.misfit <= 1.02 * guess.misfit + _EXACT:
                    return rounded
        # What is a little off here is made up for by the filters' range: all at once.
        together: list[Chain | None] = []
        forms = Mel.alternatives()["triangles"]
        for low, high, form in itertools.product((1.0, 5.0, 10.0), (1.0, 10.0, 100.0), forms):
            for chain in at(round(value(guess), 2)):
                mel = chain.find(Mel)
                if mel is not None:
                    f_min, f_max = round(mel.f_min / low) * low, round(mel.f_max / high) * high
                    changed = {"f_min": f_min, "f_max": f_max, "triangles": form}
                    together.append(chain.changed(Mel, **changed))
        return self.best([c for c in together if c is not None], guess)

    def _filtered(self, guess: Guess) -> Guess:
        mel = guess.chain.find(Mel)
        if mel is None:
            return guess
        kinds = self.ranked(
            candidates.filterbanks(guess.chain, (mel.n_mels,), coarse=False), guess.compression
        )
        tried = [self._ranged(g) for g in (guess, *kinds[: 2 if guess.misfit > 1e-4 else 1])]
        return min(tried, key=lambda g: g.misfit)

    def _ranged(self, guess: Guess) -> Guess:
        """Move the range of the filters, then take the roundest numbers that are as good."""
        sure = guess.misfit < 1e-4
        for step in _STEPS_HZ[5 if sure else 0 :]:
            while guess.misfit >= _EXACT and not self.sound.is_late:
                options = list(self._moved(guess.chain, step))
                better = self.best(options, guess)
                if better.misfit >= guess.misfit:
                    break
                guess = better
        return self._rounded(guess)

    def _moved(self, chain: Chain, step: float) -> Iterator[Chain]:
        mel = chain.of(Mel)
        most = 0.65 * chain.sample_rate
        for low, high in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)):
            f_min, f_max = max(0.0, mel.f_min + low * step), min(most, mel.f_max + high * step)
            made = chain.changed(Mel, f_min=round(f_min, 4), f_max=round(f_max, 4))
            if made is not None:
                yield made

    def _rounded(self, guess: Guess) -> Guess:
        for field in ("f_min", "f_max"):
            value = getattr(guess.chain.of(Mel), field)
            half = guess.chain.sample_rate / 2
            options = [half] * (field == "f_max") + [round(value / r) * r for r in _ROUND_HZ]
            for option in options:
                chain = guess.chain.changed(Mel, **{field: float(option)})
                if chain is None or abs(option - value) > 60.0:
                    continue
                rounded = self.rate(chain, guess.compression)
                if rounded.misfit <= 1.02 * guess.misfit + _EXACT:
                    guess = rounded
                    break
        return guess

    def _rooted(self, guess: Guess) -> Guess:
        """Try what keeps the root of a power from zero."""
        if guess.chain.of(Spectrum).power == 2:
            return guess
        rules = Spectrum.alternatives()["epsilon_rule"]
        options = itertools.product(Spectrum.usual()["epsilon"], rules)
        changed = (guess.chain.changed(Spectrum, epsilon=e, epsilon_rule=r) for e, r in options)
        plain = replace(guess, compression=replace(guess.compression, floor=0.0))
        plain = self.rate(plain.chain, plain.compression)
        best = self.best([c for c in changed if c is not None], plain)
        return best if best.misfit < 0.98 * guess.misfit else guess

    def _compressed(self, guess: Guess) -> Guess:
        """Find a floor that is added, or one below a cosine transform."""
        guess = self._rooted(guess)
        linear = self.sound.linear(guess.chain, self._first, self._last)
        top = float(linear.max())
        if top <= 0.0:
            return guess

        def rate(compression: Compression) -> Guess:
            return Guess(guess.chain, compression, self._target.misfit(compression(linear)))

        coefficients = guess.compression.n_coefficients
        rules = [True] if coefficients is None else [True, False]
        for adds in rules:
            plain = Compression(0.0, adds, None, coefficients)
            tried = [rate(plain)] + [
                rate(replace(plain, floor=top * 10.0**-k)) for k in np.arange(0.0, 12.0, 0.5)
            ]
            if coefficients is not None:
                tried += [
                    rate(replace(plain, below=below * math.log(10.0)))
                    for below in (8.0, 10.0, 12.0, 6.0, 4.0)
                ]
            best = min(tried, key=lambda g: g.misfit)
            factor = 10.0**0.25
            while factor > 1.0 + 1e-6 and best.compression.floor > 0.0:
                floor = best.compression.floor
                near = [
                    rate(replace(best.compression, floor=floor * f)) for f in (factor, 1.0 / factor)
                ]
                better = min(near, key=lambda g: g.misfit)
                best, factor = (
                    (better, factor) if better.misfit < best.misfit else (best, factor**0.5)
                )
            if best.misfit < 0.98 * guess.misfit:
                guess = best
        return guess


def _grid(chain: Chain) -> Alignment:
    """Return where a chain's columns lie."""
    frames = chain.of(Frames)
    win = frames.win_length
    return Alignment(frames.hop_length, frames.offset + win / 2, float(win), 0.0)


def _allowed(n_rows: int) -> tuple[int, ...]:
    return tuple(n for n in candidates.N_MELS if n >= n_rows)
