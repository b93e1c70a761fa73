"""The stages of front-ends, one file each; a new file here is a new stage.

STAGES maps the name that a chain's JSON gives a stage to its class.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from visualizer.mel.stage import Stage

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def _kinds(base: type[Stage]) -> Iterator[type[Stage]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


STAGES: dict[str, type[Stage]] = {kind.stage: kind for kind in _kinds(Stage)}
