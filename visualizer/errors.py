"""What can go wrong in words a user can act on.

Every error the program raises on purpose derives from `VisualizerError`; its text says what was
wrong, what was expected and what to do. The command line prints it as one line and ends with
exit code 2.
"""


class VisualizerError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(VisualizerError):
    """A setting, preset, option or file name that cannot be used."""


class DeviceError(VisualizerError):
    """A sound device that is missing or refuses what was asked of it."""


class SourceError(VisualizerError):
    """An audio file that cannot be read."""


class DisplayError(VisualizerError):
    """A picture was asked for where no window can be opened."""


class KernelError(VisualizerError):
    """A compiled kernel could not be built, loaded or trusted."""
