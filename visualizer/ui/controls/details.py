"""What helps to find the cause of a fault, as text."""

from __future__ import annotations

from visualizer.engine.status import EngineStatus
from visualizer.support.faults import Fault, Faults
from visualizer.ui.controls.description import describe


def fault_line(faults: tuple[Fault, ...]) -> str:
    """The newest of the program's own faults, for the banner."""
    newest = faults[-1]
    times = f" ({newest.times} times)" if newest.times > 1 else ""
    others = f" · {len(faults) - 1} more before that" if len(faults) > 1 else ""
    return f"{newest.text}{times}{others} · the rest continues; please report this with its details"


def make_details(status: EngineStatus | None, faults: Faults) -> str:
    """What runs, its numbers, and all that is known of its faults."""
    return f"{_running(status)}\n\n{faults.details()}\n"


def _running(status: EngineStatus | None) -> str:
    if status is None:
        return "the engine: not started"
    source, dropped = status.source, status.dropped_blocks + status.dropped_columns
    return "\n".join(
        (
            f"the engine: {status.state} · {describe(status)}",
            f"source: {source.kind}, {source.host_api or 'no host API'}, {source.channels} channels"
            if source
            else "source: none",
            f"front-end: {_whose(status)}",
            f"kernel: {status.backend} on {status.device} · {status.kernel_note or 'no note'}",
            f"columns {status.columns} · overflows {status.input_overflows} · drops {dropped} · "
            f"gaps {status.gaps} ({status.lost_s:.2f} s) · reopened {status.reopened} times · "
            f"drift {status.drift_ppm} ppm · bad samples {status.bad_samples} · "
            f"at most {status.max_lag_s * 1e3:.1f} ms behind",
            f"fault: {status.fault or 'none'}",
        )
    )


def _whose(status: EngineStatus) -> str:
    config = status.config
    return f"the preset {config.preset}" if config.mel is None else config.whose or "of the user"
