"""The toolbar: shows what is in force, and says what the user picked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QLabel, QPushButton, QToolButton

from visualizer.audio.capture import CaptureConfig
from visualizer.audio.devices import COMMON_RATES_HZ, DeviceList, by_host_api
from visualizer.engine.config import EngineConfig
from visualizer.engine.status import EngineStatus
from visualizer.ui.controls.channel_combo import ChannelCombo
from visualizer.ui.controls.folding import Cell, FoldingRows
from visualizer.ui.controls.search_combo import SearchCombo
from visualizer.ui.controls.settings import RecentFrontEnd
from visualizer.ui.controls.value_combo import ValueCombo
from visualizer.ui.picture.display import COLOUR_MAPS, REVERSED, SPANS_S, DisplayConfig

_NO_SECOND = "none"
_OPEN_FILE = "open file"

_NAME_EM = 6
"""The width that a box of names, which may be of any length, can be pressed to."""


def span_text(seconds: float) -> str:
    """Return a span with its unit: "10 s", "5 min"."""
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def _labelled(text: str, made: ValueCombo, *, folds: int = 0, stretches: bool = False) -> Cell:
    label = QLabel(text)
    label.setBuddy(made)
    return Cell((label, made), folds, stretches)


def grouped(
    front_ends: Mapping[str, Mapping[str, str]],
) -> tuple[list[tuple[str, Any]], dict[str, str]]:
    """Return the choices, a heading before each group, and the line on each by its name."""
    choices: list[tuple[str, Any]] = []
    summaries: dict[str, str] = {}
    for group, members in front_ends.items():
        if members:
            choices += [(group.capitalize(), None), *((name, name) for name in members)]
            summaries |= members
    return choices, summaries


class Controls(FoldingRows):
    """Source, device, rate, channel, front-end, compute device, and how the picture is shown."""

    engine_picked = pyqtSignal(dict)
    """fields of EngineConfig"""
    display_picked = pyqtSignal(dict)
    """fields of DisplayConfig"""
    file_wanted = pyqtSignal()
    front_end_wanted = pyqtSignal(object)
    """the Path of one that was opened before"""

    def __init__(self, front_ends: Mapping[str, Mapping[str, str]]) -> None:
        """`front_ends` are those to offer, in groups, each with a line on what it is."""
        super().__init__()
        self._presets, self._summaries = grouped(front_ends)
        self._recent: tuple[RecentFrontEnd, ...] = ()
        self._devices = DeviceList((), 0)
        self._status: EngineStatus | None = None
        self.source = ValueCombo("Source", "Where the sound comes from", least_em=_NAME_EM)
        by_api = "The microphone, grouped by the system's host APIs"
        self.device = ValueCombo("Device", by_api, least_em=_NAME_EM)
        self.device.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.device.setMinimumContentsLength(10)
        self.refresh = QToolButton()
        self.refresh.setText("⟳")
        self.refresh.setToolTip("Look for microphones again (F5)")
        self.refresh.setAccessibleName("Refresh devices")
        self.rate = ValueCombo("Sample rate", "Sample rates that the device accepts")
        self.channel = ChannelCombo()
        self.compute = ValueCombo("Compute", "Where the kernel runs")
        whose, other = "Whose mel features are shown", "A second front-end over the same sound"
        self.preset = SearchCombo("Front-end", whose, least_em=_NAME_EM)
        self.second = SearchCombo("Second front-end", other, least_em=_NAME_EM)
        self.span = ValueCombo("Span", "How much time the picture shows")
        self.colours = ValueCombo("Colours", "The picture's colours, low to high")
        self.overlay = self._toggle(
            "Latency", "Show how late each column is (L)", "Latency overlay"
        )
        self.overlay.setChecked(True)
        self.freeze = self._toggle("Freeze", "Freeze the picture (Space); capture continues")
        self.record = self._toggle(
            "● Record", "Record the sound and its columns, or stop (Ctrl+R)", "Record"
        )
        # By this name the theme colours it.
        self.record.setObjectName("record")
        self.set_rows(
            (
                _labelled("&Source", self.source),
                _labelled("&Device", self.device, stretches=True),
                Cell((self.refresh,)),
                _labelled("&Rate", self.rate, folds=2),
                _labelled("Ch&annel", self.channel, folds=1),
                _labelled("Comp&ute", self.compute, folds=3),
            ),
            (
                _labelled("Fro&nt-end", self.preset),
                _labelled("Compare &with", self.second, folds=2),
                _labelled("S&pan", self.span, folds=1),
                _labelled("Co&lours", self.colours, folds=4),
                Cell(stretches=True),
                None,
                Cell((self.overlay,), folds=3),
                Cell((self.freeze,)),
                Cell((self.record,)),
            ),
        )
        # Nothing is in force yet that could be shown or changed.
        self.setEnabled(False)

        self.source.picked.connect(self._pick_source)
        self.device.picked.connect(self._pick_device)
        self.rate.picked.connect(self._pick_rate)
        self.channel.picked.connect(lambda rule: self.engine_picked.emit({"channel": rule}))
        self.preset.picked.connect(self._pick_front_end)
        self.compute.picked.connect(lambda value: self.engine_picked.emit({"compute": value}))
        self.span.picked.connect(lambda value: self.display_picked.emit({"span_s": value}))
        self.colours.picked.connect(lambda value: self.display_picked.emit({"colour_map": value}))
        self.second.picked.connect(
            lambda name: self.display_picked.emit({"second": None if name == _NO_SECOND else name})
        )

    def _toggle(self, text: str, tip: str, name: str = "") -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        # A click leaves the keyboard where it is: Space goes on freezing the picture.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tip)
        button.setAccessibleName(name or text)
        return button

    def show_devices(self, devices: DeviceList) -> None:
        """Offer these microphones."""
        self._devices = devices
        if self._status is not None:
            self.show_status(self._status)

    def show_display(self, display: DisplayConfig) -> None:
        """Show how the picture is shown."""
        self.span.show_choices([(span_text(span), span) for span in SPANS_S], display.span_s)
        self.second.show_choices(
            [(_NO_SECOND, _NO_SECOND), *self._presets],
            display.second or _NO_SECOND,
            self._summaries,
        )
        self.colours.show_choices(
            [(name, name) for name in COLOUR_MAPS]
            + [(f"{name}, reversed", name + REVERSED) for name in COLOUR_MAPS],
            display.colour_map,
        )

    def show_status(self, status: EngineStatus) -> None:
        """Show what is in force and offer what can be had instead."""
        self._status = status
        self.setEnabled(status.state != "starting")
        source, config = status.source, status.config
        kind = source.kind if source else config.capture.kind
        file_name = source.name if source and source.kind == "file" else "Audio file…"
        self.source.show_choices(
            [("Microphone", "mic"), ("Demo", "demo"), (file_name, "file")]
            + ([("Another file…", _OPEN_FILE)] if kind == "file" else []),
            kind,
        )
        self._show_microphones(status)
        channels = source.channels if source else 1
        self.channel.show_channels(channels, config.channel)
        self._show_front_ends(config)
        self.compute.show_choices(
            [(name, name) for name in status.compute_choices or (config.compute,)], config.compute
        )

    def show_recent(self, recent: tuple[RecentFrontEnd, ...]) -> None:
        """Offer these front-ends of the user's own."""
        self._recent = recent
        if self._status is not None:
            self._show_front_ends(self._status.config)

    def _show_front_ends(self, config: EngineConfig) -> None:
        own: list[tuple[str, Any]] = [(one.name, one) for one in self._recent]
        tips: dict[Any, str] = dict(self._summaries)
        tips |= {one: one.whose or one.path for one in self._recent}
        chosen: object = config.preset
        if config.mel is not None:
            runs = (config.mel.name, config.whose)
            opened = (one for one in self._recent if (one.name, one.whose) == runs)
            chosen = next(opened, config.mel)
            if chosen is config.mel:
                own.insert(0, (config.mel.name, config.mel))
                tips[config.mel] = config.whose
        recent = [("Recent", None), *own] if own else []
        self.preset.show_choices([*recent, *self._presets], chosen, tips)

    def _show_microphones(self, status: EngineStatus) -> None:
        source = status.source
        on_microphone = source is not None and source.is_live
        current = (source.host_api or "", source.name) if source and on_microphone else None
        by_api = {
            host_api: [
                (f"{d.name} (system default)" if d.is_default else d.name, (host_api, d.name))
                for d in group
            ]
            for host_api, group in by_host_api(self._devices.devices).items()
        }
        offered = {key for group in by_api.values() for _, key in group}
        if current is not None and current not in offered:
            by_api.setdefault(current[0], []).append((current[1], current))
        choices: list[tuple[str, object]] = []
        for api, group in by_api.items():
            choices.append((api, None))
            choices += [(f"  {text}", key) for text, key in group]
        if self._devices.note:
            choices.append((self._devices.note, None))
        if not on_microphone:
            choices.insert(0, ("not in use", ""))
        self.device.show_choices(choices, current or "")
        self.rate.show_choices(self._rates(status), source.sample_rate if source else None)
        self.rate.setEnabled(on_microphone)

    def _rates(self, status: EngineStatus) -> list[tuple[str, object]]:
        source = status.source
        if source is None:
            return []
        if not source.is_live:
            return [(f"{source.sample_rate} Hz", source.sample_rate)]
        key = (source.host_api, source.name)
        device = next((d for d in self._devices.devices if (d.host_api, d.name) == key), None)
        accepted = device.sample_rates if device and device.sample_rates else ()
        native = source.native_rate
        # A device that only one program may open accepts nothing while it is ours: offer all.
        rates = sorted({*(accepted or COMMON_RATES_HZ), source.sample_rate})
        return [(f"{r} Hz · native" if r == native else f"{r} Hz", r) for r in rates]

    def play(self, path: Path) -> None:
        """Pick an audio file."""
        self._pick_capture(CaptureConfig("file", path=str(path)))

    def _pick_capture(self, capture: CaptureConfig) -> None:
        self.engine_picked.emit({"capture": capture})

    def _pick_front_end(self, choice: object) -> None:
        if isinstance(choice, str):
            self.engine_picked.emit({"preset": choice, "mel": None, "whose": ""})
        elif isinstance(choice, RecentFrontEnd):
            self.front_end_wanted.emit(Path(choice.path))

    def _pick_source(self, kind: str) -> None:
        if kind in ("file", _OPEN_FILE):
            self.file_wanted.emit()
        elif self._status is not None and kind != self._status.config.capture.kind:
            self._pick_capture(CaptureConfig("mic" if kind == "mic" else "demo"))

    def _pick_device(self, key: object) -> None:
        if isinstance(key, tuple):
            host_api, name = key
            self._pick_capture(CaptureConfig("mic", device=name, host_api=host_api))

    def _pick_rate(self, rate: int) -> None:
        status = self._status
        source = status.source if status else None
        if status is not None and source is not None and source.is_live:
            self._pick_capture(
                CaptureConfig(
                    "mic",
                    device=source.name,
                    host_api=source.host_api,
                    sample_rate=rate,
                    gain_db=status.config.capture.gain_db,
                )
            )
