"""What a user need not fear: no file is run as code by being read, and nothing goes out."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Finished

# What reads objects from a file, and can be made to run anything by it.
UNPICKLERS = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"),
    *("torch.load", "torch.save", "torch.package", "pandas.read_pickle"),
}
NUMPY_FILES = {"numpy.load", "numpy.save", "numpy.lib.format.read_array"} | {
    f"numpy.{name}" for name in ("savez", "savez_compressed", "lib.format.write_array")
}


def names_in(tree: ast.AST) -> dict[str, str]:
    """What the imported names of a module stand for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """The full name that an expression such as `np.load` stands for."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return before and f"{before}.{node.attr}"
    return None


def pickling(source: str) -> Iterator[str]:
    """Each place that pickles, unpickles, or lets NumPy do so."""
    tree = ast.parse(source)
    names = names_in(tree)
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in imported:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in modules:
            if module in UNPICKLERS or module.partition(".")[0] in UNPICKLERS:
                yield f"line {node.lineno}: imports {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node, names) in UNPICKLERS:
            yield f"line {node.lineno}: uses {dotted(node, names)}"
        if isinstance(node, ast.Call) and dotted(node.func, names) in NUMPY_FILES:
            allowed = [k.value for k in node.keywords if k.arg == "allow_pickle"]
            if not any(
                isinstance(value, ast.Constant) and value.value is False for value in allowed
            ):
                yield f"line {node.lineno}: {dotted(node.func, names)} without allow_pickle=False"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def later():\n    from pickle import loads",
        "import torch\ntorch.load('a')",
        "from torch import load as get\n",
        "import numpy as np\nnp.load('a')",
        "import numpy as np\nnp.load('a', allow_pickle=True)",
        "import numpy\nnumpy.savez('a', x=1)",
        "from numpy import load\nload('a')",
    ],
)
def test_the_search_finds_what_it_is_for(source: str) -> None:
    assert list(pickling(source))


def test_nothing_in_the_package_pickles() -> None:
    files = sorted((ROOT / "visualizer").rglob("*.py"))
    assert len(files) > 50
    found = {str(path): list(pickling(path.read_text(encoding="utf-8"))) for path in files}
    assert {path: places for path, places in found.items() if places} == {}


GUARD = """
import json, os, socket, sys

def guard(event, arguments):
    if not event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        return
    if event == "socket.__new__" or event == "socket.gethostname":
        return
    if isinstance(arguments[0], socket.socket) and arguments[0].family == socket.AF_UNIX:
        return
    with open(os.environ["GUARDED"], "a") as file:
        file.write(json.dumps([os.getpid(), event, repr(arguments[1:])]) + "\\n")
    raise ConnectionError("the guard of the tests")

sys.addaudithook(guard)
with open(os.environ["GUARDED"], "a") as file:
    file.write(json.dumps([os.getpid(), "guarded", sys.argv]) + "\\n")
"""


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """No Python process that is started now reaches the network; return what they tried."""
    folder = tmp_path / "guard"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD)
    told = tmp_path / "guarded"
    monkeypatch.setenv("GUARDED", str(told))
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def events() -> list[str]:
        return [json.loads(line)[1] for line in told.read_text().splitlines()]

    return events


def test_the_guard_sees_who_tries(guarded: Callable[[], list[str]]) -> None:
    for attempt in (
        "socket.socket().connect(('127.0.0.1', 9))",
        "socket.create_connection(('localhost', 9))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
    ):
        command = [sys.executable, "-c", f"import socket; {attempt}"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert "the guard of the tests" in done.stderr
    tried = [event for event in guarded() if event != "guarded"]
    assert tried == ["socket.connect", "socket.getaddrinfo", "socket.sendto"]


def test_the_program_opens_no_connection(
    guarded: Callable[[], list[str]], program: Callable[..., Finished], tmp_path: Path
) -> None:
    """With a folder for kernels, so that the process that builds one runs as well."""
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = program("--headless", "--source", "demo", "--duration", 2, env=cache)
    assert done.code == 0, done.err
    assert "simli" in done.out
    events = guarded()
    # The launcher may hand over to another Python; the builder is one more.
    assert len(events) >= 2
    assert set(events) == {"guarded"}
