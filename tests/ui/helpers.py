"""How a person works the real window, and what is then on its screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import pyqtgraph as pg
import soundfile
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QCursor, QKeySequence, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from tests.models.made_up import made_up
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.engine import Engine
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.stream import MelStream
from visualizer.models.answers import Answers, ModelStatus
from visualizer.models.contract import Output
from visualizer.ui.controls.search_combo import SearchCombo
from visualizer.ui.controls.settings import Settings
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.picture.spectrogram import SpectrogramView
from visualizer.ui.window import Window

WAIT_MS = 20_000
RATE_HZ = 16_000
HOP_S = 0.0125
"""of simli, the front-end at first"""
EMPTY = (0x08, 0x08, 0x0C)
"""where nothing was heard"""
_COLOUR_STEP = 6
"""What a value's last digit may change of its colour: a place or two of 512."""


def make_window(
    config: EngineConfig,
    fallbacks: tuple[CaptureConfig, ...] = (),
    display: DisplayConfig | None = None,
) -> Window:
    store = Settings()
    if display is not None:
        store.save_display_config(display)
    return Window(lambda on_update: Engine(config, fallbacks, on_update), store)


@contextmanager
def running(window: Window, qtbot: QtBot) -> Iterator[None]:
    """From the first column on the screen until the window is closed."""
    # Else the window comes up below the mouse, whose cursor is then drawn on the picture.
    QCursor.setPos(1590, 990)
    try:
        with qtbot.waitSignal(window.first_column, timeout=WAIT_MS):
            window.show()
        activate(window, qtbot)
        yield
    finally:
        window.close()
        # Taken apart here and now: pyqtgraph does not bear it in the middle of making another one.
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def activate(window: Window, qtbot: QtBot) -> None:
    """Without a window manager, keys go to the window that asks for them once it is there."""

    def is_active() -> bool:
        window.activateWindow()
        return window.isActiveWindow()

    qtbot.waitUntil(is_active, timeout=WAIT_MS)


def watchers() -> list[psutil.Process]:
    """The processes that this one has started to list devices, and that have not ended."""
    return [child for child in psutil.Process().children() if _is_watcher(child)]


def _is_watcher(child: psutil.Process) -> bool:
    try:
        return "--watch" in child.cmdline()
    except psutil.Error:
        # It has ended, be it in this moment.
        return False


def noise_file(folder: Path, seconds: float = 60.0) -> Path:
    """A file of noise whose loudness changes every 50 ms: no column is like another."""
    path = folder / "noise.wav"
    soundfile.write(path, _noise(seconds), RATE_HZ)
    return path


@cache
def _noise(seconds: float) -> np.ndarray:
    random = np.random.default_rng(11)
    samples = random.normal(0, 0.1, round(seconds * RATE_HZ))
    loudness_db = random.uniform(-30, 0, round(seconds * 20))
    samples *= 10 ** (np.repeat(loudness_db, RATE_HZ // 20) / 20)
    return samples.clip(-1, 1)


def tones_file(folder: Path, *hertz: float, seconds: float = 30.0) -> Path:
    """A file with one tone in each channel."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    path = folder / "tones.wav"
    soundfile.write(path, 0.25 * np.sin(2 * np.pi * np.outer(time_s, hertz)), RATE_HZ)
    return path


def pick(combo: QComboBox, text: str, qtbot: QtBot) -> None:
    """Open the list with the mouse and click the line that holds the text."""
    # For that long, Qt takes a click on the list as part of the click that opened it.
    interval_ms = QApplication.doubleClickInterval()
    QApplication.setDoubleClickInterval(0)
    QTest.mouseClick(combo, Qt.MouseButton.LeftButton)
    view = combo.list.view if isinstance(combo, SearchCombo) else combo.view()
    assert view is not None
    qtbot.waitUntil(view.isVisible)
    QApplication.processEvents()
    model, viewport = view.model(), view.viewport()
    assert model is not None
    assert viewport is not None
    indices = [model.index(row, 0) for row in range(model.rowCount())]
    index = next(index for index in indices if index.data() == text)
    view.scrollTo(index)
    # A line may be wider than what is seen of it.
    seen = view.visualRect(index).intersected(viewport.rect())
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=seen.center())
    QApplication.setDoubleClickInterval(interval_ms)
    qtbot.waitUntil(lambda: not view.isVisible())


def pick_front_end(window: Window, name: str) -> None:
    """Have the window show another preset, as its toolbar does."""
    window.controls.engine_picked.emit({"preset": name, "mel": None, "whose": ""})


def press(window: QWidget, keys: str) -> None:
    """Press what the program's menus call so, such as "Ctrl+Left"."""
    QTest.keySequence(window, QKeySequence(keys))


def turn_wheel(widget: QWidget, turns: int, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """Away from the person where `turns` is above 0."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        modifiers or Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def drag(
    widget: QWidget, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier | None = None
) -> None:
    """Press the left button at one place, move, and release it at another."""
    left, held = Qt.MouseButton.LeftButton, modifiers or Qt.KeyboardModifier.NoModifier
    # The screen's own pointer goes along only while no button is pressed.
    QTest.mouseMove(widget, start)
    QTest.mousePress(widget, left, held, start)
    QTest.mouseMove(widget, (start + end) / 2)
    QTest.mouseMove(widget, end)
    QTest.mouseRelease(widget, left, held, end)
    QTest.mouseMove(widget, end)


def click(widget: QWidget, place: QPoint, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """Go there with the mouse and press its left button."""
    QTest.mouseMove(widget, place)
    held = modifiers or Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, held, place)


def move_mouse_away(window: Window, qtbot: QtBot) -> None:
    """From the picture to the toolbar."""
    QTest.mouseMove(window.controls.preset)
    qtbot.waitUntil(lambda: window.stack.pointed_place() is None)


def view_of(window: Window, lane: int = 0) -> SpectrogramView:
    return window.stack.pictures[lane].view


def screen_pixels(window: Window, widget: QWidget) -> np.ndarray:
    """(height, width, 3) of a part of the window, as it is on the screen. Nothing is painted."""
    corner = widget.mapTo(window, QPoint(0, 0))
    screen = window.screen()
    assert screen is not None
    grabbed = screen.grabWindow(
        window.winId(), corner.x(), corner.y(), widget.width(), widget.height()
    )
    image = grabbed.toImage().convertToFormat(grabbed.toImage().Format.Format_RGB32)
    # Right after a change of size the screen may still show the old one.
    assert (image.width(), image.height()) == (widget.width(), widget.height())
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).reshape(image.height(), image.width(), 4)[:, :, 2::-1]


def picture_pixels(window: Window, lane: int = 0) -> np.ndarray:
    """(height, width, 3) of a lane's picture inside its axes, as it is on the screen."""
    return screen_pixels(window, view_of(window, lane))


def newest_index(window: Window) -> int:
    """The column after the newest that came."""
    return window.viewer.tracks.first[0].columns.end


def hear(window: Window, qtbot: QtBot, seconds: float) -> None:
    """Wait until so much of the stream was heard."""
    hop_s = window.viewer.tracks.first[0].mel.hop_s
    qtbot.waitUntil(lambda: newest_index(window) * hop_s > seconds, timeout=WAIT_MS)


def hear_on(window: Window, qtbot: QtBot, seconds: float) -> None:
    """Wait until so much more was heard."""
    hear(window, qtbot, newest_index(window) * window.viewer.tracks.first[0].mel.hop_s + seconds)


def freeze(window: Window, qtbot: QtBot) -> None:
    """Hold the picture with the keyboard, and wait until that is on the screen."""
    paints = window.stack.paints
    press(window, "Space")
    assert window.frozen
    in_sight = sum(not p.view.visibleRegion().isEmpty() for p in window.stack.pictures)
    qtbot.waitUntil(lambda: window.stack.paints >= paints + in_sight)


def point_of(window: Window, column: int, band: int, lane: int = 0) -> QPoint:
    """Where the middle of a column and a band is on a lane's picture."""
    view, mel = view_of(window, lane), window.stack.lanes[lane].mel
    first_s, end_s = window.stack.shown
    share = (mel.cell_start_s + (column + 0.5) * mel.hop_s - first_s) / (end_s - first_s)
    return QPoint(int(share * view.width()), int((1 - (band + 0.5) / mel.n_rows) * view.height()))


def columns_in_view(window: Window, lane: int = 0) -> np.ndarray:
    """The indices of those that are wholly in view, whether there are such columns or not."""
    mel = window.stack.lanes[lane].mel
    first_s, end_s = ((s - mel.cell_start_s) / mel.hop_s for s in window.stack.shown)
    return np.arange(int(np.ceil(first_s)) + 1, int(np.floor(end_s)) - 1)


def cells_on_screen(window: Window, lane: int = 0) -> np.ndarray:
    """(n_columns, n_mels, 3): the colours in the middle of the cells of `columns_in_view`."""
    pixels, n_mels = picture_pixels(window, lane), window.stack.lanes[lane].mel.n_rows
    x = [point_of(window, int(c), 0, lane).x() for c in columns_in_view(window, lane)]
    y = [point_of(window, 0, band, lane).y() for band in range(n_mels)]
    return pixels[np.ix_(y, x)].transpose(1, 0, 2)


def colours_of(window: Window, values: np.ndarray, lane: int = 0) -> np.ndarray:
    """What a lane's picture shows for values in its unit. (…, 3)."""
    low, high = window.stack.pictures[lane].limits
    name = window.viewer.display.colour_map
    colours = pg.colormap.get("CET-L1" if name.startswith("gray") else name.removesuffix("_r"))
    shares = np.clip((values - low) / (high - low), 0, 1)
    if name.endswith("_r"):
        shares = 1 - shares
    return colours.getLookupTable(nPts=512, alpha=False)[(shares * 511).astype(int)]


def assert_shows_its_columns(window: Window, lane: int = 0) -> None:
    """All that is kept of what is in view is on the screen, at its place, in its colour.

    Compared is the middle of the picture, where no text lies on it.
    """
    shown = window.stack.lanes[lane]
    indices = columns_in_view(window, lane)
    kept = (indices >= shown.columns.first) & (indices < shown.columns.end)
    assert kept.any()
    bands = slice(round(0.4 * shown.mel.n_rows), round(0.6 * shown.mel.n_rows))
    on_screen = cells_on_screen(window, lane)[:, bands].astype(int)
    values = shown.columns.between(int(indices[0]), int(indices[-1]) + 1)[kept]
    expected = colours_of(window, shown.unit(values), lane)[:, bands].astype(int)
    apart = np.abs(on_screen[kept] - expected).max(axis=2)
    assert apart.max() <= _COLOUR_STEP, f"{np.count_nonzero(apart > _COLOUR_STEP)} cells differ"
    assert (on_screen[~kept] == EMPTY).all()


def heard_columns(window: Window, mel: FrontEnd, channel: int | None = None) -> np.ndarray:
    """(n_columns, n_mels) of the whole sound that is kept, by a stream of its own."""
    sound = window.viewer.tracks.sound
    assert sound is not None
    assert sound.first == 0
    samples = sound.read(0, sound.end)
    one = samples.mean(axis=1, keepdims=True) if channel is None else samples[:, [channel]]
    return MelStream(mel, sound.sample_rate, 1).push(one)[0].T


def have_answered(window: Window, moment_s: float) -> float:
    """Have a model give one answer, 0.5, about there; return the middle of what it is for."""
    status, spec = window.engine_status(), made_up(Output("speech", "probability"))
    assert status is not None
    grid, numbers = spec.grid(None), np.full((1, 1), 0.5, np.float32)
    k = grid.index_at(moment_s)
    window.viewer.follow_model(ModelStatus("running", "made-up", spec, grid, status.stream_id))
    window.viewer.add_answers([Answers(k, numbers, ((),), status.stream_id, 0.0, 0.0, grid)])
    return grid.middle_s(k)
