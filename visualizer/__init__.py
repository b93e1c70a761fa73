"""A live window on the mel features a model would be fed, and on how late each of them is.

`__all__` is the public API, and docs/embedding.md shows how to use it. Each name is loaded when it
is first asked for: importing this package takes no time, MelStream loads NumPy alone, MelKernel
torch too, and `listen` what records sound.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visualizer.engine.listening import Column, Listener, listen
    from visualizer.errors import (
        ConfigError,
        DeviceError,
        KernelError,
        SourceError,
        VisualizerError,
    )
    from visualizer.mel.flat import MelConfig
    from visualizer.mel.front_end import FrontEnd
    from visualizer.mel.front_ends import front_end
    from visualizer.mel.kernels.tensor_kernel import MelKernel
    from visualizer.mel.presets import preset
    from visualizer.mel.stream import MelStream
    from visualizer.models.contract import Model, Output

from visualizer._version import __version__

__all__ = [
    "Column",
    "ConfigError",
    "DeviceError",
    "FrontEnd",
    "KernelError",
    "Listener",
    "MelConfig",
    "MelKernel",
    "MelStream",
    "Model",
    "Output",
    "SourceError",
    "VisualizerError",
    "__version__",
    "front_end",
    "listen",
    "preset",
]

_HOMES = {
    "FrontEnd": "mel.front_end",
    "front_end": "mel.front_ends",
    "MelConfig": "mel.flat",
    "preset": "mel.presets",
    "MelStream": "mel.stream",
    "MelKernel": "mel.kernels.tensor_kernel",
    "Model": "models.contract",
    "Output": "models.contract",
    "listen": "engine.listening",
    "Listener": "engine.listening",
    "Column": "engine.listening",
    "VisualizerError": "errors",
    "ConfigError": "errors",
    "DeviceError": "errors",
    "KernelError": "errors",
    "SourceError": "errors",
}
"""In which module each public name is defined."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
