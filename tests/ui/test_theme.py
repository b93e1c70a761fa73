"""Dark and light: what can be read, and when one turns into the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PyQt6.QtCore import QEvent, QRect, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPalette
from PyQt6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from visualizer.audio.capture import CaptureConfig
from visualizer.engine.config import EngineConfig
from visualizer.engine.history import ColumnHistory
from visualizer.engine.status import EngineStatus
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.picture import PictureUnit
from visualizer.mel.presets import preset_for
from visualizer.mel.stage import USUAL_DB
from visualizer.ui.controls.badge import KernelBadge
from visualizer.ui.controls.banner import Banner
from visualizer.ui.controls.meter import LevelMeter
from visualizer.ui.picture.display import Theme
from visualizer.ui.picture.picture import Picture
from visualizer.ui.picture.plot import QuietPlot
from visualizer.ui.picture.raster import Grid
from visualizer.ui.picture.spectrogram import Scene
from visualizer.ui.picture.time_axis import TimeAxis
from visualizer.ui.theme import _STYLE_SHEET, _SchemeWatch, apply_theme

Role = QPalette.ColorRole
READABLE = 4.5
"""The contrast that WCAG 2.1 asks of text (1.4.3)."""


def lane() -> tuple[Scene, str, FrontEnd, str, str, tuple[float, float], float]:
    """What a picture shows before any sound was heard."""
    mel = preset_for("simli")
    unit = PictureUnit.default(mel)
    scene = Scene(0, Grid(0.0, mel.hop_s, mel.n_rows), ColumnHistory(80, mel.hop_s), unit)
    return scene, "", mel, unit.label, "magma", USUAL_DB, 1.0


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    """As it was for the tests that follow."""
    palette, style = QPalette(qapp.palette()), qapp.styleSheet()
    yield qapp
    for follower in qapp.findChildren(_SchemeWatch):
        follower.setParent(None)
    qapp.setPalette(palette)
    qapp.setStyleSheet(style)


def tell_scheme(application: QApplication, scheme: Qt.ColorScheme) -> None:
    """As Qt does when the desktop's scheme changes."""
    hints = application.styleHints()
    assert hints is not None
    hints.colorSchemeChanged.emit(scheme)


def is_light(application: QApplication) -> bool:
    palette = application.palette()
    return palette.window().color().lightness() > palette.windowText().color().lightness()


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def seen_contrast(widget: QWidget, part: QRect | None = None) -> float:
    """Between the darkest and the lightest pixel of a part, or of all within the frame."""
    part = part or widget.rect().adjusted(4, 3, -4, -3)
    image = widget.grab(part).toImage().convertToFormat(QImage.Format.Format_RGB32)
    colours = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    shown = sorted((QColor(colour) for colour in colours), key=luminance)
    return contrast(shown[0], shown[-1])


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_text_can_be_read(application: QApplication, theme: Theme) -> None:
    apply_theme(application, theme)
    assert is_light(application) == (theme == "light")
    palette = application.palette()
    for text, ground in (
        (Role.WindowText, Role.Window),
        (Role.Text, Role.Base),
        (Role.Text, Role.AlternateBase),
        (Role.PlaceholderText, Role.Base),
        (Role.ButtonText, Role.Button),
        (Role.ToolTipText, Role.ToolTipBase),
        (Role.HighlightedText, Role.Highlight),
        (Role.Link, Role.Window),
    ):
        assert contrast(palette.color(text), palette.color(ground)) >= READABLE, (text, ground)
    # What is out of use is dimmer than what is in use, but there.
    disabled = palette.color(QPalette.ColorGroup.Disabled, Role.ButtonText)
    in_use = palette.color(Role.ButtonText)
    ground = palette.color(Role.Button)
    assert 2.0 < contrast(disabled, ground) < contrast(in_use, ground) / 2


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_banner_badge_and_checked_buttons_can_be_read(
    application: QApplication, qtbot: QtBot, theme: Theme
) -> None:
    apply_theme(application, theme)
    banner, badge = Banner(), KernelBadge()
    checked, plain = QPushButton("Freeze"), QPushButton("Freeze")
    checked.setCheckable(True)
    checked.setChecked(True)
    for widget in (banner, badge, checked, plain):
        qtbot.addWidget(widget)
    banner.show_text("the microphone is gone")
    config = EngineConfig(CaptureConfig("demo"))
    badge.show_status(EngineStatus("running", config, backend="eager", deviation=1e-7))
    for widget in (banner, badge, checked):
        widget.resize(widget.sizeHint())
        assert seen_contrast(widget) >= READABLE, widget
    assert checked.grab().toImage() != plain.grab().toImage()
    ground = banner.grab().toImage().pixelColor(20, 2)
    banner.show_news("it is saved")
    assert seen_contrast(banner) >= READABLE
    assert banner.grab().toImage().pixelColor(20, 2) != ground
    banner.show_text("the microphone is gone again")
    assert banner.grab().toImage().pixelColor(20, 2) == ground


def test_the_system_is_followed_while_it_runs(application: QApplication) -> None:
    apply_theme(application, "system")
    tell_scheme(application, Qt.ColorScheme.Light)
    assert is_light(application)
    tell_scheme(application, Qt.ColorScheme.Dark)
    assert not is_light(application)
    tell_scheme(application, Qt.ColorScheme.Light)
    tell_scheme(application, Qt.ColorScheme.Unknown)
    assert not is_light(application)


def test_a_choice_stands_whatever_the_system_does(application: QApplication) -> None:
    apply_theme(application, "dark")
    tell_scheme(application, Qt.ColorScheme.Light)
    assert not is_light(application)
    apply_theme(application, "system")
    assert is_light(application)
    apply_theme(application, "light")
    tell_scheme(application, Qt.ColorScheme.Dark)
    assert is_light(application)
    assert len(application.findChildren(_SchemeWatch)) == 1


def test_what_has_its_colours_is_left_alone(application: QApplication, qtbot: QtBot) -> None:
    # Telling every widget makes columns late, and this is asked for whenever a setting changes.
    apply_theme(application, "dark")
    told: list[QEvent.Type] = []

    class Told(QWidget):
        def changeEvent(self, event: QEvent | None) -> None:
            assert event is not None
            told.append(event.type())

    widget = Told()
    qtbot.addWidget(widget)
    widget.ensurePolished()
    told.clear()
    apply_theme(application, "dark")
    assert not told
    apply_theme(application, "light")
    assert QEvent.Type.PaletteChange in told


def test_the_axes_follow_a_change_while_they_are_shown(
    application: QApplication, qtbot: QtBot
) -> None:
    apply_theme(application, "dark")
    picture, axis, panel = Picture(), TimeAxis(), QuietPlot("Spectrum", "in a panel")
    for widget in (picture, axis, panel):
        qtbot.addWidget(widget)
        widget.resize(600, 400)
        widget.show()
    picture.show_lane(*lane())
    for theme in ("light", "dark", "light"):
        apply_theme(application, theme)  # type: ignore[arg-type]
        text = application.palette().windowText().color()
        for side in (picture.left, picture._colour_bar.axis):
            assert side.textPen().color() == text
            assert side.pen().color() == text
            assert text.name() in side.labelString()
        # As painted, on the window's own ground, and away from the picture itself.
        for plot in (picture, panel):
            left = plot.left.sceneBoundingRect().adjusted(0, 0, -6, 0).toAlignedRect()
            assert seen_contrast(plot, left) >= READABLE
        ground = panel.grab().toImage().pixelColor(2, 2)
        assert ground == application.palette().window().color()
        assert seen_contrast(axis, axis.rect()) >= READABLE


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_meter_is_seen_on_its_ground(
    application: QApplication, qtbot: QtBot, theme: Theme
) -> None:
    apply_theme(application, theme)
    meter = LevelMeter()
    qtbot.addWidget(meter)
    # Beside the bar there is a text, which is as wide as its font makes it.
    meter.resize(220 + meter.minimumSizeHint().width(), 24)
    meter.set_peak(1.0)
    image = meter.grab().toImage()
    ratio = image.devicePixelRatio()
    ground = application.palette().base().color()
    for x in (5, 60, 120, 180):
        shown = image.pixelColor(round(x * ratio), image.height() // 2)
        # WCAG 2.1 for what is not text (1.4.11).
        assert contrast(shown, ground) >= 2.9, (x, shown.name(), ground.name())


def test_the_colour_bar_has_room_for_large_text(application: QApplication, qtbot: QtBot) -> None:
    picture = Picture()
    qtbot.addWidget(picture)
    picture.show_lane(*lane())
    axis = picture._colour_bar.axis
    picture.show()
    for factor in (1.0, 2.0):
        font = application.font()
        font.setPointSizeF(factor * font.pointSizeF())
        picture.setFont(font)
        metrics = QFontMetricsF(font)
        # A number, and beside it the label, which stands upright.
        needed = metrics.horizontalAdvance("-90") + metrics.height()
        qtbot.waitUntil(lambda needed=needed: axis.width() > needed)


def test_no_text_has_a_size_of_its_own() -> None:
    assert "font" not in _STYLE_SHEET
