"""Reading the files of models without trusting them: their size, depth and tags are bounded.

Nothing in a file is ever run, unpickled or built as an object, and nothing is read that is larger
than the files that public models have.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from visualizer.errors import ConfigError, one_line, quoted

MAX_JSON_BYTES = 2 << 20
"""Four times a large Whisper's older file, which holds its filters; parsed, it takes 60 MB."""
MAX_YAML_BYTES = 1 << 20
"""Some times a recognizer's file, which holds its list of tokens; PyYAML takes a second for it."""
_MAX_YAML_NODES = 200_000
"""With each alias counted as what it stands for."""
_MAX_YAML_DEPTH = 64

_COMMENT = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
"""A JSON string, or a comment as JavaScript has them, which old Coqui files hold. One that does not
end goes on to the end, so that no start is looked for twice."""

# YAML 1.2's numbers; 1.1, which PyYAML follows, takes 1e-5 for a text.
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "none"), None),
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    ".inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}
_YAML = "tag:yaml.org,2002:"


def load_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Comments as JavaScript has them are skipped, and a byte-order mark is.

    Raises:
        ConfigError: naming the file, where it cannot be read, is too large or no JSON object.
    """
    return parse_json(read_at_most(path, MAX_JSON_BYTES), quoted(path))


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; see `parse_yaml`.

    Raises:
        ConfigError: naming the file.
    """
    return parse_yaml(read_at_most(path, MAX_YAML_BYTES), quoted(path))


def read_at_most(path: Path, limit: int) -> bytes:
    """Return what a file holds.

    Args:
        path: also of a file without an end, such as /dev/zero.
        limit: bytes that it may hold.

    Raises:
        ConfigError: where it cannot be read or holds more.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{quoted(path)} cannot be read: {error.strerror}") from error
    except ValueError as error:
        # A path with a zero byte.
        raise ConfigError(f"{quoted(path)} cannot be read: {one_line(error)}") from error
    if len(content) > limit:
        raise _too_large(quoted(path), limit)
    return content


def text_of(content: bytes, errors: str = "strict") -> str:
    """Return text in UTF-8, UTF-16 or UTF-32, with or without a byte-order mark.

    Args:
        content: of which the first character is ASCII.
        errors: what becomes of other bytes, as for bytes.decode.

    Raises:
        UnicodeDecodeError: where it is in none of them.
    """
    return content.decode(json.detect_encoding(content), errors)


def parse_json(content: bytes, source: str) -> dict[str, Any]:
    """Return the object that JSON text holds; `source` is what messages call it.

    Raises:
        ConfigError: for what is too large or is no JSON object.
    """
    if len(content) > MAX_JSON_BYTES:
        raise _too_large(source, MAX_JSON_BYTES)
    try:
        text = text_of(content)
        try:
            values = json.loads(text)
        except json.JSONDecodeError:
            if "//" not in text and "/*" not in text:
                raise
            values = json.loads(_COMMENT.sub(_kept, text))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source} is not JSON: {one_line(error)}") from error
    return _mapping(values, source)


def parse_yaml(content: bytes, source: str) -> dict[str, Any]:
    """Return the mapping that YAML text holds, of plain values only.

    A tuple is read as a list. What has a tag of an application, such as SpeechBrain's `!new:` and
    `!ref`, is read as if it had none, with the tag in front where it is a text. A tag that would
    build a Python object is refused.

    Args:
        content: the text, with or without a byte-order mark.
        source: what messages call it.

    Raises:
        ConfigError: for what is too large, nests too deeply, or is no YAML mapping.
    """
    if len(content) > MAX_YAML_BYTES:
        raise _too_large(source, MAX_YAML_BYTES)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = text_of(content)
        values = _Builder(source).build(yaml.parse(text, Loader=loader))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{source} is not YAML: {one_line(error)}") from error
    return _mapping(values, source)


def _too_large(source: str, limit: int) -> ConfigError:
    return ConfigError(f"{source} holds more than {limit >> 20} MiB", "no model's settings need it")


def _mapping(values: Any, source: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(
            f"{source} holds no named values", 'such as {"n_fft": 400, …} are expected'
        )
    return values


def _kept(found: re.Match[str]) -> str:
    """Return a string as it is, and nothing for a comment."""
    text = found.group()
    return text if text.startswith('"') else " "


@dataclass
class _Open:
    """A mapping or a list that has not ended yet."""

    values: dict[str, Any] | list[Any]
    anchor: str | None
    key: Any = None
    """of a mapping, that waits for its value"""
    has_key: bool = False
    n_nodes: int = 1
    merged: list[Any] = field(default_factory=list)
    """what "<<" names"""


class _Builder:
    """Makes plain values of YAML's events, each counted."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._root: Any = None

    def build(self, events: Any) -> Any:
        """Return the value of the first document."""
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                return self._root
            if isinstance(event, yaml.CollectionStartEvent):
                self._refuse_object(event.tag)
                is_list = isinstance(event, yaml.SequenceStartEvent)
                self._open.append(_Open([] if is_list else {}, event.anchor))
                if len(self._open) > _MAX_YAML_DEPTH:
                    raise ConfigError(f"{self._source} nests more than {_MAX_YAML_DEPTH} deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                ended = self._open.pop()
                self._add(_with_merged(ended), ended.n_nodes, ended.anchor)
            elif isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event), 1, event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self._anchors:
                    problem = f"{self._source} refers to {quoted(event.anchor)}, which it has not"
                    raise ConfigError(problem)
                self._add(*self._anchors[event.anchor])
        return self._root

    def _add(self, value: Any, n_nodes: int, anchor: str | None = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value, n_nodes
        if not self._open:
            self._root = value
            return
        at = self._open[-1]
        at.n_nodes += n_nodes
        if at.n_nodes > _MAX_YAML_NODES:
            raise ConfigError(f"{self._source} holds more than {_MAX_YAML_NODES} values")
        if isinstance(at.values, list):
            at.values.append(value)
        elif not at.has_key:
            at.key, at.has_key = _key(value), True
        else:
            if at.key == "<<":
                at.merged += value if isinstance(value, list) else [value]
            else:
                at.values[at.key] = value
            at.has_key = False

    def _scalar(self, event: Any) -> Any:
        self._refuse_object(event.tag)
        text: str = event.value
        if event.tag is None:
            return _plain(text) if event.implicit[0] else text
        name = event.tag.removeprefix(_YAML)
        if name == event.tag and event.tag != "!":
            return f"{event.tag} {text}"
        return _plain(text) if name in ("int", "float", "bool", "null") else text

    def _refuse_object(self, tag: str | None) -> None:
        if tag is None or not tag.startswith(f"{_YAML}python/") or tag == f"{_YAML}python/tuple":
            return
        name = tag.removeprefix(_YAML)
        raise ConfigError(
            f"{self._source} holds the tag {quoted('!!' + name)}, which would build an object",
            "only plain values are read",
        )


def _with_merged(ended: _Open) -> dict[str, Any] | list[Any]:
    """Return the values, in front of those that "<<" names."""
    values: dict[str, Any] = {}
    for merged in reversed(ended.merged):
        values |= merged if isinstance(merged, dict) else {}
    return values | ended.values if isinstance(ended.values, dict) else ended.values


def _plain(text: str) -> Any:
    """Return what a text without quotes and tag stands for."""
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return _WORDS.get(text.lower(), text) if len(text) <= 5 else text


def _key(value: Any) -> str:
    """Return the name of a value; the keys that models have are texts."""
    return value if isinstance(value, str) else quoted(value)
