"""Reads the sound of any file that people have, with FFmpeg's libraries (PyAV).

Only the file that is handed over is ever read. FFmpeg gets its bytes and no name, so that a
playlist, a script or a reference to another file leads nowhere, and it may use only the containers
and the decoders that are named here.

What cannot be decoded is skipped, and counted as a gap. PyAV is imported when a file is opened.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from visualizer.audio.capture import SOURCE_CHANNELS_MAX
from visualizer.audio.sound_bytes import UNKNOWN_BYTES, SoundBytes
from visualizer.errors import SourceError, one_line, quoted
from visualizer.mel.limits import SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

KNOWN = "WAV, FLAC, MP3, M4A, AAC, Ogg, Opus, WebM, WMA, AIFF and the sound of videos"
"""What can be opened, for people."""
SUFFIXES = (
    *(".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".webm", ".weba", ".wma"),
    *(".aif", ".aiff", ".aifc", ".caf", ".w64", ".rf64", ".bwf", ".au", ".snd", ".amr", ".3gp"),
    *(".mp4", ".m4b", ".m4v", ".mov", ".mkv", ".mka", ".avi", ".mpg", ".mpeg", ".ts", ".flv"),
    *(".ac3", ".mp2", ".wv", ".tta", ".ape", ".sph", ".voc"),
)
"""Of files that are taken for sound by their name alone; any other is tried, too."""
_CONTAINERS = (
    *("wav", "w64", "aiff", "au", "caf", "flac", "ogg", "mp3", "aac", "mov", "matroska", "avi"),
    *("asf", "amr", "mpegts", "mpeg", "flv", "ac3", "eac3", "dts", "loas", "wv", "tta", "ape"),
    *("mpc", "mpc8", "tak", "shn", "qoa", "dsf", "ircam", "nistsphere", "voc", "avr", "epaf"),
    *("pvf", "sds", "iff"),
)
"""FFmpeg's names; none of them is made to lead to other files."""
_CODECS = (
    *("aac", "aac_latm", "ac3", "eac3", "alac", "amrnb", "amrwb", "ape", "dca", "flac", "mp1float"),
    *("mp2float", "mp3float", "mp1", "mp2", "mp3", "mpc7", "mpc8", "opus", "qoa", "shorten", "tak"),
    *("tta", "vorbis", "wavpack", "wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "gsm"),
    *("gsm_ms", "truespeech", "g723_1", "g729", "qcelp", "nellymoser", "speex", "libspeex"),
    *("mace3", "mace6", "qdm2", "qdmc", "sipr", "cook", "8svx_exp", "8svx_fib", "fourcc"),
    *("dsd_lsbf", "dsd_msbf", "dsd_lsbf_planar", "dsd_msbf_planar", "g722", "g726", "g726le"),
)
_CODEC_FAMILIES = ("pcm_", "adpcm_")
_OPTIONS = {
    "format_whitelist": ",".join(_CONTAINERS),
    "protocol_whitelist": "none",
    "max_streams": "64",
    "probesize": str(5 << 20),
    "analyzeduration": str(10_000_000),
}
_OF_WAV = {"max_size": str(1 << 14), "max_probe_packets": "4"}
"""Packets of 16 kB, not 4: most of the time would go into handing them on. FFmpeg looks for other
sound, such as DTS, in the first of those that say they are samples; with its own number of them
that takes longer than to read the rest of a short file."""
_MOST_SAMPLES = 1 << 22
"""In one frame, of each channel; no encoder makes such."""
_FILMS = ("mov", "matroska", "asf", "mpegts", "flv")
_JUMPS_S = {"flac": 0.001, "ogg": 0.05, **dict.fromkeys(_FILMS, 0.1)}
"""From here on, time stamps that jump mean sound that is missing, in containers that say of each
packet when it is heard. Those of FLAC are exact; the clocks of what records films jitter."""
_LONGEST_JUMP_S = 60.0
"""Beyond that, they are no clock, or another one."""
_PRE_SKIP_S = 0.1
"""Of an Opus at most, by which its pages count further than its sound goes."""
_LONGEST_END_S = 86_400.0
"""What a damaged page says may be any number."""
_SLACK_S = 0.05
_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
"""NumPy's names by FFmpeg's"""
_TAGS = (b"ID3", b"TAG", b"APETAG")
"""What stands between the parts of a joined MP3, and is no sound."""


@dataclass(frozen=True)
class Gap:
    """A place where sound is missing: it is damaged, or was lost before the file was written."""

    at: int
    """how many samples come before it"""
    n_samples: int
    """how many are missing, as far as the file tells"""


_Seconds = Fraction | float
_Piece = tuple[int, NDArray[np.float32]]
"""Samples lost before it, −1 where it follows what came, and (n_samples, n_channels)."""
_Timed = tuple[_Seconds | None, "AudioFrame | None", int]
"""Seconds lost before a frame, None where it follows what came, the frame, None where nothing
follows, and how many of its samples to take."""


class SoundReader:
    """The best sound of an open file, from its beginning to its end.

    `sample_rate` (Hz) and `channels` are those it begins with: where they change on the way, what
    follows is brought into the first form. It belongs to one thread at a time, and closes the file
    that it was given.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read up to the first sound.

        Args:
            file: Open for reading; where it cannot be sought, as standard input, it is read once.
            name: How errors name it.

        Raises:
            SourceError: There is no sound in it that can be read.
        """
        self.name = name
        self._file = file
        self._n_bytes = 0
        try:
            if file.seekable():
                self._n_bytes = file.seek(0, os.SEEK_END)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self.sample_rate = self.channels = 0
        self._announced_s: _Seconds | None = None
        self.position = 0
        """samples that were read"""
        self.gaps: list[Gap] = []
        """so far; each comes before the samples that the `read` returned that added it"""
        self.changes: list[str] = []
        """of its form on the way, each a line"""
        self.fault: str | None = None
        """why it ended before its end, where that is known"""
        self._pieces = self._in_one_form()
        self._held: deque[NDArray[np.float32]] = deque()
        self._data = SoundBytes(self._file, 0)
        try:
            self._next = next(self._pieces, None)
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(f"{self.name} cannot be read: {reason_of(error)}") from error
        if self._next is None or not self.sample_rate:
            raise SourceError(f"{self.name} holds no sound ({self.fault or '0 samples'})")

    def read(self, n_samples: int) -> NDArray[np.float32]:
        """Return the next (≤ n_samples, channels), ±1.0 at full scale; none at the end.

        They follow each other without a gap. What hinders it from being read on is its end, and is
        said by `ended_early`.
        """
        held = sum(map(len, self._held))
        self._data.be_patient()
        while held < n_samples and self._next is not None:
            lost, piece = self._next
            if lost >= 0:
                if held:
                    break
                self.gaps.append(Gap(self.position, lost))
            self._held.append(piece)
            held += len(piece)
            self._next = self._take()
        taken, wanted = [np.zeros((0, self.channels), np.float32)], n_samples
        while self._held and wanted > 0:
            piece = self._held.popleft()
            taken.append(piece[:wanted])
            if len(piece) > wanted:
                self._held.appendleft(piece[wanted:])
            wanted -= len(taken[-1])
        self.position += n_samples - wanted
        return np.concatenate(taken)

    @property
    def position_s(self) -> float:
        """How much sound was read, in s."""
        return self.position / self.sample_rate

    @property
    def share(self) -> float:
        """How much of the file was read, from 0 to 1; 0 where that is not known."""
        return min(1.0, self._file.tell() / self._n_bytes) if self._n_bytes else 0.0

    @property
    def announced_s(self) -> float | None:
        """How long the file says that it is, in s; None where it does not say it."""
        return None if self._announced_s is None else float(self._announced_s)

    @property
    def ended_early(self) -> str | None:
        """What is to be said at the end of a file that is not whole; None where it is."""
        if self.fault is not None:
            return f"cannot be read on after {self.position_s:.2f} s: {self.fault}"
        lost_s = sum(gap.n_samples for gap in self.gaps) / self.sample_rate
        announced_s = self.announced_s or 0.0
        # Some programs count a few bytes too many.
        if announced_s - self.position_s - lost_s > _SLACK_S:
            ends = f"ends after {self.position_s:.2f} s, though its header says {announced_s:.2f} s"
            if self.gaps:
                return f"{ends}, and {self._damage}"
            return f"{ends}: it is cut off, damaged or still being written"
        return None

    @property
    def remarks(self) -> list[str]:
        """What a person should know of what was read, each a line that follows the file's name."""
        if not self.gaps:
            return self.changes
        lost_s = sum(gap.n_samples for gap in self.gaps) / self.sample_rate
        how_much = f"{lost_s:.2f} s of sound missing" if lost_s else "no sound missing"
        return [f"{self._damage}, with {how_much}", *self.changes]

    @property
    def _damage(self) -> str:
        places = "1 place is" if len(self.gaps) == 1 else f"{len(self.gaps)} places are"
        first_s = self.gaps[0].at / self.sample_rate
        return f"{places} damaged and left out, the first at {first_s:.2f} s"

    def rewind(self) -> None:
        """Begin again. Raises SourceError."""
        self._begin()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> SoundReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> _Piece | None:
        try:
            return next(self._pieces, None)
        except Exception as error:
            # FFmpeg's, the system's, or what went wrong in Python while FFmpeg waited for it.
            self.fault = reason_of(error)
            return None

    def _in_one_form(self) -> Iterator[_Piece]:
        """Pieces in the first frame's form."""
        from av.audio.resampler import AudioResampler

        resampler: AudioResampler | None = None
        form = self.sample_rate, self.channels
        for lost_s, frame, n_samples in self._frames():
            lost = -1 if lost_s is None else round(lost_s * self.sample_rate)
            if frame is None:
                yield lost, np.zeros((0, self.channels), np.float32)
                continue
            now = frame.sample_rate, frame.layout.nb_channels
            if now != form:
                if resampler is not None:
                    yield from ((-1, _values(rest)) for rest in resampler.resample(None))
                form, resampler = now, None
                if form != (self.sample_rate, self.channels):
                    resampler = AudioResampler("flt", self._layout, self.sample_rate)
                    self._note_change(form)
            if resampler is None:
                yield lost, _values(frame)[:n_samples]
                continue
            # Stamps of another rate would be taken for gaps to fill.
            frame.pts = None
            for part in resampler.resample(frame):
                yield lost, _values(part)
                lost = -1
        if resampler is not None:
            yield from ((-1, _values(rest)) for rest in resampler.resample(None))

    def _begin_with(self, decoder: AudioCodecContext) -> None:
        """Take over the form of the first frame, which FFmpeg may say of the next one only."""
        self.sample_rate, self._layout = decoder.sample_rate, decoder.layout.name
        self.channels = decoder.layout.nb_channels

    def _note_change(self, form: tuple[int, int]) -> None:
        rate, channels = form
        shown = "1 channel" if channels == 1 else f"{channels} channels"
        words = f"what has {rate} Hz and {shown} is brought to {self.sample_rate} Hz and "
        words += "1 channel" if self.channels == 1 else f"{self.channels} channels"
        words += ", as at its beginning"
        if words not in self.changes:
            self.changes.append(words)

    def _frames(self) -> Iterator[_Timed]:
        """The frames of all its parts."""
        start: int | None = 0
        while start is not None:
            start = yield from self._part(start)

    def _part(self, start: int) -> Generator[_Timed, None, int | None]:
        """The frames from a byte on; return where a part begins that FFmpeg does not go on with."""
        from av.error import FFmpegError

        data = SoundBytes(self._file, start)
        if start == 0:
            data.be_patient()
        else:
            # Parts without sound are waited for together.
            data.patience = self._data.patience
        self._data = data
        next_part: int | None = None
        with _opened(data, self.name) as container:
            stream = _best(container, self.name)
            if start == 0:
                self._announced_s = _announced_s(container, stream, data)
            least_jump_s = _JUMPS_S.get(container.format.name.split(",")[0], _LONGEST_JUMP_S)
            end: Fraction | None = None
            failed_s: _Seconds | None = None
            length_s: _Seconds = 0
            at = 0
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    data.check()
                    if container.format.name == "ogg" and len(container.streams) == 1:
                        goes_to = _at(data.last_granule(), stream.time_base)
                        failed_s = _beyond(end, goes_to) or failed_s
                    break
                except FFmpegError as error:
                    data.check()
                    next_part = data.next_part(at) if container.format.name == "ogg" else None
                    if next_part is None:
                        self.fault = reason_of(error)
                    break
                data.check()
                at = at if packet.pos is None else packet.pos
                is_new = packet.has_sidedata("new_extradata")
                try:
                    frames = stream.decode(packet)
                except FFmpegError:
                    if not packet.size:
                        # The file ended here for now, and goes on: it is still being written.
                        continue
                    packet_s = _at(packet.duration, packet.time_base) or length_s
                    if not 0 <= packet_s < _LONGEST_JUMP_S:
                        # Damaged, too.
                        packet_s = length_s
                    failed_s = (failed_s or 0) + (
                        0 if bytes(packet).startswith(_TAGS) else packet_s
                    )
                    continue
                for frame in frames:
                    data.be_patient()
                    _check_form(frame, self.name)
                    if not self.sample_rate:
                        self._begin_with(stream.codec_context)
                    n_samples = frame.samples
                    if is_new and (lasts_s := _at(packet.duration, packet.time_base)):
                        # Of a chained Vorbis it ends what the part before it began.
                        n_samples = min(n_samples, round(lasts_s * frame.sample_rate))
                    stamp = _at(frame.pts, frame.time_base)
                    lost_s = failed_s
                    if stamp is not None and end is not None and not is_new:
                        jump_s = stamp - end
                        if (0 if failed_s else least_jump_s) < jump_s < _LONGEST_JUMP_S:
                            lost_s = jump_s
                    length_s = Fraction(frame.samples, frame.sample_rate)
                    if stamp is not None:
                        end = stamp
                    end = None if end is None else end + length_s
                    failed_s = None
                    yield lost_s, frame, n_samples
            if failed_s is not None:
                yield failed_s, None, 0
        return next_part


def _beyond(end: Fraction | None, goes_to: Fraction | None) -> Fraction | None:
    """How much sound lies between the end of what was decoded and that of the file, in s.

    None where that is none, or no length that a file would have.
    """
    if end is None or goes_to is None or not _PRE_SKIP_S < goes_to - end < _LONGEST_END_S:
        return None
    return goes_to - end


def _opened(data: SoundBytes, name: str) -> InputContainer:
    """The container in a file. Raises SourceError."""
    import av
    from av.error import FFmpegError

    options = _OPTIONS | _OF_WAV if data.is_wav else _OPTIONS
    try:
        container = av.open(
            data, "r", options=options, metadata_errors="replace", io_open=_refuse_to_open
        )
        data.check()
        return container
    except FFmpegError as error:
        data.check()
        is_mp4 = data.kind == b"ftyp"
        remedy = "a recorder that is killed leaves an M4A, MP4 or MOV without its index"
        raise SourceError(
            f"{name} is not an audio file that can be read ({reason_of(error)})",
            remedy if is_mp4 else f"{KNOWN} can",
        ) from error


def _refuse_to_open(url: str, _flags: int, _options: dict[str, str]) -> BinaryIO:
    raise PermissionError(f"it leads to another file, {quoted(url)}")


def _best(container: InputContainer, name: str) -> AudioStream:
    """The stream that the ffmpeg command takes: the default one, else that of most channels.

    Raises SourceError.
    """
    from av.stream import Discard

    known = [stream for stream in container.streams.audio if _is_known(stream)]
    if not known:
        codecs = [stream.codec_context and stream.name for stream in container.streams.audio]
        raise SourceError(
            f"{name} holds sound of a kind that cannot be read ({quoted(codecs[0] or 'unknown')})"
            if codecs
            else f"{name} holds no sound: it has no audio track"
        )
    best = max(
        known, key=lambda stream: (bool(stream.disposition & 1), stream.channels, -stream.index)
    )
    for stream in container.streams:
        if stream is not best:
            stream.discard = Discard.all
    best.codec_context.thread_count = 1
    # A FLAC has a check sum in each of its frames, which no decoder need look at.
    check = {"err_detect": "crccheck+explode"} if best.codec_context.name == "flac" else {}
    best.codec_context.options = {"max_samples": str(_MOST_SAMPLES), **check}
    return best


def _is_known(stream: AudioStream) -> bool:
    context = stream.codec_context
    return context is not None and (
        context.name in _CODECS or context.name.startswith(_CODEC_FAMILIES)
    )


def _announced_s(
    container: InputContainer, stream: AudioStream, data: SoundBytes
) -> _Seconds | None:
    """How long the header says that the sound is; None where it does not, or FFmpeg guesses."""
    kind = container.format.name.split(",")[0]
    if kind in ("wav", "mp3"):
        return data.announced_s
    own_s = _at(stream.duration, stream.time_base)
    if kind == "matroska":
        # It is that of the longest.
        is_alone = len(container.streams) == 1
        return container.duration / 1e6 if is_alone and container.duration else None
    if kind == "caf" and stream.codec_context.name.startswith("pcm_"):
        return stream.frames / stream.rate
    if kind in ("aiff", "au", "nistsphere") and own_s:
        n_bytes = own_s * (stream.codec_context.bit_rate or 0) / 8
        return own_s if n_bytes < UNKNOWN_BYTES else None
    return own_s if kind in ("flac", "mov", "tta", "wv", "ape", "mpc", "tak", "w64") else None


def _check_form(frame: AudioFrame, name: str) -> None:
    """Raise SourceError where a frame is beyond what can be analysed."""
    rate, channels = frame.sample_rate, frame.layout.nb_channels
    if not 1 <= channels <= SOURCE_CHANNELS_MAX:
        raise SourceError(
            f"{name} has {channels} channels; 1 to {SOURCE_CHANNELS_MAX} can be analysed"
        )
    if not SAMPLE_RATE_MIN_HZ <= rate <= SAMPLE_RATE_MAX_HZ:
        raise SourceError(
            f"{name} has {rate} Hz; {SAMPLE_RATE_MIN_HZ} to {SAMPLE_RATE_MAX_HZ} Hz can be analysed"
        )


def _values(frame: AudioFrame) -> NDArray[np.float32]:
    """A frame as (n_samples, n_channels) float32, ±1.0 at full scale, as libsndfile makes them."""
    dtype = _DTYPES[frame.format.name.removesuffix("p")]
    n_channels = frame.layout.nb_channels
    values: NDArray[Any]
    # Not its to_ndarray: with 8 channels and more, PyAV finds planes beyond the last.
    planes: Any = frame.planes[:n_channels]
    if frame.format.is_planar:
        values = np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in planes], 1)
    else:
        n_values = frame.samples * n_channels
        values = np.frombuffer(planes[0], dtype, n_values).reshape(-1, n_channels)
    if values.dtype.kind == "f":
        # What is beyond float32 becomes infinite, which is named where it is analysed.
        with np.errstate(over="ignore"):
            return np.asarray(values, np.float32, order="C")
    if values.dtype == np.uint8:
        values = values.astype(np.int8) ^ np.int8(-128)
    scale = np.float32(2.0 ** (1 - 8 * values.dtype.itemsize))
    scaled: NDArray[np.float32] = np.multiply(values, scale, dtype=np.float32, order="C")
    return scaled


def _at(ticks: int | None, time_base: Fraction | None) -> Fraction | None:
    """A time, or a length, in s; None where it is not known."""
    return None if ticks is None or time_base is None else ticks * time_base


def reason_of(error: BaseException) -> str:
    """What a decoder says of an error, or the system of a file."""
    words = one_line(getattr(error, "strerror", None) or error).rstrip(".")
    return words or "the decoder does not say why"
