"""Calls a user's own function on a sound: the process that own_code.py starts.

It runs under whatever Python the user trains with, from 3.8 on, so it needs NumPy alone and nothing
of this package. Its arguments are the user's file, the function's name, the sample rate in Hz, the
time limit in seconds and a folder. There it reads sound.npy, and writes features.npy or, where it
has none, why.json: {"problem", "traceback"}.
"""

from __future__ import annotations

import difflib
import faulthandler
import functools
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST_NUMBERS = 1 << 28
"""of an array: as float32, a gigabyte"""
_LONGEST_TRACEBACK = 20_000
_MOST_NAMES = 10


class RefusedError(Exception):
    """What was asked for cannot be done."""

    def __init__(self, problem: str, cause: BaseException | None = None) -> None:
        """`cause` is what the user's code raised, if it did."""
        super().__init__(problem)
        self.problem, self.cause = problem, cause


def main() -> None:
    """Write the features, or why there are none."""
    file, name, sample_rate, limit_s, folder = sys.argv[1:]
    path = Path(file).resolve()
    # As the user's code finds it where it is run by itself.
    sys.argv[:] = [file]
    # Where it crashes or hangs is told on standard error; it ends, also where nobody waits for it.
    faulthandler.enable(all_threads=False)
    faulthandler.dump_traceback_later(float(limit_s), exit=True)
    root, module = _module(path)
    _look_there(root)
    try:
        np = _numpy()
        function = _function(path, module, name)
        _require_its_form(function, name)
        samples = np.load(Path(folder, "sound.npy"), allow_pickle=False)
        returned = _run("failed", lambda: function(samples, int(sample_rate)))
        np.save(Path(folder, "features.npy"), _array(np, returned), allow_pickle=False)
    except RefusedError as refused:
        why = {"problem": refused.problem, "traceback": _traceback(refused.cause)}
        Path(folder, "why.json").write_text(json.dumps(why), encoding="utf-8")
    # Whatever threads the user's code has left behind.
    os._exit(0)


def _module(path: Path) -> tuple[Path, str]:
    """Return the folder in which a file's module is found, and its name, with its packages'."""
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").exists():
        folder, names = folder.parent, [folder.name, *names]
    return folder, ".".join(names)


def _look_there(root: Path) -> None:
    """Find modules beside the user's and in the current folder, and none beside this one."""
    if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    sys.path[:0] = [str(root), str(Path.cwd())]


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError as error:
        problem = f"cannot be called: the Python {sys.executable} has no NumPy"
        raise RefusedError(problem, error) from error
    return np


def _function(path: Path, module_name: str, name: str) -> Callable[[Any, int], Any]:
    module = _run("cannot be loaded", lambda: _loaded(path, module_name))
    try:
        function: Any = functools.reduce(getattr, name.split("."), module)
    except AttributeError as error:
        own = [n for n, value in vars(module).items() if _is_of(value, module_name)]
        there = f"it has {', '.join(own[:_MOST_NAMES])}" if own else "it defines no function"
        there += ", …" if len(own) > _MOST_NAMES else ""
        near = difflib.get_close_matches(name, own, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise RefusedError(f"is not there; {there}{hint}") from error
    if not callable(function):
        kind = type(function).__name__
        raise RefusedError(f"is of type {kind}, not a function of samples and sample rate")
    made: Callable[[Any, int], Any] = function
    return made


def _require_its_form(function: Callable[[Any, int], Any], name: str) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Of one that is not written in Python nothing is known before it is called.
        return
    try:
        signature.bind(None, 0)
    except TypeError as error:
        call = f"{name}(samples, sample_rate)"
        raise RefusedError(f"takes other arguments; it is called as {call}") from error


def _loaded(path: Path, name: str) -> Any:
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


def _is_of(value: object, module: str) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module


def _run(what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except SystemExit as error:
        raise RefusedError(f"{what}: it called sys.exit({error.code!r})", error) from error
    except BaseException as error:
        last = "".join(traceback.format_exception_only(type(error), error)[-1:]).strip()
        raise RefusedError(f"{what}: {last}", error) from error


def _array(np: Any, returned: Any) -> Any:
    kind = type(returned).__name__
    try:
        if hasattr(returned, "detach"):
            returned = returned.detach().cpu()
            if str(returned.dtype) == "torch.bfloat16":
                # Which NumPy does not have.
                returned = returned.float()
        array = np.asarray(returned)
    except Exception as error:
        problem = f"returned a {kind}, which is not an array of rows × columns"
        raise RefusedError(problem, error) from error
    if array.dtype.kind not in "fiu":
        what = "None" if returned is None else f"a {kind} of {array.dtype}"
        raise RefusedError(f"returned {what}, not an array of real numbers")
    if array.size > _MOST_NUMBERS:
        raise RefusedError(f"returned {array.size} numbers, more than features are")
    return array


def _traceback(error: BaseException | None) -> str:
    """Return the traceback of the user's code, without the part that is this program's."""
    if error is None:
        return ""
    part = error.__traceback__
    while part is not None and _is_ours(part.tb_frame.f_code.co_filename):
        part = part.tb_next
    lines = traceback.format_exception(type(error), error, part)
    return "".join(lines).strip()[-_LONGEST_TRACEBACK:]


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen importlib")


if __name__ == "__main__":
    main()
