"""A front-end made ready for a source, with the best kernel that is there at once."""

from __future__ import annotations

from dataclasses import dataclass

from visualizer.audio.channels import require_channels
from visualizer.audio.source import SourceInfo
from visualizer.engine.config import EngineConfig, front_end
from visualizer.engine.keeper import KernelKeeper, KernelOffer
from visualizer.engine.pipeline import Pipeline
from visualizer.mel.compute import choose_device
from visualizer.mel.front_end import FrontEnd


@dataclass(frozen=True, eq=False)
class Analysis:
    """What runs from now on, and what is known of its kernel."""

    config: EngineConfig
    mel: FrontEnd
    device: str
    """where its kernel is to run in the end, as torch names it"""
    pipeline: Pipeline
    offer: KernelOffer | None
    """None: nothing is known yet, and a better kernel may be looked for"""


def begin_analysis(config: EngineConfig, source: SourceInfo, keeper: KernelKeeper) -> Analysis:
    """Make the front-end, run once already, so that a fault shows before the first hop.

    It begins with NumPy's kernel, unless a better one was offered before.

    Raises:
        VisualizerError: where the front-end does not fit the source, or there is no such device
            or channel.
    """
    require_channels(config.channel, source.channels, source.name)
    mel, device = front_end(config, source.sample_rate), choose_device(config.compute)
    offer = keeper.kept(mel, device)
    kernel = offer.kernel if offer else None
    pipeline = Pipeline(mel, source.sample_rate, source.channels, config.channel, kernel)
    pipeline.warm_up()
    return Analysis(config, mel, device, pipeline, offer)
