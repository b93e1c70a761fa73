"""Makes the built-in demo recording, assets/demo.flac (48 kHz, mono, 16 bit, 12.5 s).

    python3 assets/make_demo.py [OUTPUT.flac]

Needs espeak-ng on PATH, and numpy, scipy and soundfile. Everything here is synthetic:

    0.30 s   a sentence by espeak-ng's en-us voice, -20 dBFS RMS while talking
    2.15 s   a logarithmic sine sweep, 60 Hz to 10 kHz in 2.5 s, at -18 dBFS peak
    5.10 s   another sentence
    9.85 s   a bell-like chord: three notes, struck one after another, left to ring
    12.5 s   the end: only the noise floor, -75 dBFS RMS throughout, so it loops without a click

The same espeak-ng (1.51 made the file in the repository) gives the same samples again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
from scipy import ndimage, signal

Samples = npt.NDArray[np.float64]

RATE = 48_000
LENGTH_S = 12.5
SPEECH = (
    (0.30, "This is what your model hears."),
    (5.10, "Every column is one frame, twelve and a half milliseconds after the last."),
)
ESPEAK = ("espeak-ng", "-v", "en-us", "-s", "165", "-p", "58")
SWEEP_START_S, SWEEP_S, SWEEP_HZ = 2.15, 2.5, (60.0, 10_000.0)
BELLS = ((9.85, 261.63), (10.10, 392.00), (10.35, 659.26))  # start in s, pitch in Hz: C, G, E
PARTIALS = ((1.0, 1.0), (2.0, 0.6), (3.01, 0.45), (4.17, 0.3), (5.43, 0.22), (8.21, 0.12))


def gain(dbfs: float) -> float:
    return float(10.0 ** (dbfs / 20.0))


def faded(x: Samples, fade_in_s: float, fade_out_s: float) -> Samples:
    """x with raised-cosine edges."""
    n_in, n_out = round(fade_in_s * RATE), round(fade_out_s * RATE)
    y = x.copy()
    y[:n_in] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(n_in) / n_in)
    y[-n_out:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(n_out) + 1) / n_out)
    return y


def limited(x: Samples, ceiling: float) -> Samples:
    """x with its peaks turned down, smoothly and ahead of time, to the ceiling."""
    width = RATE // 200 + 1
    turn = ndimage.minimum_filter1d(ceiling / np.maximum(np.abs(x), ceiling), width)
    return np.asarray(x * ndimage.uniform_filter1d(turn, width))


def spoken(text: str) -> Samples:
    """text, trimmed to the talking, a little brighter than espeak-ng makes it, at -20 dBFS RMS."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run([*ESPEAK, "-w", str(wav), text], check=True)
        x, rate = sf.read(wav, dtype="float64")
    x = signal.resample_poly(x, RATE, rate)
    bright = signal.butter(1, 1500, "highpass", fs=RATE, output="sos")
    x = signal.sosfilt(signal.butter(2, 50, "highpass", fs=RATE, output="sos"), x)
    x = x + 1.5 * signal.sosfilt(bright, x)
    loud = np.flatnonzero(np.abs(x) > 0.002 * np.max(np.abs(x)))
    x = faded(x[loud[0] : loud[-1] + 1], 0.005, 0.02)
    level = np.sqrt(signal.fftconvolve(x**2, np.full(RATE // 20, 20 / RATE), "same").clip(0))
    talking = level > 0.05 * level.max()
    return limited(x * gain(-20) / np.sqrt(np.mean(x[talking] ** 2)), gain(-5))


def sweep() -> Samples:
    t = np.arange(round(SWEEP_S * RATE)) / RATE
    low, high = SWEEP_HZ
    rate = np.log(high / low) / SWEEP_S
    return faded(gain(-18) * np.sin(2 * np.pi * low * np.expm1(rate * t) / rate), 0.1, 0.1)


def bell(pitch: float, seconds: float) -> Samples:
    """Decaying partials, the higher the shorter, faded to nothing by the end."""
    t = np.arange(round(seconds * RATE)) / RATE
    x = np.zeros_like(t)
    for ratio, level in PARTIALS:
        x += level * np.exp(-t * (1.6 + 0.8 * ratio)) * np.sin(2 * np.pi * pitch * ratio * t)
    return faded(gain(-19) * x, 0.003, 0.4)


def demo() -> Samples:
    out = gain(-75) * np.random.default_rng(1937).standard_normal(round(LENGTH_S * RATE))
    parts = [(start, spoken(text)) for start, text in SPEECH]
    parts.append((SWEEP_START_S, sweep()))
    parts += [(start, bell(pitch, LENGTH_S - 0.15 - start)) for start, pitch in BELLS]
    for start, part in parts:
        at = round(start * RATE)
        out[at : at + len(part)] += part
        print(f"{start:6.2f} to {start + len(part) / RATE:6.2f} s")
    return out


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("demo.flac")
    x = demo()
    if np.max(np.abs(x)) >= gain(-3):
        raise SystemExit("peaks at -3 dBFS or above: turn something down")
    sf.write(path, x, RATE, subtype="PCM_16")
    print(f"{path}: {len(x) / RATE:.2f} s, {path.stat().st_size} bytes")
    peak, rms = 20 * np.log10(np.max(np.abs(x))), 10 * np.log10(np.mean(x**2))
    print(f"peak {peak:.1f} dBFS, RMS of the whole {rms:.1f} dBFS")


if __name__ == "__main__":
    main()
