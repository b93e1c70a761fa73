"""Whether a named front-end made the features as it is, before anything is searched."""

from __future__ import annotations

from collections.abc import Iterator

from visualizer.errors import ConfigError
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.front_ends import find_front_end
from visualizer.mel.presets import PRESETS
from visualizer.tools.identify.agreement import Agreement, agreement
from visualizer.tools.identify.chains import Chain, Sound
from visualizer.tools.identify.observation import Observation


def named_front_ends(near: str | None, sample_rate: int) -> dict[str, FrontEnd]:
    """Return the front-ends to compare with, by name: the one that is named, or all presets."""
    if near is not None:
        found = find_front_end(near)
        return {found.name: found.at(sample_rate)}
    return {
        name: preset.make(sample_rate) if preset.any_rate else preset.front_end
        for name, preset in PRESETS.items()
    }


def made_by_named(
    sound: Sound, turns: tuple[Observation, ...], options: dict[str, FrontEnd]
) -> tuple[Observation, Chain, Agreement] | None:
    """Return the named front-end that made the features, with the way they lie, if one did."""
    for seen, chain in _that_fit(sound, turns, options):
        try:
            agreed = agreement(sound, chain, seen, sound.linear(chain))
        except ConfigError:
            continue
        if agreed.is_same:
            return seen, chain, agreed
    return None


def _that_fit(
    sound: Sound, turns: tuple[Observation, ...], options: dict[str, FrontEnd]
) -> Iterator[tuple[Observation, Chain]]:
    """Yield the front-ends that give as many rows as there are, and nearly as many columns."""
    n_samples = len(sound.at(sound.sample_rate))
    for front_end in options.values():
        if front_end.sample_rate != sound.sample_rate:
            continue
        n_columns = front_end.n_columns(n_samples)
        for seen in turns:
            may_change_number = bool(front_end.final_stages)
            if front_end.n_model_rows == seen.n_rows and (
                may_change_number or n_columns == seen.n_columns
            ):
                yield seen, Chain(front_end.sample_rate, front_end.stages)
