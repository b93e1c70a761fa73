"""A model beside the columns of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from visualizer.engine.latency import ModelLog
from visualizer.engine.options import RunOptions

if TYPE_CHECKING:
    from visualizer.models.reader import ModelReader


@contextmanager
def model_beside(
    options: RunOptions, log: ModelLog, is_stopped: Callable[[], bool]
) -> Iterator[tuple[RunOptions, ModelReader | None]]:
    """Load the model of --model, and end it with the block.

    Args:
        options: of the run.
        log: notes how late its answers are.
        is_stopped: asked while it is loaded, which may take long.

    Yields:
        The options, with the front-end that the model is fed where none was said; and the model,
        None where none was asked for.

    Raises:
        ConfigError: There is no such model, or it does not fit.
        CodeError: Its own code failed.
    """
    if options.model is None:
        yield options, None
        return
    # Not with the module, since it is needed for a model alone.
    from visualizer.models.feed import choice_of
    from visualizer.models.reader import ModelReader

    model = ModelReader(options.model, trusted=options.trust_model, log=log)
    try:
        spec = model.load(is_stopped)
        fed = None if spec is None or options.says_front_end else choice_of(spec)
        yield replace(options, **(fed or {})), model
    finally:
        model.close()
