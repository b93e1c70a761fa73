"""Finding the class of a model by what the user calls it.

That is an adapter's name, FILE.py, FILE.py:NAME or package.module:NAME. An adapter is a module in
`adapters/` with one class in it; the file's name, with "-" for "_", is its own.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from visualizer.errors import ConfigError, quoted
from visualizer.models.contract import Model

_ADAPTERS = Path(__file__).with_name("adapters")
_WAYS = "an adapter's name, FILE.py, FILE.py:NAME or package.module:NAME"


@dataclass(frozen=True)
class Reference:
    """Where a model's class is."""

    module: str
    """its name; of a file that of its module, with its packages'"""
    name: str | None = None
    """the class; None: the only one there"""
    file: Path | None = None
    """its file, where that is what was named"""

    @property
    def is_adapter(self) -> bool:
        """Whether this program ships it."""
        return self.module.startswith(f"{_package()}.")


def adapters() -> tuple[str, ...]:
    """Return the names of the models that this program knows to run, in order."""
    files = (path.stem for path in _ADAPTERS.glob("*.py"))
    return tuple(sorted(stem.replace("_", "-") for stem in files if not stem.startswith("_")))


def find(what: str) -> Reference:
    """Return what a user means, as far as that can be told without running anything of it.

    Raises:
        ConfigError: for a text of another form, a file that is not there, and an unknown name.
    """
    found = re.fullmatch(r"(.+\.py)(?::(.*))?", what, re.DOTALL)
    if found is not None:
        return _in_file(Path(found[1]).expanduser(), found[2])
    module, colon, name = what.partition(":")
    if colon:
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise ConfigError(f"the model is {quoted(what)}", f"it must be {_WAYS}")
        return Reference(module, name)
    if what not in adapters():
        near = difflib.get_close_matches(what, adapters(), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(adapters())}"
        raise ConfigError(f"there is no model {quoted(what)}", f"{hint}; or give FILE.py")
    return Reference(f"{_package()}.{what.replace('-', '_')}")


def _in_file(path: Path, name: str | None) -> Reference:
    if not path.is_file():
        beside = path.parent
        others = [p.name for p in beside.glob("*.py")] if beside.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1)
        hint = f"did you mean {quoted(beside / near[0])}?" if near else ""
        raise ConfigError(f"there is no file {quoted(path)}", hint)
    if name is not None and not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(
            f"{quoted(name)} is not the name of a class", f"the model must be {_WAYS}"
        )
    folder, names = path.resolve().parent, [path.stem]
    while (folder / "__init__.py").exists():
        folder, names = folder.parent, [folder.name, *names]
    return Reference(".".join(names), name, path.resolve())


def load_class(reference: Reference) -> type[Model]:
    """Import what is needed, and return the class; for a process that may do what it likes.

    Raises:
        ConfigError: where there is no such module or class.
        Exception: whatever else the user's code raises.
    """
    module = _imported(reference)
    if reference.name is None:
        return _only_model(module, reference)
    found: object = module
    for part in reference.name.split("."):
        if not hasattr(found, part):
            own = [model.__name__ for model in _models_in(module)]
            near = difflib.get_close_matches(part, own or dir(module), n=1)
            hint = f"did you mean {near[0]}?" if near else _there(own)
            raise ConfigError(f"{_where(reference)} has no {quoted(reference.name)}", hint)
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise ConfigError(
            f"{reference.name} of {_where(reference)} is no class derived from Model",
            "derive it: from visualizer import Model",
        )
    return found


def _imported(reference: Reference) -> ModuleType:
    if reference.file is not None:
        return _from_file(reference.module, reference.file)
    if not reference.is_adapter:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if reference.is_adapter:
            # The very Python that runs here, whichever others there are.
            install = f"{sys.executable} -m pip install {missing.replace('_', '-')}"
            raise ConfigError(
                f"the package {missing} is not installed", f"install it: {install}"
            ) from error
        if missing and f"{reference.module}.".startswith(f"{missing}."):
            raise ConfigError(f"there is no module {quoted(missing)}") from error
        raise


def _from_file(name: str, path: Path) -> ModuleType:
    # Modules beside it are found, as where it is run by itself; and those in the current folder.
    root = path.parents[name.count(".")]
    sys.path[:0] = [str(root), str(Path.cwd())]
    # By its file and not by its name, which a module of Python's own may have.
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    if spec.parent:
        importlib.import_module(spec.parent)
    module = importlib.util.module_from_spec(spec)
    # Where classes of it look for their module.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _only_model(module: ModuleType, reference: Reference) -> type[Model]:
    models = _models_in(module)
    if len(models) == 1:
        return models[0]
    if not models:
        raise ConfigError(
            f"{_where(reference)} has no class derived from Model",
            "derive one: from visualizer import Model",
        )
    names = [model.__name__ for model in models]
    example = f"{_where(reference)}:{names[0]}"
    raise ConfigError(f"{_where(reference)} has several models", f"{_there(names)}; say {example}")


def _models_in(module: ModuleType) -> list[type[Model]]:
    own = [value for value in vars(module).values() if isinstance(value, type)]
    return [c for c in own if issubclass(c, Model) and c.__module__ == module.__name__]


def _there(names: list[str]) -> str:
    return f"it has {', '.join(names)}" if names else "it has no class derived from Model"


def _where(reference: Reference) -> str:
    return reference.module if reference.file is None else reference.file.name


def _package() -> str:
    return f"{__package__}.adapters"
