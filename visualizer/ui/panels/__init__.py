"""The dock panels: latency and spectrum."""
