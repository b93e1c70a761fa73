"""Makes the pictures that the README shows, from the program as it is.

    .venv/bin/python assets/make_screenshots.py [FOLDER]

Needs a display; without one, `xvfb-run -s "-screen 0 1600x1000x24"` in front of it makes one.
Each picture is of a window that plays the built-in demo; what is picked in it is not kept.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PyQt6.QtCore import QByteArray, QEventLoop, QTimer
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QWidget

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.engine.options import RunOptions, kernel_plan
from visualizer.engine.tap import SoundTap
from visualizer.ui.app import make_application
from visualizer.ui.controls.settings import Settings
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.marks import Place, Region
from visualizer.ui.window import Window

SIZE = (1280, 720)


@dataclass(frozen=True)
class Scene:
    """A window to take a picture of."""

    name: str
    display: DisplayConfig
    heard_s: float
    """how much of the demo has been heard by then"""
    act: Callable[[Window], QWidget | None] = lambda window: None
    """returns what it opened on top of the window"""
    model: str = ""
    """which runs beside it"""


def read_region(window: Window) -> None:
    """Hold the picture with both markers, a region and the cursor on it."""
    window.stack.hold()
    end = window.stack.lanes[0].columns.end
    inspector = window.viewer.inspector
    inspector.marks = type(inspector.marks)(
        cursor=Place(0, end - 40, 24),
        a=Place(0, end - 470, 14),
        b=Place(0, end - 390, 60),
        region=Region(0, end - 330, end - 120, 4, 46),
    )
    inspector.show()


def open_panels(window: Window) -> None:
    """Show what the latencies and the newest column look like."""
    window.resize(1600, 950)
    for name in ("view.latency", "view.spectrum"):
        window.menus.actions[name].trigger()
    run_until(lambda: False, 3.0)


def open_list(window: Window) -> QWidget:
    """Look for a front-end."""
    window.controls.preset.showPopup()
    opened = window.controls.preset.list
    opened.search.setText("kaldi")
    return opened


def run_until(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    """Let the program run as it does by itself."""
    loop, timer = QEventLoop(), QTimer()
    until = time.perf_counter() + limit_s
    timer.timeout.connect(
        lambda: loop.quit() if condition() or time.perf_counter() > until else None
    )
    timer.start(20)
    loop.exec()


SCENES = (
    Scene("screenshot", DisplayConfig(theme="dark"), 10.2),
    Scene("reading", DisplayConfig(theme="dark", waveform=True), 9.5, read_region),
    Scene(
        "compare",
        DisplayConfig(
            theme="dark", second="simli-librosa", difference=True, note_names=True, clock_time=True
        ),
        10.2,
    ),
    Scene("model", DisplayConfig(theme="dark"), 10.2, model="silero-vad"),
    Scene("front-ends", DisplayConfig(theme="dark"), 6.2, open_list),
    Scene("latency", DisplayConfig(theme="light", colour_map="viridis"), 5.6, open_panels),
)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    application = make_application(sys.argv[:1])
    with tempfile.TemporaryDirectory() as settings:
        os.environ["XDG_CONFIG_HOME"] = settings
        for scene in SCENES:
            Settings().save_display_config(scene.display)
            Settings().save_docks(QByteArray())
            take(scene, folder / f"{scene.name}.png")
            application.processEvents()


def start(on_update: Callable[[], None], tap: SoundTap | None = None) -> Engine:
    config, kernels = EngineConfig(CaptureConfig("demo")), kernel_plan(RunOptions())
    return Engine(config, (), on_update, kernels=kernels, tap=tap)


def take(scene: Scene, path: Path) -> None:
    """Run the window until so much was heard, and save what it shows."""
    window = Window(start, Settings())
    if scene.model:
        window.analysing.start(scene.model)
    window.resize(*SIZE)
    window.show()
    try:
        run_until(lambda: window.stack.now_s >= scene.heard_s)
        opened = scene.act(window)
        run_until(lambda: False, 0.5)
        picture = window.grab()
        if opened is not None:
            with QPainter(picture) as painter:
                painter.drawPixmap(window.mapFromGlobal(opened.pos()), opened.grab())
        if not picture.save(str(path)):
            sys.exit(f"{path} cannot be written")
    finally:
        window.close()
    print(path)


main()
