from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import containers
from tests.conftest import ROOT
from visualizer.audio import sound_bytes
from visualizer.audio.capture import CaptureConfig
from visualizer.audio.file import FileSource
from visualizer.audio.reader import Gap, SoundReader
from visualizer.audio.ring import BlockRing
from visualizer.cli import run_command
from visualizer.errors import SourceError

FOUND = Path(__file__).with_name("found")
"""Files as recorders and programs of other people write them."""
RATE_HZ = 44_100
TIME_S = np.arange(RATE_HZ // 2) / RATE_HZ
TONES = np.stack(
    [0.3 * np.sin(2 * np.pi * 440 * TIME_S), 0.2 * np.sin(2 * np.pi * 999 * TIME_S)], 1
).astype(np.float32)
NOISE = np.random.default_rng(1).uniform(-1, 1, (3 * RATE_HZ, 2)).astype(np.float32)


def opened(content: bytes) -> SoundReader:
    return SoundReader(io.BytesIO(content), "'sound'")


def read(content: bytes) -> tuple[np.ndarray, SoundReader]:
    """All the samples, in blocks of an odd length, and what read them."""
    with opened(content) as file:
        blocks = [np.zeros((0, file.channels), np.float32)]
        while len(block := file.read(997)):
            blocks.append(block)
    return np.concatenate(blocks), file


def of_ffmpeg(path: Path) -> np.ndarray:
    """What the ffmpeg command makes of a file, (n, n_channels)."""
    with SoundReader(path.open("rb"), "") as file:
        n_channels = file.channels
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-f", "f32le", "-"]
    output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(output, np.float32).reshape(-1, n_channels)


@pytest.mark.parametrize(
    ("container", "coding"),
    [
        *(("WAV", coding) for coding in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")),
        *(("WAV", coding) for coding in ("DOUBLE", "ALAW", "ULAW")),
        *(("AIFF", coding) for coding in ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32")),
        *(("AIFF", coding) for coding in ("FLOAT", "DOUBLE", "ALAW", "ULAW")),
        *(("FLAC", coding) for coding in ("PCM_S8", "PCM_16", "PCM_24")),
        *((container, "PCM_24") for container in ("WAVEX", "RF64", "W64", "AU", "CAF")),
    ],
)
@pytest.mark.parametrize("n_channels", [1, 2, 6, 8])
def test_what_is_lossless_is_read_as_libsndfile_reads_it_to_the_bit(
    container: str, coding: str, n_channels: int
) -> None:
    memory = io.BytesIO()
    noise = np.random.default_rng(2).uniform(-1, 1, (5000, n_channels))
    noise[0], noise[1] = -1, 1
    soundfile.write(memory, noise, RATE_HZ, format=container, subtype=coding)
    expected, _ = soundfile.read(io.BytesIO(memory.getvalue()), dtype="float32", always_2d=True)
    samples, file = read(memory.getvalue())
    assert (file.sample_rate, file.gaps, file.ended_early) == (RATE_HZ, [], None)
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize(
    ("name", "n_samples"),
    [
        ("chained.ogg", 32_128),
        ("joined.mp3", 33_455),
        ("pipe.aiff", 8_000),
        ("unfinished_avaudiofile.wav", 8_000),
        ("vbr_low_first.mp3", 51_840),
        ("vbr_pipe.mp3", 97_344),
    ],
)
def test_what_people_have_is_read_to_its_end_as_the_ffmpeg_command_reads_it(
    name: str, n_samples: int
) -> None:
    samples, file = read((FOUND / name).read_bytes())
    assert file.ended_early is None
    assert len(samples) == n_samples
    expected = of_ffmpeg(FOUND / name)
    assert len(expected) == n_samples
    if name != "chained.ogg":
        # There FFmpeg's versions fill the seam, of 16 ms, with what neither part holds.
        np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-6)


def test_the_tag_in_a_joined_mp3_is_named_and_no_sound_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, file = read((FOUND / "joined.mp3").read_bytes())
    assert file.gaps == [Gap(16_175, 0)]
    path = FOUND / "joined.mp3"
    assert run_command(["mel", str(path), "-o", str(tmp_path / "mel.npy")]) == 0
    [line] = capsys.readouterr().err.splitlines()
    words = "1 place is damaged and left out, the first at 1.01 s, with no sound missing"
    assert line.endswith(f"joined.mp3': {words}")


def test_the_length_of_a_damaged_packet_is_not_taken_for_hours_of_lost_sound() -> None:
    content = bytearray(containers.written("m4a", NOISE[:RATE_HZ], RATE_HZ))
    assert not read(bytes(content))[1].gaps
    # Its last packet: how long it lasts, and what is in it.
    lengths = content.index(b"stts") + 8
    n_entries = int.from_bytes(content[lengths : lengths + 4])
    last = lengths + 4 + 8 * (n_entries - 1)
    content[last + 4 : last + 8] = (1 << 30).to_bytes(4)
    end = content.index(b"moov") - 4
    content[end - 100 : end] = b"\xff" * 100
    lost = sum(gap.n_samples for gap in read(bytes(content))[1].gaps)
    assert 0 < lost <= 2048


@pytest.mark.parametrize("kind", containers.KINDS)
def test_each_kind_of_file_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sound"
    path.write_bytes(containers.written(kind, TONES, RATE_HZ))
    samples, file = read(path.read_bytes())
    assert (file.gaps, file.changes, file.ended_early) == ([], [], None)
    if kind != "mkv":
        # Where FFmpeg leaves out what the encoder began with only since its version 7.
        assert len(samples) == len(of_ffmpeg(path))
    # Encoders fill their last frame; AMR and Opus have rates of their own.
    assert abs(len(samples) - len(TONES)) < 0.12 * RATE_HZ
    assert np.sqrt(np.mean(samples[5000:15_000, 0] ** 2)) == pytest.approx(
        0.103 if "amr" in containers.KINDS[kind][1] else 0.21, abs=0.03
    )


@pytest.mark.parametrize("kind", containers.WITH_PICTURES)
def test_the_sound_of_a_film_is_read_and_its_pictures_are_not(kind: str) -> None:
    alone, _ = read(containers.written(kind, TONES, RATE_HZ))
    samples, file = read(containers.written(kind, TONES, RATE_HZ, with_pictures=True))
    assert file.ended_early is None
    # MPEG's layer 2 is decoded as 16-bit integers or as floats, by the container.
    np.testing.assert_allclose(samples, alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", containers.FROM_PIPES)
def test_what_was_written_into_a_pipe_is_read_whole(kind: str) -> None:
    content = containers.written(kind, TONES, RATE_HZ, piped=True)
    samples, file = read(content)
    assert (file.gaps, file.ended_early) == ([], None)
    assert abs(len(samples) - len(TONES)) < 0.12 * RATE_HZ


@pytest.mark.parametrize("kind", ["mp3", "ogg", "flac", "wav", "aac", "webm", "ts", "mkv"])
def test_what_cannot_be_sought_is_read_as_it_comes(kind: str) -> None:
    content = containers.written(kind, TONES, RATE_HZ, piped=True)
    file = SoundReader(containers.Pipe(content), "standard input")
    samples, _ = read(content)
    heard = [file.read(100), file.read(10**6)]
    np.testing.assert_allclose(np.concatenate(heard), samples, rtol=0, atol=1e-6)


def wav(riff: int, data: int, before: bytes = b"", name: bytes = b"RIFF") -> bytes:
    """A WAV of 1000 samples, with these sizes in its header."""
    sound = (NOISE[:1000, 0] * 32767).astype("<i2").tobytes()
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16)
    head = name + struct.pack("<I", riff) + b"WAVE" + before
    return head + form + b"data" + struct.pack("<I", data) + sound


RF64 = [struct.pack("<4sIqqqI", b"ds64", 28, size, size, size // 2, 0) for size in (0, 2**63 - 1)]


@pytest.mark.parametrize(
    "content",
    [
        *(wav(*sizes) for sizes in ((0, 0), (8, 0), (36, 0), (2**32 - 1, 2**32 - 1))),
        *(wav(*sizes) for sizes in ((0x7FFFFFFF, 0x7FFFFFDB), (0x80000024, 0x80000000))),
        *(wav(2**32 - 1, 2**32 - 1, ds64, b"RF64") for ds64 in RF64),
        *(wav(2**32 - 1, 2**32 - 1, ds64, b"BW64") for ds64 in RF64),
        wav(4088, 0, b"FLLR" + struct.pack("<I", 4044) + bytes(4044)),
    ],
)
def test_a_wav_whose_recorder_was_killed_is_read_whole(content: bytes) -> None:
    samples, file = read(content)
    assert file.ended_early is None
    assert len(samples) == 1000


@pytest.mark.parametrize("step", [1200, 1201])
def test_a_wav_that_is_still_being_written_has_no_gap(tmp_path: Path, step: int) -> None:
    """Also where its recorder writes to the middle of a sample."""
    sound = (NOISE[:40_000, 0] * 32767).astype("<i2").tobytes()
    content, path, at = wav(0, 0)[:44] + sound, tmp_path / "growing.wav", 20_001
    path.write_bytes(content[:at])
    blocks = []
    with SoundReader(path.open("rb"), "'growing.wav'") as file, path.open("ab") as recorder:
        while len(block := file.read(500)):
            blocks.append(block)
            recorder.write(content[at : at + step])
            recorder.flush()
            at += step
        assert (file.gaps, file.ended_early) == ([], None)
    np.testing.assert_array_equal(np.concatenate(blocks), read(content)[0])


def test_an_mp3_may_have_a_picture_on_its_cover() -> None:
    def digits(size: int) -> bytes:
        return bytes(size >> shift & 127 for shift in (21, 14, 7, 0))

    picture = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n" + bytes(200_000)
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    plain = containers.written("mp3", TONES, RATE_HZ)
    whole, _ = read(plain)
    samples, file = read(b"ID3\3\0\0" + digits(len(frame)) + frame + plain)
    np.testing.assert_array_equal(samples, whole)
    assert file.announced_s == pytest.approx(len(TONES) / RATE_HZ, abs=1e-3)


def ogg(rate: int, n_channels: int) -> bytes:
    memory = io.BytesIO()
    sound = NOISE[: 3 * rate, :n_channels] / 2
    soundfile.write(memory, sound, rate, format="OGG", subtype="VORBIS")
    return memory.getvalue()


def test_a_chained_ogg_of_several_forms_goes_on_in_the_first(tmp_path: Path) -> None:
    samples, file = read(ogg(16_000, 1) + ogg(44_100, 2) + ogg(16_000, 1))
    assert (file.sample_rate, file.channels) == (16_000, 1)
    assert abs(len(samples) - 9 * 16_000) < 400
    assert file.ended_early is None
    assert file.remarks == [
        "what has 44100 Hz and 2 channels is brought to 16000 Hz and 1 channel, as at its beginning"
    ]


def test_a_joined_mp3_of_several_forms_goes_on_in_the_first(tmp_path: Path) -> None:
    path = tmp_path / "joined.mp3"
    path.write_bytes(
        containers.written("mp3", TONES, 44_100) + containers.written("mp3", TONES[:, :1], 22_050)
    )
    samples, file = read(path.read_bytes())
    assert (file.sample_rate, file.channels, file.ended_early) == (44_100, 2, None)
    assert any("22050 Hz and 1 channel is brought to 44100 Hz" in line for line in file.remarks)
    # In a file so short, the command takes the rate of the second for that of all.
    assert abs(len(samples) - 2 * len(of_ffmpeg(path))) < 100


def damaged(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + np.random.default_rng(3).bytes(300) + content[middle + 300 :]


@pytest.mark.parametrize(
    ("kind", "most_lost_s"), [("flac", 0.5), ("m4a", 0.2), ("mp3", 0.2), ("wma", 1.0)]
)
def test_damage_is_left_out_and_counted_with_its_length(kind: str, most_lost_s: float) -> None:
    content = containers.written(kind, NOISE / 2, RATE_HZ)
    whole, _ = read(content)
    samples, file = read(damaged(content))
    assert file.ended_early is None
    [gap, *_] = file.gaps
    assert 0.3 * len(whole) < gap.at < 0.7 * len(whole)
    lost = sum(gap.n_samples for gap in file.gaps)
    assert 0 < lost < most_lost_s * RATE_HZ
    # A decoder of what is damaged may end a little elsewhere.
    assert abs(len(samples) + lost - len(whole)) < 0.1 * RATE_HZ
    if kind == "flac":
        np.testing.assert_array_equal(samples[: gap.at], whole[: gap.at])
        np.testing.assert_array_equal(samples[gap.at :], whole[gap.at + lost :])


def test_an_ogg_whose_last_pages_are_damaged_is_short_by_their_length() -> None:
    content = bytearray(containers.written("ogg", NOISE / 2, RATE_HZ))
    whole, _ = read(bytes(content))
    pages = [match.start() for match in re.finditer(b"OggS", content)]
    assert len(pages) > 4
    for page in pages[-2:]:
        content[page + 40] ^= 1
    samples, file = read(bytes(content))
    [gap] = file.gaps
    assert gap.at == len(samples) < 0.8 * len(whole)
    assert abs(gap.at + gap.n_samples - len(whole)) < 0.1 * file.sample_rate
    assert file.remarks[0].startswith("1 place is damaged and left out, the first at ")


def test_a_file_that_is_damaged_and_ends_early_says_both() -> None:
    content = containers.written("mp3", NOISE / 2, RATE_HZ)
    _, file = read(damaged(content)[: -len(content) // 4])
    assert re.fullmatch(
        r"ends after \d\.\d\d s, though its header says 3\.00 s, and \d+ places? (is|are) damaged "
        r"and left out, the first at 1\.\d\d s",
        file.ended_early or "",
    )


def test_damage_is_a_gap_in_the_stream_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    path.write_bytes(damaged(containers.written("flac", NOISE / 2, RATE_HZ)))
    _, file = read(path.read_bytes())
    [gap] = file.gaps
    starts: list[tuple[int, int]] = []
    source = FileSource(path, CaptureConfig("file", path=str(path)))
    for lost, piece in source._pieces():
        starts.append((lost, len(piece)))
    source.close()
    ring = BlockRing(2, 10 * RATE_HZ, lambda _: None)
    for lost, n_samples in starts:
        ring.write(np.zeros((n_samples, 2), np.float32), 0.0, lost)
    ends = [0]
    while (block := ring.read()) is not None:
        if block.start_sample != ends[-1]:
            assert (ends[-1], block.start_sample) == (gap.at, gap.at + gap.n_samples)
            ends.clear()
        ends.append(block.start_sample + len(block.samples))
    assert ends[-1] == 3 * RATE_HZ


SECRET = "secret.wav"
BAITS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
    "list.m3u": "#EXTM3U\n{path}\n",
    "list.pls": "[playlist]\nFile1={path}\nNumberOfEntries=1\n",
    "list.txt": "ffconcat version 1.0\nfile '{path}'\n",
    "talk.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio 5004 RTP/AVP 0\na=control:{path}\n",
    "manifest.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    'type="static"><Period><AdaptationSet mimeType="audio/wav"><Representation id="1">'
    "<BaseURL>{path}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "assets.xml": '<?xml version="1.0"?><AssetMap><Path>{path}</Path></AssetMap>',
    "graph.lavfi": "amovie={path}",
    "tags.txt": ";FFMETADATA1\ntitle={path}\n",
    "picture%03d.png": "{path}",
}
WATCHED = """
import sys
from visualizer.audio.file import open_audio, pieces
from visualizer.errors import SourceError
import av, av.audio.resampler
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
for path in map(__import__("pathlib").Path, sys.argv[1:]):
    opened.clear()
    try:
        with open_audio(path) as file:
            n_samples = sum(map(len, pieces(file, 1000)))
        print(path.name, "read", n_samples)
    except SourceError as error:
        print(path.name, "refused", error)
    assert {name for name in opened if not name.endswith(".pyc")} <= {str(path)}, opened
"""


def mov_that_refers_to(path: Path) -> bytes:
    """A MOV whose sound lies, as it says, in another file."""
    content = containers.written("mov", TONES, RATE_HZ)
    at = content.index(b"url \0\0\0\1") - 4
    name = b"file://" + os.fsencode(path) + b"\0"
    entry = struct.pack(">I", 12 + len(name)) + b"url \0\0\0\0" + name
    added = len(entry) - 12
    content = content[:at] + entry + content[at + 12 :]
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = content.index(box) - 4
        size = int.from_bytes(content[place : place + 4]) + added
        content = content[:place] + size.to_bytes(4) + content[place + 4 :]
    return content


def test_only_the_file_itself_is_ever_opened(tmp_path: Path) -> None:
    secret = tmp_path / SECRET
    soundfile.write(secret, TONES, RATE_HZ)
    paths = []
    for name, text in BAITS.items():
        for target in (str(secret), f"file://{secret}", SECRET, "http://127.0.0.1:9/x.wav"):
            path = tmp_path / f"{len(paths)}-{name}"
            path.write_text(text.format(path=target))
            paths.append(path)
    paths.append(tmp_path / "refers.mov")
    paths[-1].write_bytes(mov_that_refers_to(secret))
    trace = tmp_path / "trace"
    watch = ["strace", "-f", "-o", str(trace), "-e", "trace=open,openat,connect,execve"]
    command = [*watch, sys.executable, "-c", WATCHED, *map(str, paths)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths)
    assert [line for line in lines[:-1] if " refused " not in line] == []
    calls = trace.read_text()
    assert SECRET not in re.sub(r"execve\(.*", "", calls)
    assert "connect(" not in calls
    assert calls.count("execve(") == 1
    assert all(f'"{path}"' in calls for path in paths)


def test_eight_channels_of_planar_samples_are_eight() -> None:
    tones = np.stack([0.1 * np.sin(2 * np.pi * 200 * k * TIME_S) for k in range(1, 9)], 1)
    content = containers.written("m4a-alac", tones.astype(np.float32), RATE_HZ)
    samples, file = read(content)
    assert file.channels == 8
    np.testing.assert_allclose(samples[: len(tones)], tones, atol=2e-4)


def test_a_decoder_without_progress_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    content = containers.written("mp3", TONES, RATE_HZ)
    monkeypatch.setattr(sound_bytes, "_PATIENCE_S", -1.0)
    with pytest.raises(SourceError, match="cannot be read: its decoder makes no progress"):
        opened(content)


def test_sizes_that_are_only_said_cost_nothing() -> None:
    content = bytearray(containers.written("flac", TONES, RATE_HZ))
    # The number of samples has 36 bits, from the last four of byte 21 on.
    content[21] |= 15
    content[22:26] = b"\xff" * 4
    samples, file = read(bytes(content))
    assert len(samples) == len(TONES)
    assert re.match(r"ends after 0.50 s, though its header says \d{7}", file.ended_early or "")


def test_a_film_without_sound_says_so() -> None:
    content = containers.silent_film()
    with pytest.raises(SourceError, match="'sound' holds no sound"):
        opened(content)


def test_an_mp4_without_its_index_says_what_became_of_it() -> None:
    content = containers.written("m4a", TONES, RATE_HZ)
    with pytest.raises(SourceError, match="a recorder that is killed leaves an M4A, MP4 or MOV"):
        opened(content[: content.index(b"moov") - 4])


def test_ffmpeg_says_nothing_itself(capfd: pytest.CaptureFixture[str]) -> None:
    for kind in ("mp3", "ogg", "flac", "mkv", "m4a"):
        read(damaged(containers.written(kind, NOISE / 2, RATE_HZ)))
    with pytest.raises(SourceError):
        opened(b"no sound at all" * 1000)
    assert capfd.readouterr() == ("", "")


def test_pyav_is_loaded_only_when_a_file_is_opened() -> None:
    code = (
        "import sys, visualizer.cli.live, visualizer.audio.file, visualizer.export.offline; "
        "print('av' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert done.stdout == "False\n"
