"""Starts the visualizer; the first start also makes the Python environment it needs.

    python3 run.py [--yes] [command and options of the visualizer]

Standard library only. The whole file parses on Python 3.6, so that an old Python can say itself
that it is too old. `--yes` agrees to installing missing system packages.
"""

import sys

try:
    import hashlib
    import importlib.util
    import os
    import re
    import shlex
    import shutil
    import signal
    import subprocess
    from pathlib import Path
except KeyboardInterrupt:  # a second has passed before the visualizer can take care of it
    sys.exit(130)

NEEDS_PYTHON = (3, 11)
NEEDS_FREE_GB = 7  # torch's CUDA build and its libraries
HERE = Path(__file__).resolve().parent
PYPROJECT = HERE / "pyproject.toml"
VENV = HERE / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed-by-run.py"  # hash of pyproject.toml, then the extras installed
# Tells the Python in .venv how it was reached: "stamped", or "installed" just before. Without it
# an install that does not help would be repeated for ever.
HANDED_OVER = "MEL_VISUALIZER_HANDED_OVER"


def say(message):
    if sys.stderr is not None:  # closed, for which print would take standard output
        print(message, file=sys.stderr, flush=True)


def standard_error():
    return subprocess.DEVNULL if sys.stderr is None else sys.stderr


def fail(message):
    say("run.py: " + message)
    sys.exit(2)


def main(argv):
    """Run the visualizer here if its dependencies are here, else in .venv beside this file."""
    if sys.version_info < NEEDS_PYTHON:
        fail_for_old_python()
    handed_over = os.environ.pop(HANDED_OVER, "")
    if str(HERE) not in sys.path:  # PYTHONSAFEPATH leaves it out
        sys.path.insert(0, str(HERE))
    visualizer_argv = [word for word in argv if word != "--yes"]
    command = visualizer_argv[0] if visualizer_argv else "run"  # an option: the default, "run"
    extras = {"test"} if command == "test" else {"models"} if has_adapter(argv) else set()

    if command == "bench" and "--gpu" in argv and not VENV.exists() and has_what_a_gpu_image_has():
        from visualizer.tools.bench.gpu import main as bench_gpu

        return bench_gpu([word for word in visualizer_argv[1:] if word != "--gpu"])

    installed = installed_versions()
    unmet = [wanted for wanted in requirements(extras) if not is_met(wanted, installed)]
    if unmet and handed_over == "installed":
        fail(f".venv still misses {', '.join(unmet)} after installing. {make_anew()}")
    if unmet:
        go_on_in_venv(argv, command, extras, repair=handed_over == "stamped")
    if handed_over != "installed":  # else offered before the install, which can take minutes
        offer_system_packages(argv, command)

    from visualizer.cli import main as visualizer

    sys.argv[1:] = visualizer_argv
    return visualizer()


def has_adapter(argv):
    """Return whether --model names one of those that need packages, so no FILE.py and the like."""
    return re.search(r"(^|\n)--model[=\n][\w-]+(\n|$)", "\n".join(argv)) is not None


def fail_for_old_python():
    found = ".".join(map(str, sys.version_info[:3]))
    needed = ".".join(map(str, NEEDS_PYTHON))
    there = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    how = "Start it with that one" if there else "Install it, then start with it by name"
    example = (there or ["python3.12"])[0]
    fail(f"this is Python {found}, but {needed} or newer is needed. {how}: {example} run.py")


def has_what_a_gpu_image_has():
    """Return whether `bench --gpu` can run here without installing anything."""
    return all(map(importlib.util.find_spec, ("torch", "torchaudio", "numpy", "pytest")))


def requirements(extras):
    """Return the requirement lines of pyproject.toml, those of the extras included."""
    import tomllib

    try:
        project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    except (OSError, ValueError, KeyError) as error:
        fail(f"cannot read {PYPROJECT} ({error}). Take a complete copy of the project.")
    optional = project.get("optional-dependencies", {})
    return [*project["dependencies"], *(line for e in sorted(extras) for line in optional[e])]


def installed_versions():
    """Return the packages of this interpreter, {"pyqt6": "6.11.0"}, by their folders' names.

    importlib.metadata says the same, but importing it takes longer than all else here.
    """
    found = {}
    for folder in sys.path:
        for entry in Path(folder).glob("*.dist-info"):
            name, _, version = entry.stem.partition("-")
            found.setdefault(plain_name(name), version)  # the first folder wins, as in import
    return found


def plain_name(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def is_met(requirement, installed):
    # Only what our own pyproject.toml uses; a test holds it to that.
    wanted, _, condition = requirement.replace(" ", "").partition(";")
    form = re.fullmatch(r"([\w.-]+)((?:,?(?:>=|<)[\d.]+)*)", wanted)
    platform = re.fullmatch(
        r"sys_platform=='(\w+)'", condition or f"sys_platform=='{sys.platform}'"
    )
    if form is None or platform is None:
        fail(
            f"cannot read the requirement {requirement!r} in {PYPROJECT}; use >= and < only, and "
            "no condition but sys_platform == 'NAME'."
        )
    if platform[1] != sys.platform:
        return True
    version = installed.get(plain_name(form[1]))
    bounds = re.findall(r"(>=|<)([\d.]+)", form[2])
    return version is not None and all(
        (release(version) < release(bound)) == (sign == "<") for sign, bound in bounds
    )


def release(version):
    """Return '2.11.0+cu128' as (2, 11), so that 2.11 and 2.11.0 compare equal."""
    numbers = re.match(r"\d*(\.\d+)*", version)[0]
    return tuple(int(number) for number in re.sub(r"(\.0+)+$", "", numbers).split(".") if number)


def go_on_in_venv(argv, command, extras, repair):
    """Bring .venv up to date where it is not, and run this file in it. Does not return."""
    if os.path.lexists(VENV) and not venv_runs("-I", "-S", "-c", ""):
        fail(f"the environment {VENV} is broken: its Python does not start. {make_anew()}")
    digest = hashlib.sha256(PYPROJECT.read_bytes()).hexdigest()
    stamp = STAMP.read_text("utf-8").split() if STAMP.exists() else []
    extras = sorted(extras.union(stamp[1:]))
    if repair or stamp != [digest, *extras]:
        offer_system_packages(argv, command)
        install(extras)
        STAMP.write_text(" ".join([digest, *extras]), "utf-8")
        os.environ[HANDED_OVER] = "installed"
    else:
        os.environ[HANDED_OVER] = "stamped"
    command_line = [str(VENV_PYTHON), *sys.argv]
    if os.name == "nt":  # there execv starts a second process and ends this one at once
        sys.exit(subprocess.call(command_line))
    os.execv(command_line[0], command_line)


def venv_runs(*arguments):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.call([str(VENV_PYTHON), *arguments], **quiet) == 0
    except OSError:
        return False


def install(extras):
    """Install the project into .venv; a .venv that this call made does not outlive a failure."""
    made_here = not VENV.exists()
    try:
        if made_here:
            make_venv()
        run_pip(extras)
    except BaseException:
        if made_here:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not stop this
            shutil.rmtree(VENV, ignore_errors=True)
        raise


def make_venv():
    if not os.access(HERE, os.W_OK):
        fail(f"cannot write to {HERE}. Copy the project to a folder of yours and start it there.")
    free_gb = shutil.disk_usage(HERE).free / 1e9
    if free_gb < NEEDS_FREE_GB:
        fail(
            f"{HERE} has {free_gb:.1f} GB of free space and about {NEEDS_FREE_GB} are needed. "
            f"Free some, then: {again()}"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        package = "python{}.{}-venv".format(*sys.version_info)
        fail(
            "this Python has no modules venv and ensurepip. On Debian or Ubuntu, as root: "
            f"apt-get install {package}, then: {again()}"
        )
    say(f"First start: making {VENV} and installing into it (several GB, some minutes).")
    command_line = [sys.executable, "-m", "venv", str(VENV)]
    made = subprocess.run(command_line, capture_output=True, text=True, errors="replace")
    if made.returncode:
        reason = ((made.stdout + made.stderr).strip().splitlines() or ["no reason given"])[-1]
        fail(f"could not make {VENV}: {reason}. Fix that, then: {again()}")


def run_pip(extras):
    if not venv_runs("-I", "-c", "import pip"):  # an interrupted start can leave a .venv without it
        subprocess.call([str(VENV_PYTHON), "-m", "ensurepip"], stdout=standard_error())
    what = "." + (f"[{','.join(extras)}]" if extras else "")
    # A user's pip settings must not lead the install out of .venv.
    settings = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = subprocess.Popen(
        [str(VENV_PYTHON), "-m", "pip", "install", "-e", what],
        cwd=HERE,
        env=settings,
        stdout=sys.stderr
        or subprocess.DEVNULL,  # our stdout belongs to the visualizer's own output
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    complaints = ""
    try:
        for line in pip.stderr:
            say(line.rstrip("\n"))
            complaints += line
    except BaseException:
        pip.terminate()  # Ctrl-C in a terminal reached it too; a signal to us alone did not
        raise
    finally:
        pip.wait()
    if pip.returncode == 0:
        return
    if "No space left" in complaints:
        fail(f"pip ran out of disk space. Free some (TMPDIR counts too), then: {again()}")
    if re.search(
        r"connection broken by|Max retries|ConnectionError|Timeout|IncompleteRead", complaints
    ):
        fail(f"pip could not reach the package index. Check the network, then: {again()}")
    fail(f"pip could not install the project; its own words are above. Then: {again()}")


def again():
    """Return the command that was given, to be given again."""
    if os.name == "nt":
        return "py " + subprocess.list2cmdline(sys.argv)
    # Python in .venv may be what is about to be removed.
    in_venv = Path(sys.prefix) == VENV
    return shlex.join(["python3" if in_venv else Path(sys.executable).name, *sys.argv])


def make_anew():
    remove = f'rmdir /s /q "{VENV}" &' if os.name == "nt" else f"rm -rf {shlex.quote(str(VENV))};"
    return f"Make it anew: {remove} {again()}"


def offer_system_packages(argv, command):
    """Say which system packages are missing, and install them after a yes."""
    need_none = {"presets", "mel", "diff", "bench", "doctor", "completion"}
    if (need_none | {"-h", "--help", "--version"}) & {command, *argv[-1:]}:
        return  # or say themselves what is missing
    from visualizer.support import system

    window = command not in ("devices", "latency", "stream") and "--headless" not in argv
    needs = system.missing(window)
    if command == "test":
        from tests.needs import missing

        needs += missing()
    if not needs:
        return
    say("Missing on this system:")
    for purpose in dict.fromkeys(need.purpose for need in needs):
        names = ", ".join(need.what for need in needs if need.purpose == purpose)
        say(f"  for {purpose}: {names}")
    line = system.install_command(needs)
    if line is None:
        say("Please install them with the package manager of this system.")
        return
    say("This installs them, as root:\n  " + shlex.join(line))
    terminal = sys.stdin is not None and sys.stdin.isatty()
    agreed = "--yes" in argv or (system.is_root() and not terminal)  # the latter: a container
    if terminal and not agreed:
        say("Run it now? [y/N] ")
        agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not agreed:
        say("Going on without them.")
    elif subprocess.call(
        line,
        stdin=None if terminal else subprocess.DEVNULL,
        stdout=standard_error(),
    ):
        say("That did not work; going on without them.")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("Stopped.")
        sys.exit(130)
