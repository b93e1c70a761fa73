"""A window of the program on the display there is; says as JSON how right its pixels are.

    python -m tests.ui.picture.scaled

A process of its own, since Qt takes its scale and its platform once. What is on the screen must be
the picture that NumPy renders by itself from the columns, pixel by pixel of the screen.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QGuiApplication, QImage
from PyQt6.QtTest import QTest

from tests.ui.helpers import colours_of, make_window, noise_file
from tests.weston import shot
from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.ui.app import make_application
from visualizer.ui.picture.display import DisplayConfig
from visualizer.ui.window import Window

DEADLINE_S = 30.0
EMPTY = (0x08, 0x08, 0x0C)
COLOUR_STEP = 6
"""What a value's last digit may change of its colour."""
SIZE = (901, 603)


def wait(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up_at
        QTest.qWait(20)


def rgb(image: QImage) -> np.ndarray:
    """(height, width, 3) of an image."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    memory = image.constBits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.array(memory).reshape(image.height(), image.width(), 4)[:, :, 2::-1]


def rendered(window: Window, n: int, width: int, height: int) -> np.ndarray:
    """What should be seen: each pixel shows the loudest of the columns and bands that it covers."""
    lane = window.stack.lanes[n]
    n_bands = lane.mel.n_rows
    pixel_s = window.viewer.display.span_s / width
    end = int(np.floor(window.stack.shown[1] / pixel_s)) + 1
    edges_s = np.arange(end - width, end + 1) * pixel_s
    at = np.floor((edges_s - lane.mel.cell_start_s) / lane.mel.hop_s).astype(int)
    values = lane.unit(lane.columns.between(at[0], max(at[-1], at[-2] + 1)))
    known = (np.arange(at[0], at[0] + len(values)) >= 0) & ~np.isnan(values[:, 0])
    loud = np.where(known[:, np.newaxis], values, -np.inf)
    columns = [loud[a - at[0] : max(b, a + 1) - at[0]].max(axis=0) for a, b in pairwise(at)]
    bands = np.arange(height)[::-1] * n_bands // height
    picture = np.array(columns)[:, bands].T
    colours = colours_of(window, np.where(np.isinf(picture), 0, picture), n)
    colours[np.isinf(picture)] = EMPTY
    return colours


def part(window: Window, screenshot: np.ndarray, n: int) -> np.ndarray:
    """The pixels of a lane's picture."""
    view, ratio = window.stack.pictures[n].view, window.devicePixelRatioF()
    corner = view.mapTo(window, QPoint(0, 0))
    # Qt rounds halves up.
    left, top = int(corner.x() * ratio + 0.5), int(corner.y() * ratio + 0.5)
    width, height = round(view.width() * ratio), round(view.height() * ratio)
    return screenshot[top : top + height, left : left + width].astype(int)


def has_holes(window: Window, screenshot: np.ndarray, n: int) -> bool:
    """Whether a whole column or row of pixels shows nothing, but at the newest end.

    There, on a machine that is busy, columns may be late.
    """
    shown = part(window, screenshot, n)
    is_empty = (shown[:, : round(0.7 * shown.shape[1])] == EMPTY).all(axis=2)
    return bool(is_empty.all(axis=0).any() or is_empty.all(axis=1).any())


def wrong(window: Window, screenshot: np.ndarray, n: int) -> int:
    """How many pixels of a lane are not as they should be, those below its plates left out."""
    view, ratio = window.stack.pictures[n].view, window.devicePixelRatioF()
    seen = part(window, screenshot, n)
    height, width, _ = seen.shape
    apart = np.abs(seen - rendered(window, n, width, height)).max(axis=2) > COLOUR_STEP
    for _, place in view._placed:
        low, high = place.topLeft() * ratio, place.bottomRight() * ratio
        apart[int(low.y()) : int(high.y()) + 2, int(low.x()) : int(high.x()) + 2] = False
    return int(np.count_nonzero(apart))


def shot_of(window: Window, folder: Path) -> np.ndarray:
    """The window as it is on the screen, in pixels of the screen."""
    if QGuiApplication.platformName() == "wayland":
        return rgb(QImage(str(shot(dict(os.environ), folder))))
    screen = window.screen()
    assert screen is not None
    return rgb(screen.grabWindow(window.winId()).toImage())


def main() -> None:
    application = make_application(["test"])
    with TemporaryDirectory() as name:
        folder = Path(name)
        sound = CaptureConfig("file", path=str(noise_file(folder, 20.0)))
        display = DisplayConfig(span_s=1.0, second="simli-librosa")
        window = make_window(EngineConfig(sound), display=display)
        if QGuiApplication.platformName() == "wayland":
            # A client does not know where else it is.
            window.showFullScreen()
        else:
            window.resize(*SIZE)
            window.show()
        tracks = window.viewer.tracks
        wait(lambda: bool(tracks.second) and tracks.first[0].columns.end > 120)
        # While it moves, too, the picture is whole.
        holes = [has_holes(window, shot_of(window, folder), n) for _ in range(3) for n in range(2)]
        # From here on nothing has it painted anew: what is seen was moved there bit by bit.
        window._texts.stop()
        window.viewer.woken.disconnect()
        end = tracks.first[0].columns.end
        wait(lambda: tracks.first[0].columns.end > end + 40)
        window._bridge.woken.disconnect()
        give_up_at = time.monotonic() + DEADLINE_S
        while any(left := [wrong(window, shot_of(window, folder), n) for n in range(2)]):
            # What was painted last may not be on the screen yet.
            if time.monotonic() > give_up_at:
                break
            QTest.qWait(50)
        print(json.dumps({"scale": window.devicePixelRatioF(), "holes": holes, "wrong": left}))
        window.close()
    application.quit()


if __name__ == "__main__":
    main()
