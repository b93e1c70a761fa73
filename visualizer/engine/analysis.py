"""A front-end made ready for a source, with the best kernel that is there at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig, front_end
from visualizer.engine.keeper import KernelKeeper, KernelOffer
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.clip import relative_deviation
from visualizer.mel.flat import MelConfig
from visualizer.mel.kernels import choose_device, ready_kernel


@dataclass(frozen=True, eq=False)
class Analysis:
    """What runs from now on, and what is known of its kernel."""

    config: EngineConfig
    mel: MelConfig
    device: torch.device
    pipeline: Pipeline
    offer: KernelOffer | None
    """None: nothing is known yet, and a better kernel may be looked for"""
    is_new: bool
    """whether nobody looked for a better kernel in this run"""


def begin_analysis(config: EngineConfig, source: SourceInfo, keeper: KernelKeeper) -> Analysis:
    """Make the front-end, run once already, so that what it lacks shows before the first hop.

    Raises VisualizerError where the front-end does not fit the source, and whatever torch raises
    where its device does not work.
    """
    mel, device = front_end(config, source.sample_rate), choose_device(config.compute)
    offer = keeper.kept(mel, device)
    is_new = offer is None
    kernel = (offer and offer.kernel) or ready_kernel(mel, 1, device)
    pipeline = Pipeline(mel, source.sample_rate, source.channels, config.channel, kernel)
    pipeline.warm_up()
    if offer is None and device.type != "cpu":
        # Here, since torch's other devices do not like two threads.
        offer = KernelOffer(mel, device, relative_deviation(mel, kernel), kernel)
        keeper.keep(offer)
    return Analysis(config, mel, device, pipeline, offer, is_new)
