"""The worker thread, what it counts and keeps, and the kernels it runs."""
