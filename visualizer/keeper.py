"""Better kernels for the worker, found, built and checked beside it.

Threads: "kernels", owned here, does all that takes time (measuring a kernel's agreement, loading,
waiting for the process that builds) and hands each result to `on_offer`, which must not block. The
worker only leaves orders, and takes a kernel over for itself: from then on nobody else calls it.
"""

from __future__ import annotations

import logging
import queue
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from visualizer.config import MelConfig
from visualizer.errors import KernelError
from visualizer.kernel_builder import events, start_builder
from visualizer.mel import artifacts
from visualizer.mel.artifacts import Artifact
from visualizer.mel.clip import relative_deviation
from visualizer.mel.kernels import MelKernel, ready_kernel
from visualizer.mel.timing import Timing

BUILDING = "a compiled kernel is being built"
NOT_WANTED = "compiled kernels are switched off"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KernelOffer:
    """What is known of the kernels for a front-end on a device."""

    mel: MelConfig
    device: torch.device
    deviation: float
    """of the kernel that is to run, from the float64 reference: a share of the largest value"""
    kernel: MelKernel | None = None
    """better than what was ready at once; None keeps that"""
    timings: tuple[Timing, ...] = ()
    note: str | None = None
    """why no better kernel runs"""


class KernelKeeper:
    """Compiled kernels of this run, for one row, and the thread that gets them."""

    def __init__(self, folder: Path | None, on_offer: Callable[[KernelOffer], None]) -> None:
        """Artifacts are kept in `folder`; without one, nothing is built or loaded."""
        self._folder = folder
        self._on_offer = on_offer
        self._kept: dict[tuple[MelConfig, torch.device], KernelOffer] = {}
        # None ends the thread. Holds as many entries as the user makes choices during one build;
        # only the newest of them is worked on.
        self._wanted: queue.SimpleQueue[tuple[MelConfig, torch.device] | None] = queue.SimpleQueue()
        self._builder: subprocess.Popen[str] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="kernels", daemon=True)
        self._thread.start()

    def kept(self, mel: MelConfig, device: torch.device) -> KernelOffer | None:
        """What was offered before, ready to be taken again at once."""
        return self._kept.get((mel, device))

    def want(self, mel: MelConfig, device: torch.device) -> None:
        """Look for a better kernel; whatever is found is offered, later."""
        self._wanted.put((mel, device))

    def close(self) -> None:
        """End the thread, and a build with it; does not wait."""
        self._closing = True
        self._wanted.put(None)
        builder = self._builder
        if builder is not None:
            builder.kill()

    def _run(self) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            while True:
                wanted = self._wanted.get()
                while not self._wanted.empty():
                    wanted = self._wanted.get()
                if wanted is None:
                    return
                try:
                    self._serve(*wanted)
                except Exception:
                    # The stream has a kernel already; this costs it nothing but a better one.
                    _log.exception("no better kernel could be found")

    def _serve(self, mel: MelConfig, device: torch.device) -> None:
        ready = KernelOffer(mel, device, relative_deviation(mel, ready_kernel(mel, 1, device)))
        if device.type != "cpu":
            self._offer(ready)
            return
        if self._folder is None:
            self._offer(replace(ready, note=NOT_WANTED))
            return
        artifact = Artifact(mel, 1, self._folder)
        try:
            artifacts.require_folder(self._folder)
            if not self._offer_compiled(artifact, ready):
                self._on_offer(replace(ready, note=BUILDING))
                self._build(artifact, ready)
        except (KernelError, OSError, ValueError) as error:
            self._offer(replace(ready, note=str(error)))

    def _offer_compiled(self, artifact: Artifact, ready: KernelOffer) -> bool:
        """Offer what is kept on disk; False where nothing that can be used is."""
        try:
            kernel = artifacts.load(artifact)
        except KernelError as error:
            _log.warning("%s; it is built anew", error)
            artifacts.discard(artifact)
            return False
        record = artifacts.read_record(artifact)
        if kernel is None or record is None:
            return False
        try:
            timings = tuple(Timing(**timing) for timing in record.get("timings", ()))
        except TypeError:
            timings = ()
        self._offer(_best(ready, kernel, timings))
        return True

    def _build(self, artifact: Artifact, ready: KernelOffer) -> None:
        """Let a child build and time the kernel, and offer what comes of it as it comes."""
        builder = self._builder = start_builder(artifact)
        if self._closing:
            builder.kill()
        offer: KernelOffer | None = None
        with builder:
            for event in events(builder):
                if "error" in event:
                    raise KernelError(event["error"])
                timings = tuple(Timing(**timing) for timing in event.get("timings", ()))
                if offer is not None:
                    # The worker has its kernel by now, so only the numbers change.
                    offer = replace(offer, timings=timings)
                    self._offer(offer)
                elif len(timings) >= 2 and (kernel := artifacts.load(artifact)) is not None:
                    # Once the compiled one was timed, it is known which is to run.
                    offer = _best(ready, kernel, timings)
                    self._offer(offer)
                if offer is not None and not self._wanted.empty():
                    # Whoever waits has less than this one, which only lacks the last figures.
                    builder.kill()
        if offer is None and not self._closing:
            raise KernelError(f"the process that builds kernels ended with {builder.returncode}")

    def _offer(self, offer: KernelOffer) -> None:
        self._kept[offer.mel, offer.device] = offer
        self._on_offer(offer)


def _best(ready: KernelOffer, kernel: MelKernel, timings: tuple[Timing, ...]) -> KernelOffer:
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
