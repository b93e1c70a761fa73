"""Widgets: each takes values and emits values; only the window holds the engine."""
