"""A picture as a PNG file's bytes."""

from __future__ import annotations

from PyQt6.QtCore import QBuffer
from PyQt6.QtGui import QImage


def png_of(image: QImage) -> bytes:
    """Return what a PNG file of the image holds; written by Python, it says why that fails."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return buffer.data().data()
