"""Where a kernel can run."""

from __future__ import annotations

from typing import Literal, get_args

Compute = Literal["auto", "cpu", "cuda", "mps"]
COMPUTE_CHOICES: tuple[Compute, ...] = get_args(Compute)
