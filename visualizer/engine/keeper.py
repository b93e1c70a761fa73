"""Better kernels for the worker, found, built, checked and timed beside it.

Threads: "kernels", owned here, does all that takes time (measuring a kernel's agreement, loading
torch where a kernel needs it, waiting for the process that builds) and hands each result to
`on_offer`, which must not block. The worker only leaves orders, and takes a kernel over for itself:
from then on nobody else calls it.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from visualizer.engine.kernel_builder import end, events, start_builder
from visualizer.errors import KernelError
from visualizer.mel.clip import relative_deviation
from visualizer.mel.front_end import FrontEnd
from visualizer.mel.kernels import artifacts
from visualizer.mel.kernels.artifacts import Artifact
from visualizer.mel.kernels.host import HostKernel, NumpyKernel
from visualizer.mel.kernels.libraries import import_torch
from visualizer.mel.kernels.timing import Timing

KernelChoice = Literal["auto", "numpy", "eager"]
KERNEL_CHOICES: tuple[KernelChoice, ...] = get_args(KernelChoice)

BUILDING = "a compiled kernel is being built"
LOADING = "torch is being loaded"
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


@dataclass(frozen=True, eq=False)
class _Want:
    front_end: FrontEnd
    device: str


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

    def want(self, front_end: FrontEnd, device: str) -> None:
        """Look for a better kernel; whatever is found is offered, later."""
        self._wanted = _Want(front_end, device)
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
        numpy = NumpyKernel(front_end)
        ready = KernelOffer(front_end, device, relative_deviation(front_end, numpy))
        if self._choice == "numpy":
            self._offer(replace(ready, note=NOT_WANTED))
            return
        try:
            if self._choice == "eager" or device != "cpu":
                self._serve_torch(wanted)
                return
            if self._folder is None:
                self._offer(replace(ready, note=NOT_WANTED))
                return
            artifacts.require_folder(self._folder)
            offer, complete = self._load(ready)
            if not complete:
                self._build(wanted, offer)
        except Exception as error:
            if not isinstance(error, KernelError):
                _log.exception("no better kernel works")
            self._offer(replace(ready, note=str(error)))

    def _serve_torch(self, wanted: _Want) -> None:
        """Offer a kernel that torch runs in this process."""
        self._on_offer(KernelOffer(wanted.front_end, wanted.device, None, note=LOADING))
        import_torch()
        from visualizer.mel.kernels.torch_kernels import EagerKernel, torch_kernel

        make = EagerKernel if self._choice == "eager" else torch_kernel
        kernel = make(wanted.front_end, wanted.device)
        deviation = relative_deviation(wanted.front_end, kernel)
        offer = KernelOffer(wanted.front_end, wanted.device, deviation, kernel)
        self._offer(offer)
        if self._choice == "auto" and self._folder is not None:
            artifacts.require_folder(self._folder)
            self._build(wanted, offer)

    def _load(self, ready: KernelOffer) -> tuple[KernelOffer, bool]:
        """Offer what is kept on disk; return what is offered, and whether that is all there is."""
        assert self._folder is not None
        artifact = Artifact(ready.front_end, 1, self._folder)
        try:
            kernel = artifacts.load(artifact)
            timings, complete = artifacts.timings(artifact)
        except KernelError as error:
            _log.warning("%s; it is built anew", error)
            artifacts.discard(artifact)
            kernel = None
        if kernel is None:
            offer, complete = replace(ready, note=BUILDING), False
            self._on_offer(offer)
        else:
            offer = _best(ready, kernel, timings)
            self._offer(offer)
        return offer, complete

    def _build(self, wanted: _Want, offer: KernelOffer) -> None:
        """Let a child build what `offer` is missing and time all; offer each result as it comes."""
        assert self._folder is not None
        artifact = Artifact(wanted.front_end, 1, self._folder)
        ready = offer
        problem: str | None = None
        builder = self._builder = start_builder(artifact, wanted.device)
        if self._is_over(wanted):
            end(builder)
        with builder, self._ended_with(builder):
            for event in events(builder):
                if self._is_over(wanted):
                    break
                problem = event.get("error", problem)
                timings = tuple(Timing(**timing) for timing in event.get("timings", ()))
                if offer.kernel is not None or offer.note != BUILDING:
                    # The worker has its kernel by now, so only the numbers change.
                    offer = replace(offer, timings=timings)
                elif any(timing.name == "compiled" for timing in timings):
                    kernel = artifacts.load(artifact)
                    if kernel is not None:
                        offer = _best(replace(ready, note=None), kernel, timings)
                elif problem is not None:
                    offer = replace(ready, note=problem)
                if timings or problem:
                    self._offer(offer)
        if not self._is_over(wanted) and offer.note == BUILDING:
            raise KernelError(f"the process that builds kernels ended with {builder.returncode}")

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
        if offer.note != BUILDING:
            self._kept[offer.front_end, offer.device] = offer
        self._on_offer(offer)


def _best(ready: KernelOffer, kernel: HostKernel, timings: tuple[Timing, ...]) -> KernelOffer:
    """Return the offer of the compiled kernel, unless NumPy's was measured to be faster."""
    p50_us = {timing.name: timing.p50_us for timing in timings}
    if p50_us.get("compiled", 0.0) > p50_us.get("numpy", float("inf")):
        note = (
            f"NumPy is faster here: {p50_us['numpy']:.0f} µs per hop, "
            f"compiled {p50_us['compiled']:.0f} µs"
        )
        return replace(ready, timings=timings, note=note)
    deviation = relative_deviation(ready.front_end, kernel)
    return replace(ready, kernel=kernel, deviation=deviation, timings=timings)
