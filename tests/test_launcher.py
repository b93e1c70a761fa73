"""run.py for real: a child process, in a folder of its own, with a tiny project beside it.

The project depends on one package that only a folder of wheels here holds, and builds itself
without any other package, so nothing needs a network.
"""

import ast
import importlib.metadata
import importlib.util
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPENDENCY = "launcher-stand-in"
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="terminals and signals of POSIX"),
    pytest.mark.xdist_group("launcher"),
]

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "stand-in-project"
version = "1.0"
dependencies = ["{dependency}"]

[project.optional-dependencies]
test = ["launcher-stand-in-extra>=1.0"]
models = ["launcher-stand-in-extra>=1.0"]
"""

BACKEND = """
import zipfile
from pathlib import Path


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    Path("installs").open("a").write("x")
    info = "stand_in_project-1.0.dist-info/"
    files = {
        info + "METADATA": "Metadata-Version: 2.1\\nName: stand-in-project\\nVersion: 1.0\\n"
        "Requires-Dist: DEPENDENCY\\nProvides-Extra: test\\n"
        "Requires-Dist: launcher-stand-in-extra>=1.0; extra == 'test'\\n"
        "Provides-Extra: models\\n"
        "Requires-Dist: launcher-stand-in-extra>=1.0; extra == 'models'\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "RECORD": "",
        "stand_in_project.pth": str(Path.cwd()),
    }
    name = "stand_in_project-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""

CLI = """
import os, sys


def main():
    print("pid", os.getpid())
    print("prefix", sys.prefix)
    print("argv", sys.argv[1:])
    return 7
"""

# The launcher must not find this machine short of anything, unless a test says so.
ALL_THERE = "\nmissing = lambda window=True: []\n"


def write_wheel(folder: Path, name: str, version: str) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        info = f"{stem}.dist-info/"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(info + "METADATA", metadata)
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")


class Project:
    """A folder with run.py, the visualizer's stand-in, and wheels to install from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.wheels = folder / "wheels"
        self.bin = folder / "bin"
        for new in (self.folder / "visualizer/support", self.wheels, self.bin):
            new.mkdir(parents=True)
        write_wheel(self.wheels, DEPENDENCY, "1.5.0")
        write_wheel(self.wheels, "launcher-stand-in-extra", "1.0")
        shutil.copy(ROOT / "run.py", self.folder)
        for name in ("errors.py", "support/system.py"):
            shutil.copy(ROOT / "visualizer" / name, self.folder / "visualizer" / name)
        self.change("visualizer/support/system.py", r"\Z", ALL_THERE)
        (self.folder / "tests").mkdir()
        (self.folder / "tests/__init__.py").touch()
        (self.folder / "tests/needs.py").write_text("missing = lambda: []\n")
        (self.folder / "visualizer/__init__.py").touch()
        (self.folder / "visualizer/support/__init__.py").touch()
        (self.folder / "visualizer/cli.py").write_text(CLI)
        self.depend_on(f"{DEPENDENCY}>=1.5,<2")
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV", "MEL_"))
        }
        self.environment |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
        }

    def make_venvs_from(self, template: Path) -> None:
        """Let `python -m venv` copy an environment that is there, which takes a tenth of the time.

        `installed` makes its own in earnest.
        """
        (self.bin / "venv.py").write_text(
            "import shutil, sys\n"
            "ours = shutil.ignore_patterns('*stand_in*', 'installed-by-run.py')\n"
            f"shutil.copytree({str(template)!r}, sys.argv[1], symlinks=True, ignore=ours)\n"
        )
        self.environment["PYTHONPATH"] = str(self.bin)

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    def depend_on(self, dependency: str) -> None:
        (self.folder / "pyproject.toml").write_text(PYPROJECT.format(dependency=dependency))
        (self.folder / "backend.py").write_text(BACKEND.replace("DEPENDENCY", dependency))

    def change(self, file: str, pattern: str, replacement: str) -> None:
        path = self.folder / file
        text, count = re.subn(pattern, lambda _: replacement, path.read_text())
        assert count == 1, f"{pattern} is {count} times in {file}"
        path.write_text(text)

    def patch_python(self, code: str) -> None:
        """Run `code` at the start of every Python that run.py runs in."""
        (self.bin / "sitecustomize.py").write_text(code)
        self.environment["PYTHONPATH"] = str(self.bin)

    def popen(self, *arguments: str, **options) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.folder / "run.py", *arguments],
            cwd=self.bin,  # not where run.py is, which must not matter
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"stdin": subprocess.DEVNULL, **options},
        )

    def run(self, *arguments: str, **options) -> "Result":
        process = self.popen(*arguments, **options)
        return Result(process, *process.communicate())

    def installs(self) -> int:
        """Return how often pip has installed the project."""
        record = self.folder / "installs"
        return len(record.read_text()) if record.exists() else 0

    def as_if_met(self) -> None:
        """Let the running interpreter have all dependencies."""
        self.change("pyproject.toml", r"launcher-stand-in>=1.5,<2", "pytest>=1.0")


class Result:
    """What a run of run.py printed, and its exit code."""

    def __init__(self, process: subprocess.Popen[str], stdout: str, stderr: str) -> None:
        self.code = process.returncode
        self.pid = process.pid
        self.stdout = stdout
        self.stderr = stderr

    def ran_in(self, prefix: Path | str) -> bool:
        return self.code == 7 and f"prefix {prefix}\n" in self.stdout

    def complaint(self) -> str:
        """Return run.py's own single message, after checking that it failed as it should."""
        assert self.code == 2, self.stderr
        assert "Traceback" not in self.stderr
        messages = [line for line in self.stderr.splitlines() if line.startswith("run.py: ")]
        assert len(messages) == 1, self.stderr
        return messages[0]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A project after its first start; each test leaves it as it was, or better."""
    project = Project(tmp_path_factory.mktemp("installed"))
    project.first = project.run("run", "--demo")
    return project


@pytest.fixture
def quick(project, installed):
    """A project like any other, but quicker to make its .venv."""
    project.make_venvs_from(installed.venv)
    return project


# Where it runs


def test_first_start_makes_the_venv_and_runs_in_it_under_the_same_pid(installed):
    assert installed.first.ran_in(installed.venv), installed.first.stderr
    assert f"pid {installed.first.pid}\n" in installed.first.stdout
    assert "argv ['run', '--demo']\n" in installed.first.stdout
    assert "First start" in installed.first.stderr
    assert "Successfully installed" in installed.first.stderr  # pip's own words are shown


def test_second_start_installs_nothing_and_says_nothing(installed):
    before = installed.installs()
    second = installed.run("presets")
    assert second.ran_in(installed.venv)
    assert second.stderr == ""
    assert installed.installs() == before > 0


def test_a_changed_pyproject_installs_again_and_the_extras_stay(installed):
    before = installed.installs()
    test = installed.run("test")
    assert test.ran_in(installed.venv), test.stderr
    assert "launcher-stand-in-extra-1.0" in test.stderr
    assert installed.run().ran_in(installed.venv)
    assert installed.installs() == before + 1  # the plain run asked for less

    installed.change("pyproject.toml", r"\Z", "\n# changed\n")
    plain = installed.run()
    assert plain.ran_in(installed.venv)
    assert "Requirement already satisfied: launcher-stand-in-extra>=1.0" in plain.stderr
    assert installed.installs() == before + 2


def test_a_failed_update_keeps_the_venv_and_is_tried_again(installed):
    installed.depend_on(f"{DEPENDENCY}>=1.6")
    assert "pip could not install" in installed.run().complaint()
    assert installed.venv.is_dir()
    write_wheel(installed.wheels, DEPENDENCY, "1.6.1")
    assert installed.run().ran_in(installed.venv)


def test_a_package_taken_out_of_the_venv_is_put_back(installed):
    pip = [installed.venv / "bin/python", "-m", "pip", "uninstall", "-y", DEPENDENCY]
    subprocess.run(pip, env=installed.environment, check=True, capture_output=True)
    assert installed.run().ran_in(installed.venv)
    assert installed.run().stderr == ""


def test_the_packages_of_a_model_are_installed_when_it_is_named(installed):
    before = installed.installs()
    for own in ("mine.py", "~/mine.py:Mine", "package.module:Mine"):
        assert installed.run("--model", own).ran_in(installed.venv)
    assert installed.installs() == before
    for named in (["run", "--model=a-voice"], ["stream", "--model", "a-voice"]):
        result = installed.run(*named)
        assert result.ran_in(installed.venv), result.stderr
        assert installed.installs() == before + 1


def test_met_dependencies_run_right_here(project):
    project.as_if_met()
    result = project.run("--yes", "devices", "--yes")
    assert result.ran_in(sys.prefix)
    assert "argv ['devices']\n" in result.stdout
    assert not project.venv.exists()


def test_the_gpu_bench_installs_nothing_where_torch_is_there(project):
    """As in a CUDA image, which has torch and nothing of the window."""
    folder = project.folder / "visualizer/tools/bench"
    folder.mkdir(parents=True)
    (folder / "gpu.py").write_text("def main(argv):\n    print(argv)\n    return 5\n")
    result = project.run("bench", "--gpu", "--device", "cpu")
    assert (result.code, result.stdout) == (5, "['--device', 'cpu']\n"), result.stderr
    assert not project.venv.exists()


def test_for_test_the_extra_counts_too(project):
    project.as_if_met()
    project.change("run.py", r"NEEDS_FREE_GB = 7", "NEEDS_FREE_GB = 10**9")
    assert project.run("presets").ran_in(sys.prefix)
    assert "free space" in project.run("test").complaint()  # it went to make .venv


def test_a_half_made_venv_is_finished(project):
    make = [sys.executable, "-m", "venv", "--without-pip", project.venv]
    subprocess.run(make, check=True, env=project.environment)
    result = project.run()
    assert result.ran_in(project.venv), result.stderr
    assert "First start" not in result.stderr


def test_an_install_that_does_not_help_ends(quick):
    # pip installs what the backend asks for; run.py wants what pyproject.toml says.
    (quick.folder / "backend.py").write_text(BACKEND.replace("DEPENDENCY", DEPENDENCY))
    quick.change("pyproject.toml", r"launcher-stand-in>=1.5,<2", f"{DEPENDENCY}>=3")
    complaint = quick.run().complaint()
    assert f"still misses {DEPENDENCY}>=3" in complaint
    assert "rm -rf" in complaint
    assert quick.installs() == 1


# What can go wrong


def test_an_old_python_is_told_so(project):
    project.change("run.py", r"NEEDS_PYTHON = \(3, 11\)", "NEEDS_PYTHON = (4, 2)")
    complaint = project.run().complaint()
    found = ".".join(map(str, sys.version_info[:3]))
    assert f"this is Python {found}, but 4.2 or newer is needed" in complaint
    assert "run.py" in complaint.partition("needed")[2]
    assert not project.venv.exists()


def test_run_py_parses_on_python_3_6_and_imports_nothing_newer():
    tree = ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 6))
    at_the_top = {
        name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names
    }
    assert "tomllib" not in at_the_top


@pytest.mark.parametrize("broken", ["no python", "python that fails", "a file"])
def test_a_broken_venv_is_named_with_the_way_out(project, broken):
    if broken == "a file":
        project.venv.touch()
    else:
        python = project.venv / "bin/python"
        python.parent.mkdir(parents=True)
        if broken == "no python":
            python.symlink_to("/no/such/python")
        else:
            python.write_text("#!/bin/sh\nexit 127\n")
            python.chmod(0o755)
    complaint = project.run("presets").complaint()
    assert "is broken" in complaint
    assert f"rm -rf {project.venv}; " in complaint
    assert complaint.endswith("run.py presets")
    assert os.path.lexists(project.venv)  # it may not be ours to remove


def test_an_unreachable_index_leaves_nothing_behind(quick):
    with socket.socket() as closed:  # bound but not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        del quick.environment["PIP_NO_INDEX"], quick.environment["PIP_FIND_LINKS"]
        quick.environment |= {"PIP_INDEX_URL": url, "PIP_RETRIES": "1"}
        complaint = quick.run().complaint()
    assert "could not reach the package index" in complaint
    assert not quick.venv.exists()


def test_an_unknown_package_leaves_nothing_behind(quick):
    quick.depend_on("no-such-package>=1.0")
    complaint = quick.run().complaint()
    assert "pip could not install" in complaint
    assert "network" not in complaint
    assert not quick.venv.exists()


def test_ctrl_c_leaves_nothing_behind(quick):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        del quick.environment["PIP_NO_INDEX"], quick.environment["PIP_FIND_LINKS"]
        quick.environment["PIP_INDEX_URL"] = url
        process = quick.popen(start_new_session=True)
        connection, _ = silent.accept()  # pip has asked, and waits for ever
        with connection:
            assert quick.venv.is_dir()
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            _, stderr = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in stderr.partition("Stopped.")[2]
    assert stderr.endswith("Stopped.\n")
    assert not quick.venv.exists()


def test_a_full_disk_is_seen_before_anything_is_made(project):
    project.change("run.py", r"NEEDS_FREE_GB = 7", "NEEDS_FREE_GB = 10**9")
    assert "free space" in project.run().complaint()
    assert not project.venv.exists()


def test_a_folder_that_cannot_be_written_is_named(project):
    # Root may write anywhere, so the answer of the system is stood in for.
    project.patch_python("import os; os.access = lambda *_, **__: False")
    assert f"cannot write to {project.folder}" in project.run().complaint()
    assert not project.venv.exists()


def test_a_python_without_ensurepip_names_the_package(project):
    project.patch_python("import sys; sys.modules['ensurepip'] = None")
    package = "python{}.{}-venv".format(*sys.version_info)
    assert f"apt-get install {package}" in project.run().complaint()
    assert not project.venv.exists()


@pytest.mark.parametrize("text", [None, "not toml", "[tool]"])
def test_an_unreadable_pyproject_is_named(project, text):
    (project.folder / "pyproject.toml").unlink()
    if text is not None:
        (project.folder / "pyproject.toml").write_text(text)
    assert "cannot read" in project.run().complaint()


# System packages


@pytest.fixture
def incomplete(project):
    """A project that is ready to run, but for one library that its stand-in apt-get brings."""
    project.as_if_met()
    need = "[Need('libmade-up.so.1', 'the made-up part', 'made-up1', 'made-up', 'made-up')]"
    everywhere = "\nmissing = lambda window=True: " + need + "\n"
    path = project.folder / "visualizer/support/system.py"
    path.write_text(path.read_text().replace(ALL_THERE, everywhere + "is_root = lambda: True\n"))
    apt_get(project, exit_code=0)
    return project


def apt_get(project: Project, exit_code: int) -> None:
    program = project.bin / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{project.bin}/called"\nexit {exit_code}\n')
    program.chmod(0o755)


def apt_get_calls(project: Project) -> list[str]:
    record = project.bin / "called"
    return record.read_text().splitlines() if record.exists() else []


@pytest.mark.parametrize(
    ("arguments", "is_said"),
    [([], True), (["--headless"], False), (["stream"], False), (["devices"], False)],
)
def test_what_a_window_needs_is_asked_for_where_there_is_one(incomplete, arguments, is_said):
    path = incomplete.folder / "visualizer/support/system.py"
    path.write_text(path.read_text().replace("window=True: [", "window=True: window * ["))
    assert ("Missing on this system" in incomplete.run(*arguments).stderr) == is_said


INSTALLED = ["update", "install -y --no-install-recommends made-up1"]


def answer(project: Project, text: str, *arguments: str) -> Result:
    """Run with `text` typed at a terminal."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, text.encode())
        return project.run(*arguments, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_yes_installs(incomplete):
    result = answer(incomplete, "y\n", "run")
    assert result.ran_in(sys.prefix)
    assert apt_get_calls(incomplete) == INSTALLED
    assert "for the made-up part: libmade-up.so.1" in result.stderr
    assert result.stderr.count("apt-get install") == 1


def test_no_goes_on_without(incomplete):
    result = answer(incomplete, "n\n", "run")
    assert result.ran_in(sys.prefix)
    assert apt_get_calls(incomplete) == []
    assert "Going on without" in result.stderr


def test_the_option_yes_answers_and_is_not_passed_on(incomplete):
    result = answer(incomplete, "", "run", "--yes", "--demo")
    assert "argv ['run', '--demo']\n" in result.stdout
    assert apt_get_calls(incomplete) == INSTALLED
    assert "[y/N]" not in result.stderr


def test_root_without_a_terminal_counts_as_yes(incomplete):
    assert incomplete.run().ran_in(sys.prefix)
    assert apt_get_calls(incomplete) == INSTALLED


def test_another_user_without_a_terminal_goes_on(incomplete):
    incomplete.change(
        "visualizer/support/system.py", r"is_root = lambda: True", "is_root = lambda: False"
    )
    result = incomplete.run()
    assert result.ran_in(sys.prefix)
    assert apt_get_calls(incomplete) == []
    assert "libmade-up.so.1" in result.stderr


def test_a_failed_line_goes_on(incomplete):
    apt_get(incomplete, exit_code=100)
    result = incomplete.run()
    assert result.ran_in(sys.prefix)
    assert apt_get_calls(incomplete) == INSTALLED
    assert "did not work" in result.stderr


def test_commands_that_need_no_library_do_not_ask(incomplete):
    assert incomplete.run("presets").stderr == ""
    assert incomplete.run("doctor").stderr == ""
    assert incomplete.run("run", "--help").stderr == ""
    assert apt_get_calls(incomplete) == []


def test_what_is_missing_is_offered_once_around_the_install(incomplete, installed):
    incomplete.make_venvs_from(installed.venv)
    incomplete.depend_on(f"{DEPENDENCY}>=1.5,<2")
    result = incomplete.run()
    assert result.ran_in(incomplete.venv), result.stderr
    assert result.stderr.count("Missing on this system") == 1
    assert result.stderr.index("Missing on this system") < result.stderr.index("First start")


# The parts


@pytest.fixture(scope="module")
def launcher():
    spec = importlib.util.spec_from_file_location("launcher_under_test", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_our_own_pyproject_is_understood(launcher):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in launcher.requirements({"test"}):
        launcher.is_met(requirement, {})  # it would exit
    assert "torch" in " ".join(launcher.requirements(set()))
    assert "pytest" not in " ".join(launcher.requirements(set()))
    needed = ".".join(map(str, launcher.NEEDS_PYTHON))
    assert project["requires-python"] == f">={needed}"


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        ("some-package", True),
        ("Some_Package>=2", True),
        ("some-other-package", False),
        ("some-package>=2.11,<2.15", True),
        ("some-package >= 2.11.0, < 2.15", True),
        ("some-package>=2.11.0.0", True),
        ("some-package>=2.9", True),
        ("some-package>=2.12", False),
        ("some-package<2.11", False),
        ("some-package>=2.11.1", False),
        ("some-package<10.0", True),
        ("some-package>=2.12; sys_platform == 'plan9'", True),
        (f"some-package>=2.12; sys_platform == '{sys.platform}'", False),
        (f"some-package>=2.11; sys_platform == '{sys.platform}'", True),
    ],
)
def test_version_ranges(launcher, requirement, met):
    assert launcher.is_met(requirement, {"some-package": "2.11.0+cu128"}) is met


def test_the_versions_found_are_those_that_python_knows(launcher):
    ours = launcher.installed_versions()
    for requirement in launcher.requirements({"test"}):
        name = re.match(r"[\w.-]+", requirement)[0]
        assert ours[launcher.plain_name(name)] == importlib.metadata.version(name)


@pytest.mark.parametrize("requirement", ["a==1.0", "a>=1.0; python_version>'3'", "a[b]>=1"])
def test_what_is_not_understood_is_said(launcher, requirement, capsys):
    with pytest.raises(SystemExit):
        launcher.is_met(requirement, {})
    assert "cannot read the requirement" in capsys.readouterr().err
