"""The box of the channels: picked from its list, or typed as `5+6`."""

from __future__ import annotations

from PyQt6.QtCore import QPoint
from PyQt6.QtWidgets import QToolTip

from visualizer.audio.channels import EXPECTED, SIDE_BY_SIDE_MAX, Channel, channel_rule, spelled
from visualizer.errors import ConfigError
from visualizer.ui.controls.search_combo import SearchCombo

_TIPS = {
    "mean": "of all; of some: typed, with + between them",
    "each": f"under each other, up to {SIDE_BY_SIDE_MAX}",
}


class ChannelCombo(SearchCombo):
    """`picked` tells the channel rule."""

    def __init__(self) -> None:
        super().__init__("Channel", "Which channel is analysed, the mean of several, or each")
        self.list.search.setPlaceholderText("Search, or type 5+6")
        self.list.typed.connect(self._take)

    def show_channels(self, n_channels: int, channel: Channel) -> None:
        """Offer the rules for so many channels, the one in force among them."""
        rules: list[Channel] = ["mean", "each", *((c,) for c in range(n_channels))]
        if channel not in rules:
            rules.append(channel)
        self.show_choices([(spelled(rule), rule) for rule in rules], channel, _TIPS)

    def _take(self, text: str) -> None:
        try:
            rule = channel_rule("".join(text.split()))
        except ConfigError:
            search = self.list.search
            QToolTip.showText(search.mapToGlobal(QPoint(0, search.height())), EXPECTED, search)
            return
        self.hidePopup()
        self.picked.emit(rule)
