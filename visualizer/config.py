"""Where MelConfig was before 0.2: scripts that the window saved import it from here."""

from visualizer.mel.flat import MelConfig

__all__ = ["MelConfig"]
