"""The panels beside the picture: latency and spectrum."""
