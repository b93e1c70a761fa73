"""Numbers of the types in which models compute, in NumPy, which has not all of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rounding = Literal["bfloat16", "float16"]

LARGEST_FLOAT16 = 65_504.0


def rounded(values: NDArray[np.floating], dtype: Rounding) -> NDArray[np.float32]:
    """Return values as numbers that `dtype` has, to the nearest, of two alike to the even one.

    What is beyond the largest float16 becomes that, where a model may get an infinity.

    Returns:
        float32, same shape: each number of either type is one of those too.
    """
    values = np.asarray(values, dtype=np.float32)
    if dtype == "float16":
        within: NDArray[np.floating] = np.clip(values, -LARGEST_FLOAT16, LARGEST_FLOAT16)
        return within.astype(np.float16).astype(np.float32)
    # A bfloat16 is the upper half of a float32's bits.
    bits = values.view(np.uint32)
    upper = (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    return np.where(np.isnan(values), values, upper.view(np.float32))
