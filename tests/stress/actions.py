"""What a person does in the window while columns come, and how late the latest of them is then.

    python -m tests.stress.actions [--size 1280x720] [--times 5] [--source mic|demo]
        [--kernel auto|numpy] [--only WORD ...] [--json FILE]

A real window under Xvfb with a window manager, on a PulseAudio server of its own. Each action is
done at a quiet moment, and again in turn with what undoes it. For each it prints, of the second
after it, the latest column (its total latency), the longest that the picture stood still between
two paints, and the longest that the GUI thread was held up; the first time, the median of all and
the worst. "nothing" is a second like any other. No column is to be later than 60 ms.

Compiled kernels come from the user's own folder for them; where they are missing, they are built
before, since a kernel that is being built is another case.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.screen import screen, window_manager
from tests.sound import SINKS, running_server
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.demo import demo_path
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.options import RunOptions, kernel_plan

if TYPE_CHECKING:
    from visualizer.engine.columns import MelColumns
    from visualizer.ui.window import Window

LIMIT_MS = 60.0
_AFTER_MS = 1000
"""How long after an action is looked at."""
_ON_ITS_WAY_S = 0.03
"""A column that came so long before an action, and is not painted yet, waits for something else:
the picture was frozen, say."""
_CALM_MS, _CALM_S = 20.0, 0.3
"""It is quiet where no column was later than this for so long."""
_GIVE_UP_S = 20.0
_FRONT_ENDS = ("simli", "whisper-80", "hifigan")
_SCREEN = "2000x1300"
MODULE = ("-m", "tests.stress.actions")


class Action(NamedTuple):
    """One thing that a person does."""

    name: str
    do: Callable[[Hands], object]


@dataclass(frozen=True)
class Measure:
    """Of the second after an action; None where nothing was painted."""

    action: str
    latest_ms: float | None
    still_ms: float | None
    stall_ms: float


class Hands:
    """A person's hands on a window."""

    def __init__(self, window: Window, size: tuple[int, int]) -> None:
        self.window = window
        self.size = size

    def trigger(self, command: str) -> None:
        """As its key and its entry in the menu do."""
        self.window.menus.actions[command].trigger()

    def open_menu(self, menu: str) -> None:
        from PyQt6.QtCore import Qt
        from PyQt6.QtTest import QTest

        bar = self.window.menuBar()
        action = self.window.menus.menus[menu].menuAction()
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(action).center())

    def open_context_menu(self) -> None:
        from PyQt6.QtGui import QContextMenuEvent
        from PyQt6.QtWidgets import QApplication

        view = self.window.stack.pictures[0].view
        middle = view.rect().center()
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(view, QContextMenuEvent(reason, middle, view.mapToGlobal(middle)))

    def close_popup(self) -> None:
        from PyQt6.QtCore import Qt
        from PyQt6.QtTest import QTest
        from PyQt6.QtWidgets import QApplication

        popup = QApplication.activePopupWidget()
        assert popup is not None, "nothing is open"
        QTest.keyClick(popup, Qt.Key.Key_Escape)

    def click(self, name: str) -> None:
        """A control of the toolbar."""
        from PyQt6.QtCore import Qt
        from PyQt6.QtTest import QTest

        QTest.mouseClick(getattr(self.window.controls, name), Qt.MouseButton.LeftButton)

    def close_list(self, name: str) -> None:
        getattr(self.window.controls, name).hidePopup()

    def search(self, text: str) -> None:
        from PyQt6.QtTest import QTest

        QTest.keyClicks(self.window.controls.preset.list.search, text)

    def run(self, **changes: object) -> None:
        """As the toolbar does."""
        self.window.controls.engine_picked.emit(changes)

    def front_end(self, name: str) -> None:
        self.run(preset=name, mel=None, whose="")

    def show(self, **changes: object) -> None:
        self.window.controls.display_picked.emit(changes)

    def resize(self, width: int, height: int) -> None:
        self.window.resize(width, height)

    def usual(self) -> None:
        self.window.showNormal()
        self.window.resize(*self.size)


def _pair(what: str, on: Callable[[Hands], object], off: Callable[[Hands], object]) -> list[Action]:
    return [Action(f"{what}: open", on), Action(f"{what}: close", off)]


def _menus() -> list[list[Action]]:
    return [
        _pair(f"menu {menu}", lambda h, m=menu: h.open_menu(m), Hands.close_popup)
        for menu in ("file", "view", "time", "colours", "mark", "help")
    ]


def _panel(what: str, command: str) -> list[Action]:
    return _pair(what, lambda h: h.trigger(command), lambda h: h.trigger(command))


def _list(name: str) -> list[Action]:
    return _pair(f"list {name}", lambda h: h.click(name), lambda h: h.close_list(name))


def _changes(field: str, *values: Any) -> list[Action]:
    return [
        Action(f"{field} {value}", lambda h, v=value: h.show(**{field: v}))
        for value in (*values[1:], values[0])
    ]


ACTIONS: list[list[Action]] = [
    [Action("nothing", lambda h: None)],
    _panel("latency panel", "view.latency"),
    _panel("spectrum panel", "view.spectrum"),
    _panel("waveform", "view.waveform"),
    *_menus(),
    _pair("context menu", Hands.open_context_menu, Hands.close_popup),
    _panel("key sheet", "help.keys"),
    [
        Action("search: open", lambda h: h.click("preset")),
        Action("search: type", lambda h: h.search("w")),
        Action("search: type more", lambda h: h.search("hi")),
        Action("search: close", lambda h: h.close_list("preset")),
    ],
    *(_list(name) for name in ("source", "device", "channel", "second", "span", "colours")),
    [Action(f"front-end {name}", lambda h, n=name: h.front_end(n)) for name in _FRONT_ENDS[1:]]
    + [Action(f"front-end {_FRONT_ENDS[0]}", lambda h: h.front_end(_FRONT_ENDS[0]))],
    [
        Action("second front-end", lambda h: h.show(second=_FRONT_ENDS[1])),
        Action("difference", lambda h: h.trigger("view.difference")),
        Action("no difference", lambda h: h.trigger("view.difference")),
        Action("no second front-end", lambda h: h.show(second=None)),
    ],
    [
        Action("channel each", lambda h: h.run(channel="each")),
        Action("channel mean", lambda h: h.run(channel="mean")),
    ],
    _changes("span_s", 10.0, 30.0, 300.0, 5.0),
    _changes("colour_map", "magma", "viridis", "gray_r"),
    [
        Action("upper limit down", lambda h: h.trigger("colours.upper-down")),
        Action("auto range", lambda h: h.trigger("colours.auto")),
        Action("default range", lambda h: h.trigger("colours.default")),
        Action("values, not dB", lambda h: h.trigger("colours.unit")),
        Action("dB again", lambda h: h.trigger("colours.unit")),
    ],
    [
        Action("theme light", lambda h: h.trigger("view.theme.light")),
        Action("theme dark", lambda h: h.trigger("view.theme.dark")),
    ],
    [
        Action("note names", lambda h: h.trigger("view.notes")),
        Action("hertz", lambda h: h.trigger("view.notes")),
        Action("time of day", lambda h: h.trigger("time.clock")),
        Action("seconds", lambda h: h.trigger("time.clock")),
    ],
    [
        Action("overlay off", lambda h: h.trigger("view.overlay")),
        Action("overlay on", lambda h: h.trigger("view.overlay")),
    ],
    [
        Action("freeze", lambda h: h.trigger("view.freeze")),
        Action("unfreeze", lambda h: h.trigger("view.freeze")),
        Action("scroll back", lambda h: h.trigger("time.back")),
        Action("live", lambda h: h.trigger("time.live")),
    ],
    [
        Action("cursor", lambda h: h.trigger("mark.left")),
        Action("marker A", lambda h: h.trigger("mark.a")),
        Action("no marks", lambda h: h.trigger("mark.clear")),
    ],
    [
        Action("record", lambda h: h.trigger("file.record")),
        Action("end the recording", lambda h: h.trigger("file.record")),
    ],
    [Action("refresh devices", lambda h: h.trigger("file.devices"))],
    [
        Action("size 800x600", lambda h: h.resize(800, 600)),
        Action("More: open", lambda h: h.click("more")),
        Action("More: close", lambda h: h.click("more")),
        Action("size 1600x900", lambda h: h.resize(1600, 900)),
        Action("usual size", Hands.usual),
    ],
    [
        Action("maximise", lambda h: h.window.showMaximized()),
        Action("restore", Hands.usual),
        Action("full screen", lambda h: h.trigger("view.full-screen")),
        Action("no full screen", lambda h: h.trigger("view.full-screen")),
    ],
]
"""Each list is done from its start to its end, as often as asked for."""


def chosen(words: list[str]) -> list[list[Action]]:
    """The lists with an action that has one of these words in its name; without words, all."""
    names = (" ".join(action.name for action in actions) for actions in ACTIONS)
    kept = zip(ACTIONS, names, strict=True)
    return [a for a, name in kept if not words or any(word in name for word in words)]


class Watch:
    """Notes each column that is painted, and each time that the GUI thread is held up."""

    def __init__(self, window: Window) -> None:
        from PyQt6.QtCore import Qt, QTimer

        self.painted: list[tuple[float, float]] = []
        """when, and when it came (perf_counter s)"""
        self.stall_ms = 0.0
        self._beat_at = time.perf_counter()
        record = window.latency.record

        def note(columns: MelColumns, painted_at: float) -> None:
            self.painted.append((painted_at, columns.captured_at))
            record(columns, painted_at)

        window.latency.record = note  # type: ignore[method-assign,assignment]
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(5)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.stall_ms = max(self.stall_ms, 1e3 * (now - self._beat_at))
        self._beat_at = now

    def is_calm(self) -> bool:
        since_s = time.perf_counter() - _CALM_S
        late_s = [at_s - came_s for at_s, came_s in self.painted if at_s > since_s]
        return not late_s or 1e3 * max(late_s) < _CALM_MS

    def measure(self, action: Action, hands: Hands) -> Measure:
        began_at = time.perf_counter()
        self.stall_ms = 0.0
        _wait(_AFTER_MS, lambda: action.do(hands))
        before = [at_s for at_s, _ in self.painted if at_s <= began_at][-1:]
        after = [
            (at_s, came_s)
            for at_s, came_s in self.painted
            if at_s > began_at and came_s > began_at - _ON_ITS_WAY_S
        ]
        times = before + [at_s for at_s, _ in after]
        still = [1e3 * (b - a) for a, b in pairwise(times)]
        latest = max((1e3 * (at_s - came_s) for at_s, came_s in after), default=None)
        return Measure(action.name, latest, max(still, default=None), self.stall_ms)


def _wait(milliseconds: int, first: Callable[[], object] = lambda: None) -> None:
    """Let the window live; what is to be done `first` is done from its loop of events."""
    from PyQt6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(0, first)
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def play(arguments: argparse.Namespace, folder: Path) -> None:
    """Do it all in this process, and print each measure as a line of JSON."""
    from visualizer.engine.options import RecordingConfig
    from visualizer.support.process import begin
    from visualizer.ui.app import make_application
    from visualizer.ui.controls.settings import Settings
    from visualizer.ui.garbage import settle_here
    from visualizer.ui.window import Window

    begin()
    application = make_application(["actions"])
    store, size = Settings(), tuple(int(part) for part in arguments.size.split("x"))
    store.save_recording_config(RecordingConfig(str(folder)))
    config = EngineConfig(CaptureConfig(arguments.source))
    plan = kernel_plan(RunOptions(kernel=arguments.kernel))
    window = Window(lambda on_update: Engine(config, (), on_update, kernels=plan), store)
    watch = Watch(window)
    collectors: list[object] = []
    window.first_column.connect(lambda: collectors.append(settle_here()))
    window.resize(*size)
    window.show()
    hands = Hands(window, (size[0], size[1]))
    give_up_at = time.perf_counter() + _GIVE_UP_S
    while not collectors and time.perf_counter() < give_up_at:
        _wait(50)
    assert collectors, "no column came"
    _wait(arguments.after_start)
    for actions in chosen(arguments.only):
        for _ in range(arguments.times):
            for action in actions:
                give_up_at = time.perf_counter() + _GIVE_UP_S
                while not watch.is_calm() and time.perf_counter() < give_up_at:
                    _wait(50)
                print(json.dumps(asdict(watch.measure(action, hands))), flush=True)
                _wait(round(1e3 * _CALM_S))
    window.close()
    application.quit()


def prepare() -> None:
    """Have compiled kernels built where there are none."""
    for name in _FRONT_ENDS:
        config = EngineConfig(CaptureConfig("demo"), preset=name)
        engine = Engine(config, (), lambda: None, kernels=kernel_plan(RunOptions()))
        while engine.status().deviation is None or engine.status().is_building:
            time.sleep(0.1)
        engine.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="how late columns are after what a person does")
    parser.add_argument("--size", default="1280x720", help="of the window")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--source", choices=("mic", "demo"), default="mic")
    parser.add_argument("--kernel", choices=("auto", "numpy"), default="auto")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD")
    parser.add_argument("--after-start", type=int, default=3000, metavar="MS")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        from visualizer.support.process import leave

        play(arguments, arguments.play)
        # As the program itself: a call that hangs must not keep it.
        leave(0)
    if arguments.kernel == "auto":
        prepare()
    measures = _played_apart(sys.argv[1:])
    Console(width=110).print(table_of(measures))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(m) for m in measures], indent=1) + "\n")
    n_actions = sum(map(len, chosen(arguments.only)))
    is_whole = len(measures) == n_actions * arguments.times
    return int(not is_whole or any((m.latest_ms or 0.0) > LIMIT_MS for m in measures))


def _played_apart(arguments: list[str]) -> list[Measure]:
    """In a process of its own, with a screen and a sound server of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        display = stack.enter_context(screen(_SCREEN))
        stack.enter_context(window_manager(display, folder))
        server = stack.enter_context(running_server(folder))
        environment = os.environ | server.environment
        environment |= {"DISPLAY": display, "XDG_CONFIG_HOME": str(folder)}
        environment.pop("QT_QPA_PLATFORM", None)
        again = 'while paplay --device="$1" "$2"; do :; done'
        sound = ["sh", "-c", again, "sh", SINKS[0], str(demo_path())]
        player = subprocess.Popen(sound, env=environment, start_new_session=True)
        stack.callback(player.wait)
        stack.callback(os.killpg, player.pid, 15)
        command = [sys.executable, *MODULE, *arguments, "--play", str(folder)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    return measures_in(done.stdout)


def measures_in(output: str) -> list[Measure]:
    """What the process that does the actions has printed."""
    lines = (line for line in output.splitlines() if line.startswith("{"))
    return [Measure(**json.loads(line)) for line in lines]


def table_of(measures: list[Measure]) -> Table:
    """In the order in which they were done."""
    table = Table("latest column, ms", "first", "p50", "max", "still", "stall", "")
    for name in dict.fromkeys(m.action for m in measures):
        of_it = [m for m in measures if m.action == name]
        latest = [m.latest_ms for m in of_it if m.latest_ms is not None]
        still = [m.still_ms for m in of_it if m.still_ms is not None]
        spread = [latest[0], median(latest), max(latest)] if latest else []
        figures = [f"{ms:.0f}" for ms in spread] or ["–"] * 3
        worst = [f"{max(still):.0f}" if still else "–", f"{max(m.stall_ms for m in of_it):.0f}"]
        late = "late" if max(latest, default=0.0) > LIMIT_MS else ""
        table.add_row(name, *figures, *worst, late)
    return table


if __name__ == "__main__":
    sys.exit(main())
