"""Processes, paths, logs and crash reports: what any program needs."""
