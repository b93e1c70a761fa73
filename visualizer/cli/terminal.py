"""The engine without a window: a live view in the terminal, or plain lines where output is piped.

Everything here runs on the main thread.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from visualizer.audio.notices import integers_taken_for_floats
from visualizer.cli.beside import model_beside
from visualizer.cli.said import Said, say, saying_once
from visualizer.engine.columns import MelColumns
from visualizer.engine.engine import Engine
from visualizer.engine.history import FORGETFUL_BYTES, MEMORY_BYTES
from visualizer.engine.latency import STAGES, LatencyLog
from visualizer.engine.options import RunOptions, engine_config, fallbacks, kernel_plan
from visualizer.engine.reader import EngineReader
from visualizer.engine.report import RunMeter, make_report, write_report
from visualizer.engine.status import EngineStatus, gain_text
from visualizer.errors import ConfigError
from visualizer.export.recorder import RECORDING_END_S, Recorder, warn_unfinished
from visualizer.mel.picture import PictureUnit
from visualizer.models.answers import Answers, model_fields, values_of
from visualizer.models.contract import ModelSpec
from visualizer.models.history import Answered
from visualizer.support.console import plain_console
from visualizer.support.process import StopSignals, settle

if TYPE_CHECKING:
    from visualizer.models.reader import ModelReader

_BLOCKS = " ▁▂▃▄▅▆▇█"
_LIVE_INTERVAL_S = 0.1
_LINE_INTERVAL_S = 1.0


class _View:
    """Shows the newest state, at the pace that the output can take."""

    def __init__(self) -> None:
        self._console = plain_console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._said = Said()
        self._next_at = 0.0
        self._say_once = saying_once()
        self._latest: tuple[EngineStatus, LatencyLog, MelColumns, str] | None = None

    def __enter__(self) -> _View:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()
        elif self._latest is not None:
            _say(describe(*self._latest))

    def show(
        self, status: EngineStatus, latency: LatencyLog, newest: MelColumns | None, answer: str
    ) -> None:
        news = self._said.news(status)
        if news is not None:
            plain_console(stderr=True).print(news, style="yellow", soft_wrap=True)
        now = time.perf_counter()
        if newest is None or status.state == "waiting":
            return
        self._latest = status, latency, newest, answer
        if (bits := newest.integer_bits) is not None:
            self._say_once(integers_taken_for_floats(bits))
        if now < self._next_at:
            return
        text = describe(status, latency, newest, answer)
        if self._console.is_terminal:
            self._next_at = now + _LIVE_INTERVAL_S
            bands = Text(band_blocks(status, newest), style="magenta", overflow="crop")
            self._live.update(Group(bands, Text(text)), refresh=True)
        else:
            self._next_at = now + _LINE_INTERVAL_S
            _say(text)


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"the output cannot be written: {error.strerror}") from error


def describe(
    status: EngineStatus, latency: LatencyLog, newest: MelColumns, answer: str = ""
) -> str:
    """One line of numbers; `answer` is what a model says now."""
    source, mel = status.source, status.mel
    parts = [f"{source.name} {source.sample_rate} Hz" if source else "", mel.name if mel else ""]
    if gain := gain_text(status):
        parts.insert(1, gain)
    if status.backend is not None:
        agreement = f", {status.deviation:.1e} off float64" if status.deviation else ""
        parts.append(f"{status.backend} on {status.device}{agreement}")
    parts.append(f"{status.columns} columns")
    parts.append(f"peak {20 * math.log10(max(newest.peak, 1e-9)):6.1f} dBFS")
    if source and source.device_latency_s is not None:
        parts.append(f"device {source.device_latency_s * 1e3:.1f} ms as reported")
    for stage in STAGES:
        times = latency.percentiles(stage)
        if times is not None:
            parts.append(f"{stage} p50 {times.p50:.2f} p99 {times.p99:.2f} ms")
    if answer:
        parts.append(answer)
    model = latency.model
    if (times := model.percentiles()) is not None:
        behind = f"behind {model.behind} of {model.answers} times"
        parts.append(f"model p50 {times.p50:.2f} p99 {times.p99:.2f} ms, {behind}")
    if status.bad_samples:
        parts.append(f"{status.bad_samples} bad samples")
    dropped = status.dropped_blocks + status.dropped_columns
    if status.drift_ppm is not None:
        parts.append(f"drift {status.drift_ppm:+.0f} ppm")
    lost = f" ({status.lost_s:.2f} s)" if status.gaps else ""
    parts.append(f"gaps {status.gaps}{lost} drops {dropped} overflows {status.input_overflows}")
    return " · ".join(parts)


def band_blocks(status: EngineStatus, newest: MelColumns) -> str:
    """The newest column, low to high, a block character for each band."""
    if status.mel is None or newest.config_id != status.config_id:
        return ""
    unit = PictureUnit.default(status.mel)
    low, high = unit.range()
    heights = ((unit(newest.values[0, :, -1]) - low) / (high - low)).clip(0, 1) * (len(_BLOCKS) - 1)
    return "".join(_BLOCKS[round(float(height))] for height in heights)


def said_answer(spec: ModelSpec, answers: Answers) -> str:
    """Return the newest answer as text; of classes the likeliest."""
    parts = [spec.name]
    values = values_of(spec, answers.numbers[-1], answers.texts[-1])
    for output, value in zip(spec.outputs, values, strict=True):
        if isinstance(value, list):
            best = max(range(len(value)), key=value.__getitem__)
            text = f"{output.labels[best]} {value[best]:.3g}"
        elif isinstance(value, float):
            text = f"{value:.3g} {output.unit}".rstrip()
        else:
            text = value or "–"
        parts.append(f"{output.name} {text}")
    return " ".join(parts)


def run_terminal(options: RunOptions) -> int:
    """Run until the duration or the file ends, or Ctrl-C; return the exit code.

    Raises DeviceError where nothing can be opened, ConfigError where a recording or the report
    cannot be written, and what `model_beside` raises, also where the model has failed by the end.
    """
    signals, latency = StopSignals(), LatencyLog()
    with model_beside(options, latency.model, lambda: bool(signals.exit_code)) as (options, model):
        return signals.exit_code or _run(options, signals, latency, model)


def _run(
    options: RunOptions, signals: StopSignals, latency: LatencyLog, model: ModelReader | None
) -> int:
    config = engine_config(options)
    meter = RunMeter()
    reader = EngineReader(
        lambda wake: Engine(
            config,
            fallbacks(options, config.capture),
            wake,
            strict=options.must_open,
            kernels=kernel_plan(options),
            # A recording is written from what is kept.
            sound_bytes=FORGETFUL_BYTES if options.recording is None else MEMORY_BYTES,
            tap=None if model is None else model.tap,
        ),
        duration_s=options.duration_s,
    )
    if model is not None:
        model.on_news = reader.wake
    newest: MelColumns | None = None
    answer = ""
    recorder: Recorder | None = None
    config_id = reader.status.config_id
    try:
        with _View() as view:
            for deliveries in reader:
                if signals.exit_code:
                    break
                status = reader.status
                if status.config_id != config_id:
                    config_id = status.config_id
                    latency.clear()
                    if recorder is not None:
                        recorder.follow(status)
                is_first = newest is None
                for newest in deliveries:
                    latency.record(newest, None)
                    if recorder is not None:
                        recorder.add(newest)
                if is_first and newest is not None:
                    settle()
                    meter.begin()
                    if options.recording is not None:
                        recorder = Recorder(
                            options.recording, status, reader.engine.status, reader.wake
                        )
                if model is not None:
                    answer = _take_answers(model, recorder, answer)
                view.show(status, latency, newest, answer)
        if model is not None and reader.status.state == "ended":
            while not (model.is_done() or signals.exit_code):
                reader.wait()
    finally:
        # Also where the output is a pipe that nobody reads any more.
        if model is not None:
            _take_answers(model, recorder, answer)
        if recorder is not None:
            for newest in reader.drain():
                recorder.add(newest)
            recorder.stop()
            recorder.join(RECORDING_END_S)
            if recorder.state.is_on:
                warn_unfinished(recorder)
    measures = meter.measures()
    reader.close()
    if options.report is not None:
        if model is not None:
            measures |= model_fields(model.status, model.log)
        write_report(options.report, make_report(reader.status, latency, measures))
    if recorder is not None and recorder.state.fault is not None:
        raise ConfigError(recorder.state.fault)
    if not signals.exit_code:
        reader.require_success()
        if model is not None:
            model.require_success()
    return signals.exit_code


def _take_answers(model: ModelReader, recorder: Recorder | None, before: str) -> str:
    """Take what the model says, and return the newest answer as text; `before` where none came."""
    for line in model.news():
        say(line)
    if model.status.state == "failed":
        # It tells nothing any more.
        before = ""
    spec = model.status.spec
    for answers in model.drain():
        assert spec is not None
        before = said_answer(spec, answers)
        if recorder is not None:
            recorder.add_answers(Answered.of(spec, answers), answers.stream_id)
    return before
