"""The difference of two sides: in their numbers, and where shapes agree in their columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.channels import said
from visualizer.errors import ConfigError
from visualizer.mel.difference import columns_between, less
from visualizer.mel.flat import flat_form, written
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit, Unit
from visualizer.mel.stage import USUAL_DB
from visualizer.tools.diff.sides import Side

Array = NDArray[np.float64]

_ROUNDING = 1e-5
"""Of the largest value."""
_OTHER_HOP = 0.1
"""From this share on, columns beyond the other side's are more than another rule for the ends."""
_OCTAVES_HZ = (62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0)


@dataclass(frozen=True)
class BandDifference:
    """Of one band, over all columns that were compared."""

    band: int
    """from 1, the lowest"""
    hz: tuple[float, float] | None
    """where the filters of both peak; None where no front-end is known"""
    rms: float
    mean: float
    """with its sign: above 0 where A is larger"""
    largest: float
    """absolute"""


@dataclass(frozen=True)
class Figures:
    """The columns of A less those of B."""

    n_columns: int
    first_column: int
    """of A, the first that was compared"""
    n_left_out: int
    """values that are not finite in one of them"""
    is_same: bool
    """whether each value of A is the very one of B"""
    largest: float
    """absolute"""
    largest_column: int
    """of A"""
    largest_band: int
    largest_value: float
    """of both, absolute: what the difference may be a share of"""
    mean_absolute: float
    rms: float
    correlation: float | None
    """None where one of them does not vary"""
    bands: tuple[BandDifference, ...]

    @property
    def is_rounding(self) -> bool:
        """Whether it is no larger than what filters and sums in float32 differ by."""
        return self.largest <= _ROUNDING * self.largest_value

    def worst(self) -> list[BandDifference]:
        """The bands, those that differ most first."""
        return sorted(self.bands, key=lambda band: -band.rms)


@dataclass(frozen=True)
class Level:
    """The mean level of both near one frequency, in dB."""

    hz: float
    a_db: float
    b_db: float


@dataclass(frozen=True)
class Comparison:
    """All that is known of two sides."""

    a: Side
    b: Side
    numbers: dict[str, tuple[Any, Any]]
    """those that differ, by their names"""
    notes: tuple[str, ...]
    unit: Unit
    shown_in: tuple[PictureUnit | None, PictureUnit | None]
    """in which the bands of each are seen best"""
    figures: Figures | None
    difference: Array | None
    """(n_mels, n): A less B"""
    reason: str | None
    """why there is no difference"""
    levels: tuple[Level, ...]
    """where there is no difference, what can be compared instead"""

    def seconds(self, column: int) -> float | None:
        """The middle of a column of A; None where no front-end is known."""
        a = self.a
        return None if a.mel is None else a.start_s + (column + 0.5) * a.hop_s

    @property
    def unit_text(self) -> str:
        """What follows a number."""
        return " dB" if self.unit == "db" else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        figures = self.figures
        difference = None
        if figures is not None:
            difference = asdict(figures) | {
                "largest_s": self.seconds(figures.largest_column),
                "most_different_band": asdict(figures.worst()[0]),
            }
        return {
            "a": _side_dict(self.a),
            "b": _side_dict(self.b),
            "numbers_that_differ": {name: list(pair) for name, pair in self.numbers.items()},
            "notes": list(self.notes),
            "unit": self.unit,
            "difference": difference,
            "why_no_difference": self.reason,
            "levels_db": [asdict(level) for level in self.levels],
        }


def compare(a: Side, b: Side, unit: Unit | None) -> Comparison:
    """Set two sides against each other, in a unit, or in the one that suits them.

    Raises ConfigError where a front-end has no such unit.
    """
    notes: list[str] = []
    a, b = _of_one_front_end(a, b, notes)
    notes += [f"{letter} {note}" for letter, side in (("A", a), ("B", b)) for note in side.notes]
    notes += _about_what_is_not_finite(a, b)
    notes += _about_the_sound(a, b)
    units = _units(a, b, unit)
    figures = difference = None
    levels: tuple[Level, ...] = ()
    reason = None
    try:
        shift = _shift(a, b, units)
        first, end = max(0, -shift), min(a.bands.shape[1], b.bands.shape[1] - shift)
        if end <= first:
            raise ValueError(_why_nothing_is_common(a, b))
    except ValueError as error:
        reason, levels = str(error), tuple(_levels(a, b))
    else:
        notes += _about_the_length(a, b, first, end, shift)
        figures, difference = _figures(a, b, units[0], (first, end), shift)
    shown_in = _shown_in(a, units[0], unit), _shown_in(b, units[1], unit)
    told = _numbers(a, b), tuple(notes)
    return Comparison(a, b, *told, units[0], shown_in, figures, difference, reason, levels)


def _of_one_front_end(a: Side, b: Side, notes: list[str]) -> tuple[Side, Side]:
    """Where one does not say how it was made, it is taken for made like the other."""
    for side, other, letter, other_letter in ((a, b, "A", "B"), (b, a, "B", "A")):
        if side.mel is not None or other.mel is None:
            continue
        if len(side.values) == len(other.values):
            note = f"does not say how it was made; it is taken for made as {other_letter} is"
            if side.given is not None:
                note = f"is your own code; its rows and columns are taken for {other_letter}'s"
            notes.append(f"{letter} {note}")
            made = replace(side, mel=other.mel)
            return (made, other) if side is a else (other, made)
    if a.mel is None and b.mel is None:
        notes.append(
            "neither says how it was made, so bands and columns have numbers only; --front-end "
            "says it, or take the .npz or .safetensors that `visualizer mel` writes"
        )
    return a, b


def _about_what_is_not_finite(a: Side, b: Side) -> Iterator[str]:
    """Of a user's own code; in a recording, such columns are gaps."""
    for letter, side in (("A", a), ("B", b)):
        if side.given is None or np.isfinite(side.values).all():
            continue
        columns, bands = np.nonzero(~np.isfinite(side.bands.T))
        values = "1 value that is" if len(bands) == 1 else f"{len(bands)} values that are"
        yield (
            f"{letter} has {values} not finite, the first in band {bands[0] + 1}, column "
            f"{columns[0]}"
        )


def _about_the_sound(a: Side, b: Side) -> Iterator[str]:
    rates = [side.sound and side.sound.sample_rate for side in (a, b)]
    if rates[0] and rates[1] and rates[0] != rates[1]:
        yield f"the sample rates differ: A has {rates[0]} Hz, B {rates[1]} Hz"
    for letter, side in (("A", a), ("B", b)):
        sound, mel = side.sound, side.mel
        if sound is None or mel is None:
            continue
        if sound.sample_rate != mel.sample_rate:
            yield (
                f"{letter} is resampled from {sound.sample_rate} to {mel.sample_rate} Hz, the "
                f"rate of {mel.name}"
            )
        if sound.channels > 1:
            yield f"{letter} is {said(sound.channel)} of {sound.name}, which has {sound.channels}"


def _about_the_length(a: Side, b: Side, first: int, end: int, shift: int) -> Iterator[str]:
    if shift:
        yield f"column t of A lies where column t + {shift} of B does, and is compared with it"
    for letter, side, begins, ends in (
        ("A", a, first, end),
        ("B", b, first + shift, end + shift),
    ):
        rest = side.bands.shape[1] - (ends - begins)
        if not rest:
            continue
        columns = "column" if rest == 1 else "columns"
        seconds = "" if side.mel is None else f" ({rest * side.hop_s:.2f} s)"
        if side.given is not None and rest > _OTHER_HOP * (ends - begins):
            # It has the other side's hop only as long as that is believed of it.
            seconds, columns = "", f"{columns} of the same sound"
            yield f"does {letter} have another hop length, or make the sound longer?"
        yield f"the common part is compared; {letter} has {rest} {columns}{seconds} more"


def _units(a: Side, b: Side, wished: Unit | None) -> tuple[Unit, Unit]:
    """dB where front-ends or sounds differ; where the numbers should be the same, those."""
    if a.mel is None or b.mel is None:
        if wished == "db":
            raise ConfigError("--unit db needs the front-ends of both, which are not known")
        return "model", "model"
    if wished is not None:
        # It says why where there is none.
        units = PictureUnit(a.mel, wished).unit, PictureUnit(b.mel, wished).unit
        for side in (a, b) if wished == "db" else ():
            if not side.has_db:
                raise ConfigError(
                    f"what {side.title} makes of stacked columns does not tell the level of the "
                    "sound, so it has no dB",
                    "compare them in the model's own unit",
                )
        return units
    if _same_numbers(a.mel, b.mel):
        is_one_sound = a.sound is None or b.sound is None or a.sound == b.sound
        unit = "model" if is_one_sound or not a.has_db else PictureUnit.default(a.mel).unit
        return unit, unit
    return "db" if a.has_db else "model", "db" if b.has_db else "model"


def _why_nothing_is_common(a: Side, b: Side) -> str:
    short = [letter for letter, side in (("A", a), ("B", b)) if side.values.shape[1] == 0]
    if not short:
        return "they have no moment in common"
    if len(short) == 1:
        return f"{short[0]} has no column; its sound is too short for one"
    return "neither has a column; their sounds are too short for one"


def _shift(a: Side, b: Side, units: tuple[Unit, Unit]) -> int:
    if a.mel is not None and b.mel is not None:
        columns_between((a.mel, b.mel), units)
    if len(a.bands) != len(b.bands):
        raise ValueError(f"they have {len(a.bands)} and {len(b.bands)} rows")
    if a.hop_s != b.hop_s:
        raise ValueError(f"their columns are {a.hop_s * 1e3:.4g} and {b.hop_s * 1e3:.4g} ms apart")
    return round((a.start_s - b.start_s) / a.hop_s)


def _figures(
    a: Side, b: Side, unit: Unit, compared: tuple[int, int], shift: int
) -> tuple[Figures, Array]:
    first, end = compared
    own = a.bands[:, first:end], b.bands[:, first + shift : end + shift]
    values_a, values_b = (_in_unit(v, s.mel, unit) for v, s in zip(own, (a, b), strict=True))
    difference = less(values_a, values_b)
    known = np.isfinite(difference)
    difference[~known] = np.nan
    signed = np.where(known, difference, 0.0)
    sizes, squares = np.abs(signed), signed**2
    counts, n_known = np.maximum(known.sum(axis=1), 1), max(1, int(known.sum()))
    rms, means = np.sqrt(squares.sum(axis=1) / counts), signed.sum(axis=1) / counts
    of_bands = rms, means, sizes.max(axis=1)
    worst_band, worst_column = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
    peaks = [None if s.rows_of is None else _peaks_hz(s.rows_of) for s in (a, b)]
    hertz: list[tuple[float, float] | None] = [None] * len(sizes)
    if peaks[0] is not None and peaks[1] is not None:
        hertz = list(zip(peaks[0].tolist(), peaks[1].tolist(), strict=True))
    is_same = bool(np.array_equal(own[0], own[1], equal_nan=True))
    figures = Figures(
        n_columns=end - first,
        first_column=first,
        n_left_out=int((~known).sum()),
        is_same=is_same,
        largest=float(sizes.max()),
        largest_column=first + int(worst_column),
        largest_band=int(worst_band) + 1,
        largest_value=float(
            max(np.abs(v[np.isfinite(v)]).max(initial=0.0) for v in (values_a, values_b))
        ),
        mean_absolute=float(sizes.sum() / n_known),
        rms=float(np.sqrt(squares.sum() / n_known)),
        correlation=_correlation(values_a, values_b, is_same),
        bands=tuple(
            BandDifference(i + 1, hz, *(float(figure[i]) for figure in of_bands))
            for i, hz in enumerate(hertz)
        ),
    )
    return figures, difference


def _correlation(a: Array, b: Array, is_same: bool) -> float | None:
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) == 0 or a.std() == 0 or b.std() == 0:
        return None
    return 1.0 if is_same else float(np.corrcoef(a, b)[0, 1])


def _in_unit(values: NDArray[Any], mel: FrontEnd | None, unit: Unit) -> Array:
    """In dB, what is quieter than the picture's darkest colour counts as that."""
    if unit == "model" or mel is None:
        return values.astype(np.float64)
    decibels = PictureUnit(mel, unit)(values.astype(np.float32)).astype(np.float64)
    return np.maximum(decibels, USUAL_DB[0])


def _numbers(a: Side, b: Side) -> dict[str, tuple[Any, Any]]:
    """The fields in which the front-ends differ, and the sizes that do."""
    found: dict[str, tuple[Any, Any]] = {}
    if a.mel is not None and b.mel is not None:
        one, other = _settings(a.mel, b.mel)
        found |= {name: (one.get(name), other.get(name)) for name in one | other if name != "name"}
        found |= {
            "window, ms": (_ms(a.mel, a.mel.win_length), _ms(b.mel, b.mel.win_length)),
            "hop, ms": (_ms(a.mel, a.mel.hop_length), _ms(b.mel, b.mel.hop_length)),
        }
    found |= {
        "rows": (len(a.values), len(b.values)),
        "columns": (a.values.shape[1], b.values.shape[1]),
    }
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _settings(a: FrontEnd, b: FrontEnd) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of both, flat where both have a flat form, else stage by stage."""
    flat = [flat_form(mel) for mel in (a, b)]
    if flat[0] is not None and flat[1] is not None:
        return flat[0].to_dict(), flat[1].to_dict()
    return _stage_by_stage(a), _stage_by_stage(b)


def _stage_by_stage(mel: FrontEnd) -> dict[str, Any]:
    """Return the fields of each stage; of a kind that comes again, with its number."""
    found: dict[str, Any] = {"sample_rate": mel.sample_rate}
    for stage in mel.stages:
        name, n = stage.stage, 1
        while name in found:
            n += 1
            name = f"{stage.stage} {n}"
        found[name] = True
        found |= {f"{name}.{field.name}": getattr(stage, field.name) for field in fields(stage)}
    return found


def _peaks_hz(mel: FrontEnd) -> Array | None:
    """Return where the rows peak; None where they are no frequencies."""
    return None if mel.rows.edges_hz is None else mel.rows.edges_hz[1:-1]


def _ms(mel: FrontEnd, n_samples: int) -> float:
    return round(n_samples / mel.sample_rate * 1e3, 4)


def _same_numbers(a: FrontEnd, b: FrontEnd) -> bool:
    return (a.sample_rate, a.stages) == (b.sample_rate, b.stages)


def _shown_in(side: Side, unit: Unit, wished: Unit | None) -> PictureUnit | None:
    """Own values without a logarithm would show their peaks alone, so those are seen in dB."""
    if side.mel is None:
        return None
    if unit == "db" or wished is not None or not side.has_db:
        return PictureUnit(side.mel, unit)
    return PictureUnit.default(side.mel)


def _levels(a: Side, b: Side) -> Iterator[Level]:
    """Octave by octave, as far as both reach; nothing where one has no dB, or no column."""
    if a.mel is None or b.mel is None or not (a.has_db and b.has_db):
        return
    # Columns that are missing from a recording, and those of broken features, say nothing.
    own = [s.bands[:, ~np.isnan(s.bands).any(axis=0)] for s in (a, b)]
    if any(bands.shape[1] == 0 for bands in own):
        return
    means = [_in_unit(v, s.mel, "db").mean(axis=1) for v, s in zip(own, (a, b), strict=True)]
    peaks = [hz for hz in map(_peaks_hz, (a.mel, b.mel)) if hz is not None]
    for hz in _OCTAVES_HZ if len(peaks) == 2 else ():
        if all(p[0] <= hz <= p[-1] for p in peaks):
            levels = (m[int(np.argmin(np.abs(p - hz)))] for m, p in zip(means, peaks, strict=True))
            yield Level(hz, *map(float, levels))


def _side_dict(side: Side) -> dict[str, Any]:
    return {
        "title": side.title,
        "kernel": side.kernel,
        "sound": None if side.sound is None else asdict(side.sound),
        "front_end": None if side.mel is None else written(side.mel),
        "shape": list(side.values.shape),
        "dtype": str(side.values.dtype),
    }
