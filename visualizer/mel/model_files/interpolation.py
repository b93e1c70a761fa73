"""OmegaConf's `${…}`: one value of a YAML file that stands for another."""

from __future__ import annotations

import re
from typing import Any

from visualizer.errors import ConfigError, quoted

_REFERENCE = re.compile(r"\$\{\s{0,9}([\w./@-]{1,200})\s{0,9}\}")
_MOST_STEPS = 16
"""From one reference to the next; OmegaConf refuses cycles too."""
_MOST_REFERENCES = 1000
"""In all: they may multiply from one step to the next."""
_LONGEST = 1000
"""Letters of a text that is put into another."""


def resolved(root: dict[str, Any], path: tuple[str, ...], source: str) -> dict[str, Any]:
    """Return the object at a path with the references in its own values replaced.

    Only those to other values are: what a resolver with a colon computes stays as it is written.

    Args:
        root: what the whole file holds.
        path: of keys from there.
        source: the file, as messages call it.

    Raises:
        ConfigError: where references follow each other without an end.
    """
    at = root
    for key in path:
        at = at[key]
    references = _References(root, source)
    return {key: references.value(path, value, 0) for key, value in at.items()}


class _References:
    def __init__(self, root: dict[str, Any], source: str) -> None:
        self._root = root
        self._source = source
        self._n_left = _MOST_REFERENCES

    def value(self, path: tuple[str, ...], value: Any, steps: int) -> Any:
        """Return what a value of the object at a path stands for."""
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = _REFERENCE.fullmatch(value.strip())
        if whole is not None:
            found = self._found(path, whole, steps)
            return value if found is None else found[0]

        def text(reference: re.Match[str]) -> str:
            found = self._found(path, reference, steps)
            return reference.group() if found is None else str(found[0])[:_LONGEST]

        return _REFERENCE.sub(text, value)

    def _found(
        self, path: tuple[str, ...], reference: re.Match[str], steps: int
    ) -> tuple[Any] | None:
        """Return the value that a reference names, as a tuple, or None where there is none.

        One with dots in front starts at the object that it stands in, each further dot one above.
        """
        self._n_left -= 1
        if steps == _MOST_STEPS or self._n_left < 0:
            text = quoted(reference.group())
            raise ConfigError(f"{self._source}: {text} leads to no value, but to ever more")
        names = reference.group(1).lstrip(".")
        n_dots = len(reference.group(1)) - len(names)
        if n_dots > len(path) + 1:
            return None
        start = path[: len(path) - n_dots + 1] if n_dots else ()
        keys = (*start, *names.split("."))
        # What is saved of a model is what stood under `model` when it was trained.
        for tried in (keys, keys[1:] if keys[0] == "model" else ()):
            at: Any = self._root
            for key in tried:
                at = at.get(key) if isinstance(at, dict) else None
            if tried and at is not None:
                return (self.value(tried[:-1], at, steps + 1),)
        return None
