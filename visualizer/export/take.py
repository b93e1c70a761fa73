"""What a recording is of, and where its parts go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from visualizer.audio.channels import Channel, n_signals
from visualizer.audio.source import SourceInfo
from visualizer.mel.front_end import FrontEnd


@dataclass(frozen=True)
class TakeFiles:
    """The files of one recording, of the same name in the same folder."""

    folder: Path
    name: str

    @classmethod
    def unused(cls, folder: Path) -> TakeFiles:
        """Named by the time of day; none of the files is there."""
        stem = f"mel-{datetime.now():%Y%m%d-%H%M%S}"
        names = [stem, *(f"{stem}-{n}" for n in range(2, 1000))]
        taken = {path.name.partition(".")[0] for path in folder.glob(f"{stem}*")}
        return cls(folder, next(name for name in names if name not in taken))

    @property
    def sound(self) -> Path:
        return self.folder / f"{self.name}.wav"

    @property
    def about(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def growing_columns(self) -> Path:
        """while it is recorded, and after a crash"""
        return self.folder / f"{self.name}.columns.npy"

    @property
    def growing_answers(self) -> Path:
        """of a model; while it is recorded, and after a crash"""
        return self.folder / f"{self.name}.answers.npy"

    @property
    def features(self) -> Path:
        return self.folder / f"{self.name}.npz"

    @property
    def picture(self) -> Path:
        return self.folder / f"{self.name}.png"

    def there(self) -> list[Path]:
        """Those that there are."""
        growing = self.growing_columns, self.growing_answers
        paths = (self.sound, self.features, *growing, self.about, self.picture)
        return [path for path in paths if path.exists()]


@dataclass(frozen=True)
class Take:
    """One stream through one front-end, from a sample on."""

    source: SourceInfo
    gain_db: float
    """in the recorded sound, which needs none any more"""
    mel: FrontEnd
    channel: Channel
    start_sample: int
    """of the stream: the recording's sample 0"""
    lead_samples: int
    """the resampler's: columns that reach before these depend on what was heard earlier"""
    is_normalised_before: bool
    """whether the front-end's normalisation also depends on what was heard before"""
    started_at: datetime
    """the time of day at sample 0"""

    @property
    def n_signals(self) -> int:
        """Columns that there are at each moment."""
        return n_signals(self.source.channels, self.channel)

    def is_whole(self, column: int) -> bool:
        """Whether all that a column of the recording is made of is in it."""
        mel = self.mel
        rate = Fraction(self.source.sample_rate, mel.sample_rate)
        first_sample = (column * mel.hop_length + mel.offset) * rate
        # The sample before it is for the pre-emphasis.
        return first_sample - 1 >= self.lead_samples or self.start_sample == 0


def begin_on_grid(mel: FrontEnd, source_rate: int, sample: int, first: int) -> tuple[int, int]:
    """The last sample up to `sample` at which a column's hop begins, and that column's index.

    Where that is before `first`, the next one. A sound that is cut there has its columns at the
    same samples as the stream.
    """
    # In lowest terms: the numerator's samples are the denominator's number of hops.
    hop = Fraction(mel.hop_length * source_rate, mel.sample_rate)
    periods = max(sample // hop.numerator, -(-first // hop.numerator))
    return periods * hop.numerator, periods * hop.denominator
