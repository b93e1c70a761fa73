"""Sound in every container and codec that PyAV can write, made when it is needed."""

from __future__ import annotations

import io

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

KINDS = {
    "mp3": ("mp3", "libmp3lame"),
    "mp2": ("mp2", "mp2"),
    "aac": ("adts", "aac"),
    "m4a": ("ipod", "aac"),
    "m4a-alac": ("ipod", "alac"),
    "mp4": ("mp4", "aac"),
    "mov": ("mov", "pcm_s16le"),
    "3gp": ("3gp", "libopencore_amrnb"),
    "amr": ("amr", "libopencore_amrnb"),
    "ogg": ("ogg", "libopus"),
    "oga": ("ogg", "flac"),
    "ogg-vorbis": ("ogg", "vorbis"),
    "webm": ("webm", "libopus"),
    "mkv": ("matroska", "aac"),
    "mka": ("matroska", "flac"),
    "avi": ("avi", "libmp3lame"),
    "avi-pcm": ("avi", "pcm_s16le"),
    "wma": ("asf", "wmav2"),
    "flv": ("flv", "aac"),
    "ts": ("mpegts", "mp2"),
    "mpg": ("mpeg", "mp2"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
    "flac": ("flac", "flac"),
    "wav": ("wav", "pcm_s24le"),
    "wav-ima": ("wav", "adpcm_ima_wav"),
    "wav-ms": ("wav", "adpcm_ms"),
    "w64": ("w64", "pcm_s16le"),
    "aiff": ("aiff", "pcm_s16be"),
    "au": ("au", "pcm_mulaw"),
    "caf": ("caf", "alac"),
    "tta": ("tta", "tta"),
    "wv": ("wv", "wavpack"),
    "voc": ("voc", "pcm_u8"),
}
"""(container, codec) by what a file of it is called"""
WITH_PICTURES = ("mp4", "m4a", "mov", "3gp", "mkv", "avi", "wma", "ts", "mpg")
"""that can hold a film, too"""
FROM_PIPES = (
    "mp3",
    "aac",
    "ogg",
    "oga",
    "webm",
    "mkv",
    "avi",
    "wma",
    "flv",
    "ts",
    "flac",
    "wav",
    "w64",
    "aiff",
    "au",
    "wv",
)
"""that can be written without going back to the header"""
_ONE_CHANNEL = ("libopencore_amrnb",)


class Pipe(io.BytesIO):
    """What cannot be sought: headers cannot be completed, and what was read is gone."""

    def seekable(self) -> bool:
        return False


def written(
    kind: str, samples: np.ndarray, rate: int, *, with_pictures: bool = False, piped: bool = False
) -> bytes:
    """Return a file with samples (n, n_channels) in ±1 at a rate in Hz.

    AMR is written at 8 kHz with one channel, and Opus at 48 kHz, whatever the rate is said to be.
    """
    form, codec = KINDS[kind]
    if codec in _ONE_CHANNEL:
        samples, rate = samples[:, :1], 8_000
    elif codec == "libopus":
        rate = 48_000
    memory = Pipe() if piped else io.BytesIO()
    with av.open(memory, "w", format=form) as container:
        sound = container.add_stream(codec, rate=rate)
        sound.layout = {1: "mono", 2: "stereo", 8: "7.1(wide)"}[samples.shape[1]]
        sound.bit_rate = 64_000
        if codec == "vorbis":
            sound.codec_context.options = {"strict": "experimental"}
        # Some containers write what the encoder says of itself before they write sound.
        sound.codec_context.open()
        if with_pictures:
            _add_pictures(container, 1 + len(samples) * 10 // rate)
        values = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
        frame = AudioFrame.from_ndarray(values, "flt", sound.layout.name)
        frame.sample_rate, frame.pts = rate, 0
        for packet in [*sound.encode(frame), *sound.encode(None)]:
            container.mux(packet)
    return memory.getvalue()


def silent_film() -> bytes:
    """Return an MP4 that has no sound."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        _add_pictures(container, 10)
    return memory.getvalue()


def _add_pictures(container: av.container.OutputContainer, n_pictures: int) -> None:
    pictures = container.add_stream("mpeg4", rate=10)
    pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
    for n in range(n_pictures):
        picture = VideoFrame.from_ndarray(np.full((48, 64, 3), n * 9 % 256, np.uint8))
        container.mux(pictures.encode(picture.reformat(format="yuv420p")))
    container.mux(pictures.encode(None))
