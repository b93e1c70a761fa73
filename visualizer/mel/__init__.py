"""Pure signal processing: no threads, no devices, no Qt."""
