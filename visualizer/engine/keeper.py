"""Better kernels for the worker, found, built, checked and timed beside it.

Threads: "kernels", owned here, does all that takes time (measuring a kernel's agreement, loading
torch where a kernel needs it, waiting for the process that builds) and hands each result to
`on_offer`, which must not block. The worker only leaves orders, and takes a kernel over for itself:
from then on nobody else calls it.
"""

from __future__ import annotations

import logging
import math
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from visualizer.engine.kernel_builder import events, start_builder
from visualizer.errors import KernelError
from visualizer.mel.clip import relative_deviation
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.kernels.libraries import import_torch
from visualizer.mel.kernels.timing import Timing
from visualizer.mel.kernels.two_steps import needs_library
from visualizer.support.children import end

KernelChoice = Literal["auto", "numpy", "eager"]

BUILDING = "a compiled kernel is being built"
LOADING = "torch is being loaded"
LONG_TRANSFORM = "for transforms this long, or several channels, a compiled kernel gains too little"
NOT_WANTED = "other kernels are switched off"

_SETTLE_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KernelPlan:
    """Which kernels to look for beside the stream."""

    choice: KernelChoice = "numpy"
    """"auto": the fastest there is; "eager": plain torch"""
    folder: Path | None = None
    """where compiled ones are kept; None: none are built or loaded"""


NUMPY_ALONE = KernelPlan()


@dataclass(frozen=True)
class KernelOffer:
    """What is known of the kernels for a front-end on a device."""

    front_end: FrontEnd
    device: str
    deviation: float | None
    """of the kernel that is to run, from the float64 reference: a share of the largest value"""
    kernel: HostKernel | None = None
    """better than what was ready at once; None keeps that"""
    timings: tuple[Timing, ...] = ()
    note: str | None = None
    """why no better kernel runs"""
    is_building: bool = False
    """whether a better one is on its way"""


@dataclass(frozen=True, eq=False)
class _Want:
    front_end: FrontEnd
    device: str
    is_chosen: bool
    """whether the user asked for the device"""


class KernelKeeper:
    """The kernels of this run, for one frame each, and the thread that gets better ones."""

    def __init__(self, plan: KernelPlan, on_offer: Callable[[KernelOffer], None]) -> None:
        """Start the thread, which waits for the first order."""
        self._choice = plan.choice
        self._folder = plan.folder
        self._on_offer = on_offer
        self._kept: dict[tuple[FrontEnd, str], KernelOffer] = {}
        # One order at most: a newer one takes the place of what was wanted before, and ends its
        # build.
        self._wanted: _Want | None = None
        self._woken = threading.Event()
        self._builder: subprocess.Popen[str] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="kernels", daemon=True)
        self._thread.start()

    def kept(self, front_end: FrontEnd, device: str) -> KernelOffer | None:
        """Return what was offered before, ready to be taken again at once."""
        return self._kept.get((front_end, device))

    def want(self, front_end: FrontEnd, device: str, *, is_chosen: bool = False) -> None:
        """Look for a better kernel; whatever is found is offered, later.

        `is_chosen` says that the user asked for the device, so that NumPy does not stand in.
        """
        self._wanted = _Want(front_end, device, is_chosen)
        self._interrupt()

    def close(self) -> None:
        """End the thread, and a build with it; does not wait. Again has no effect."""
        self._closing = True
        self._interrupt()

    def _interrupt(self) -> None:
        builder = self._builder
        if builder is not None:
            end(builder)
        self._woken.set()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            # A start, and choices that follow each other fast, have the machine to themselves.
            while not self._closing and self._woken.wait(_SETTLE_S):
                self._woken.clear()
            if self._closing:
                return
            wanted = self._wanted
            if wanted is None:
                continue
            try:
                self._serve(wanted)
            except Exception:
                # The stream has a kernel already; this costs it nothing but a better one.
                _log.exception("no better kernel could be found")

    def _serve(self, wanted: _Want) -> None:
        front_end, device = wanted.front_end, wanted.device
        deviation = relative_deviation(front_end, NumpyKernel(front_end))
        self._last = KernelOffer(front_end, device, deviation)
        if self._choice == "numpy" or (self._choice, device, self._folder) == ("auto", "cpu", None):
            self._offer(replace(self._last, note=NOT_WANTED))
            return
        try:
            if self._choice == "eager" or device != "cpu":
                self._serve_torch(wanted)
            elif not self._load(wanted):
                self._build(wanted)
        except Exception as error:
            if not isinstance(error, KernelError):
                _log.exception("no better kernel works")
            # What was offered before goes on.
            self._offer(replace(self._last, note=str(error), is_building=False))

    def _serve_torch(self, wanted: _Want) -> None:
        """Offer a kernel that torch runs in this process."""
        self._offer(replace(self._last, note=LOADING, is_building=True))
        import_torch()
        from visualizer.mel.kernels.torch_kernels import EagerKernel, torch_kernel

        make = EagerKernel if self._choice == "eager" else torch_kernel
        kernel = make(wanted.front_end, wanted.device)
        deviation = relative_deviation(wanted.front_end, kernel)
        self._offer(KernelOffer(wanted.front_end, wanted.device, deviation, kernel))
        if self._choice == "auto" and self._folder is not None:
            self._build(wanted)

    def _load(self, wanted: _Want) -> bool:
        """Offer what is kept on disk; return whether that is all there is."""
        artifact = self._artifact(wanted)
        timings, complete = artifacts.timings(artifact)
        note = _why_not("compiled", timings, wanted)
        if needs_library(wanted.front_end, artifact.n_rows):
            note = LONG_TRANSFORM
        if note is not None:
            self._offer(replace(self._last, timings=timings, note=note))
            return complete
        try:
            kernel = artifacts.load(artifact)
        except KernelError as error:
            _log.warning("%s; it is built anew", error)
            artifacts.discard(artifact)
            kernel = None
        if kernel is None:
            self._offer(replace(self._last, note=BUILDING, is_building=True))
            return False
        self._offer(_best(self._last, kernel, timings, wanted))
        return complete

    def _build(self, wanted: _Want) -> None:
        """Let a child build what is missing and time all; offer each result as it comes."""
        artifact, ready = self._artifact(wanted), self._last
        builder = self._builder = start_builder(artifact, wanted.device)
        if self._is_over(wanted):
            end(builder)
        with builder, self._ended_with(builder):
            for event in events(builder):
                if self._is_over(wanted):
                    break
                timings = tuple(Timing(**timing) for timing in event.get("timings", ()))
                kernel = ready.kernel
                if kernel is None and any(timing.name == "compiled" for timing in timings):
                    kernel = artifacts.load(artifact)
                if "error" in event:
                    self._offer(replace(self._last, note=event["error"], is_building=False))
                elif kernel is not None and timings:
                    self._offer(_best(ready, kernel, timings, wanted))
                elif timings:
                    self._offer(replace(self._last, timings=timings))
        if not self._is_over(wanted) and self._last.is_building:
            raise KernelError(f"the process that builds kernels ended with {builder.returncode}")

    def _artifact(self, wanted: _Want) -> Artifact:
        assert self._folder is not None
        artifacts.require_folder(self._folder)
        return Artifact(wanted.front_end, 1, self._folder)

    @contextmanager
    def _ended_with(self, builder: subprocess.Popen[str]) -> Iterator[None]:
        """Let no process go on, or be ended, after its story here is over."""
        try:
            yield
        except BaseException:
            end(builder)
            raise
        finally:
            self._builder = None

    def _is_over(self, wanted: _Want) -> bool:
        return self._closing or self._wanted is not wanted

    def _offer(self, offer: KernelOffer) -> None:
        self._last = offer
        if not offer.is_building:
            self._kept[offer.front_end, offer.device] = offer
        self._on_offer(offer)


def _best(
    ready: KernelOffer, kernel: HostKernel, timings: tuple[Timing, ...], wanted: _Want
) -> KernelOffer:
    """Return the offer of a kernel, or of NumPy's where that was measured to be faster."""
    note = _why_not(kernel.backend, timings, wanted)
    if note is not None:
        kernel = NumpyKernel(ready.front_end)
    deviation = relative_deviation(ready.front_end, kernel)
    return KernelOffer(ready.front_end, ready.device, deviation, kernel, timings, note)


def _why_not(backend: str, timings: tuple[Timing, ...], wanted: _Want) -> str | None:
    """Return what speaks against a kernel: that NumPy's is faster, unless the user chose it."""
    p50_us = {timing.name: timing.p50_us for timing in timings}
    numpy_us, its_us = p50_us.get("numpy", math.inf), p50_us.get(backend, 0.0)
    if its_us <= numpy_us or wanted.is_chosen:
        return None
    return f"NumPy is faster here: {numpy_us:.0f} µs per hop, {backend} {its_us:.0f} µs"
