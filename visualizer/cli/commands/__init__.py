"""The commands, one module each: `register` declares its options, `run` does it."""
