"""Better kernels for the worker, found, built, checked and timed beside it.

Threads: "kernels", owned here, does all that takes time (measuring a kernel's agreement, loading,
waiting for the process that builds) and hands each result to `on_offer`, which must not block. The
worker only leaves orders, and takes a kernel over for itself: from then on nobody else calls it.
This thread computes on the CPU alone; other devices are the worker's and the builder's.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from visualizer.engine.kernel_builder import end, events, start_builder
from visualizer.errors import KernelError
from visualizer.mel import artifacts
from visualizer.mel.artifacts import Artifact
from visualizer.mel.clip import relative_deviation
from visualizer.mel.flat import MelConfig
from visualizer.mel.kernels import EagerKernel, HostKernel
from visualizer.mel.timing import Timing

BUILDING = "a compiled kernel is being built"
NOT_WANTED = "compiled kernels are switched off"

_SETTLE_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KernelOffer:
    """What is known of the kernels for a front-end on a device."""

    mel: MelConfig
    device: torch.device
    deviation: float
    """of the kernel that is to run, from the float64 reference: a share of the largest value"""
    kernel: HostKernel | None = None
    """better than what was ready at once; None keeps that"""
    timings: tuple[Timing, ...] = ()
    note: str | None = None
    """why no better kernel runs"""


@dataclass(frozen=True, eq=False)
class _Want:
    mel: MelConfig
    device: torch.device


class KernelKeeper:
    """The kernels of this run, for one row each, and the thread that gets better ones."""

    def __init__(self, folder: Path | None, on_offer: Callable[[KernelOffer], None]) -> None:
        """Compiled kernels are kept in `folder`; without one, none is built or loaded."""
        self._folder = folder
        self._on_offer = on_offer
        self._kept: dict[tuple[MelConfig, torch.device], KernelOffer] = {}
        # One order at most: a newer one takes the place of what was wanted before, and ends its
        # build.
        self._wanted: _Want | None = None
        self._woken = threading.Event()
        self._builder: subprocess.Popen[str] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="kernels", daemon=True)
        self._thread.start()

    def kept(self, mel: MelConfig, device: torch.device) -> KernelOffer | None:
        """What was offered before, ready to be taken again at once."""
        return self._kept.get((mel, device))

    def keep(self, offer: KernelOffer) -> None:
        """Keep what the worker made itself."""
        self._kept[offer.mel, offer.device] = offer

    def want(self, mel: MelConfig, device: torch.device) -> None:
        """Look for a better kernel; whatever is found is offered, later."""
        self._wanted = _Want(mel, device)
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
        torch.set_num_threads(1)
        with torch.inference_mode():
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
        mel, device = wanted.mel, wanted.device
        if device.type != "cpu":
            made = self._kept[mel, device]
            if self._folder is not None:
                self._build(wanted, made)
            return
        ready = KernelOffer(mel, device, relative_deviation(mel, EagerKernel(mel)))
        if self._folder is None:
            self._offer(replace(ready, note=NOT_WANTED))
            return
        try:
            artifacts.require_folder(self._folder)
            offer, complete = self._load(ready)
            if not complete:
                self._build(wanted, offer)
        except Exception as error:
            if not isinstance(error, KernelError):
                _log.exception("the compiled kernel failed")
            self._offer(replace(ready, note=str(error)))

    def _load(self, ready: KernelOffer) -> tuple[KernelOffer, bool]:
        """Offer what is kept on disk; return what is offered, and whether that is all there is."""
        assert self._folder is not None
        artifact = Artifact(ready.mel, 1, self._folder)
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
        """Let a child build what `offer` lacks and time all, and offer what comes as it comes."""
        assert self._folder is not None
        artifact = Artifact(wanted.mel, 1, self._folder)
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
            self.keep(offer)
        self._on_offer(offer)


def _best(ready: KernelOffer, kernel: HostKernel, timings: tuple[Timing, ...]) -> KernelOffer:
    """The compiled kernel, unless it was measured to be the slower one."""
    p50_us = {timing.name: timing.p50_us for timing in timings}
    if p50_us.get("compiled", 0.0) > p50_us.get("eager", float("inf")):
        note = (
            f"eager is faster here: {p50_us['eager']:.0f} µs an hop, "
            f"compiled {p50_us['compiled']:.0f} µs"
        )
        return replace(ready, timings=timings, note=note)
    deviation = relative_deviation(ready.mel, kernel)
    return replace(ready, kernel=kernel, deviation=deviation, timings=timings)
