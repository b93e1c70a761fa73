"""A live window on the mel features a model would be fed, and on how late each of them is."""

__version__ = "0.1.0"
