"""Images as rings of pixel columns: NumPy writes into them, and they are drawn with two blits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QImage, QPainter


def pixels_of(image: QImage) -> NDArray[np.uint32]:
    """Return the memory of an image in RGB32: (height, width), 0xffRRGGBB, row 0 on top."""
    memory = image.bits()
    assert memory is not None
    memory.setsize(image.sizeInBytes())
    return np.asarray(memory).view(np.uint32).reshape(image.height(), image.width())


def draw_ring(
    painter: QPainter, image: QImage, pixels: tuple[int, int], left: int, ratio: float
) -> None:
    """Draw the pixel columns [first, end), where pixel p lies in column p % width of the image.

    `left` is the pixel at the left edge of the widget, `ratio` that of device pixels.
    """
    (first, end), width, height = pixels, image.width(), image.height()
    while first < end:
        at = first % width
        n = min(end - first, width - at)
        target = QRectF((first - left) / ratio, 0, n / ratio, height / ratio)
        painter.drawImage(target, image, QRectF(at, 0, n, height))
        first += n
