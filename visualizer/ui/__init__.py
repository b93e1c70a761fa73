"""Widgets: each takes values and emits values; only the window holds the engine."""

import sys

# pyqtgraph would load CUDA's Python bindings for a widget that is not used here: a tenth of the
# time until the window shows. None makes that import fail, as it does where there is no CUDA.
_absent = "cuda" not in sys.modules
if _absent:
    sys.modules["cuda"] = None  # type: ignore[assignment]
import pyqtgraph  # noqa: E402, F401

if _absent:
    del sys.modules["cuda"]
