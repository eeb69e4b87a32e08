"""Render the sample songs of data_samples/ anew: stems as FLAC and a README for each song.

    python scripts/make_samples.py [OUT_FOLDER]

Needs the studio's SoundFont and the CC0 drum hits (Debian: fluidr3mono-gm-soundfont, sonic-pi-samples).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from megami.audio import SAMPLE_RATE, write_audio
from megami.studio import Song, compose_song, compose_song_in_form
from megami.studio.band.composer import Arrangement, arrange
from megami.studio.band.form import CHORUS, INTRO, SHORT_VERSE, VERSE, Section, arrange_form, bars_of
from megami.studio.band.genres import genre_named
from megami.studio.band.notes import BEATS_PER_BAR
from megami.studio.sample_songs import SAMPLE_ORIGINS


@dataclass(frozen=True)
class Sample:
    """One sample song: folder, title, bars, and for each stem (in the song's order) a file name and a line.

    With a form, its sections decide how many bars there are.
    """

    folder: str
    title: str
    bars: int
    stems: tuple[tuple[str, str], ...]
    form: tuple[Section, ...] = ()

    @property
    def genre(self) -> str:
        """What it was composed as."""
        return SAMPLE_ORIGINS[self.folder][0]

    @property
    def seed(self) -> int:
        """What it was composed from."""
        return SAMPLE_ORIGINS[self.folder][1]


def form_without(*sounds: str) -> tuple[Section, ...]:
    """Verses and choruses, where the players of these sounds rest until the first chorus, and in the second verse."""
    resting = tuple(replace(section, resting=section.resting + sounds) for section in (INTRO, VERSE, SHORT_VERSE))
    intro, verse, short_verse = resting
    return (intro, verse, CHORUS, short_verse, CHORUS)


_SUNG = "sung vowels and consonants without words: glottal source and moving formants (own synthesis)"
_RECORDED = "CC0 recordings of a drum kit (Sonic Pi's samples)"
SAMPLES: tuple[Sample, ...] = (
    Sample(
        "paper_boats", "Paper Boats", 6,
        (
            ("drums", "tight drum machine, straight into the desk (own synthesis)"),
            ("bass", "fingered electric bass, direct; sampled"),
            ("piano", "grand piano with a microphone; sampled"),
            ("vocal", _SUNG),
            ("strings", "held string chords that join in the second half; sampled"),
            ("bells", "small bells that answer the singer; sampled"),
            ("backing_vocals", "held choir chords; sampled"),
        ),
    ),
    Sample(
        "porch_light", "Porch Light", 5,
        (
            ("drums", "kit played with brushes, one track; sampled"),
            ("nylon_guitar", "nylon-string guitar with a microphone; sampled"),
            ("double_bass", "plucked double bass that joins after two bars; sampled"),
            ("vocal", _SUNG),
            ("fiddle", "fiddle melody in phrases; sampled"),
            ("low_strings", "held low strings that join after two bars; sampled"),
            ("percussion", "triangle and maracas; sampled"),
        ),
    ),
    Sample(
        "corner_store", "Corner Store", 5,
        (
            ("kick", f"close microphone in the kick drum, the kit leaks in; {_RECORDED}"),
            ("snare", f"close microphone on the snare drum, the kit leaks in; {_RECORDED}"),
            ("overheads", f"microphone above the kit; {_RECORDED}"),
            ("slap_bass", "slapped electric bass, direct; sampled"),
            ("rhythm_guitar", "sixteenth-note clean guitar through an amplifier; sampled"),
            ("horns", "brass section in two-bar phrases; sampled"),
            ("percussion", "tambourine in sixteenths; sampled"),
        ),
    ),
    Sample(
        "night_bus", "Night Bus", 5,
        (
            ("drums", "analogue-style drum machine, straight into the desk (own synthesis)"),
            ("synth_bass", "pulsing subtractive bass (own synthesis)"),
            ("pad", "slow chords on three detuned oscillators (own synthesis)"),
            ("arpeggio", "fast broken chords on a plucked synthesiser (own synthesis)"),
            ("lead", "synthesiser melody (own synthesis)"),
            ("vocal", _SUNG),
        ),
    ),
    Sample(
        "gravel_road", "Gravel Road", 0,
        (
            ("drums", "jazz drum kit, one track; sampled"),
            ("upright_bass", "plucked upright bass with a microphone; sampled"),
            ("steel_guitar", "steel-string guitar with a microphone; sampled"),
            ("vocal", _SUNG),
            ("fiddle", "fiddle melody in phrases; sampled"),
            ("old_piano", "honky-tonk piano, in the choruses only; sampled"),
        ),
        form_without("old piano"),
    ),
    Sample(
        "rooftop", "Rooftop", 0,
        (
            ("drums", f"kit on one track; {_RECORDED}"),
            ("pick_bass", "electric bass played with a pick, direct; sampled"),
            ("high_gain_guitar", "distorted guitar through an amplifier, in the choruses only; sampled"),
            ("crunch_guitar", "driven guitar through an amplifier; sampled"),
            ("vocal", _SUNG),
        ),
        form_without("high gain guitar"),
    ),
)  # fmt: skip

_LICENCE = """## Licence

The audio in this folder: CC0 1.0 (public domain dedication) by the project. Recorded drum hits, where a stem says so,
are from the samples of Sonic Pi, CC0 1.0. "Sampled" stems were played on the SoundFont FluidR3Mono_GM.sf3,
whose notice is:

> Mono version Copyright (c) 2014-2017 Michael Cowgill. Temple Blocks instrument Copyright (c) 2002 Ethan Winer.
> Drumline Percussion Copyright (c) 2016 Michael Schorsch. Original stereo version (MIT): Copyright (c) 2000-2002, 2008
> Frank Wen.
>
> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
> documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
> rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
> persons to whom the Software is furnished to do so, subject to the following conditions:
>
> The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
> Software.
>
> THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
> WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
> COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
> OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def length_of(sample: Sample) -> tuple[float, Arrangement]:
    """Length in seconds of a whole number of bars, and the arrangement of that length."""
    if sample.form:
        arrangement, seconds = arrange_form(genre_named(sample.genre), sample.form, sample.seed)
        return seconds, arrangement
    feel = arrange(genre_named(sample.genre), 4.0, sample.seed).feel
    seconds = round(feel.start_s + sample.bars * BEATS_PER_BAR * 60.0 / feel.bpm, 2)
    return seconds, arrange(genre_named(sample.genre), seconds, sample.seed)


def compose(sample: Sample, seconds: float) -> tuple[Song, str]:
    """The song, and what to call to have it again."""
    seed, genre = sample.seed, sample.genre
    if sample.form:
        call = f'`compose_song_in_form({seed}, "{genre}", form)`, whose form is in `scripts/make_samples.py`'
        return compose_song_in_form(seed, genre, sample.form), call
    return compose_song(seed, genre, seconds), f'`compose_song({seed}, "{genre}", {seconds:.2f})`'


def outline(sample: Sample) -> str:
    """How long the song is, in bars."""
    if not sample.form:
        return f"{sample.bars} bars"
    names = ["intro" if "vocal" in section.resting else section.music for section in sample.form]
    lengths = ", ".join(f"{name} {section.bars}" for name, section in zip(names, sample.form, strict=True))
    return f"{bars_of(sample.form)} bars ({lengths})"


def make(sample: Sample, out: Path) -> None:
    """Write the stems and README of one song."""
    seconds, arrangement = length_of(sample)
    song, call = compose(sample, seconds)
    if song.multitrack.num_tracks != len(sample.stems):
        raise SystemExit(f"{sample.folder}: {song.multitrack.names} are not the {len(sample.stems)} stems described")
    folder = out / sample.folder
    lines = []
    for (name, made), track, role, instrument in zip(
        sample.stems, song.multitrack.audio, song.roles, song.instruments, strict=True
    ):
        write_audio(folder / f"{name}.flac", track, SAMPLE_RATE, "PCM_16")
        lines.append(f"| `{name}.flac` | {role} | {instrument} | {made} |")
    table = "\n".join(["| file | role | instrument | what it is |", "|---|---|---|---|", *lines])
    text = (
        f"# {sample.title}\n\n{sample.genre.capitalize()}, {arrangement.feel.bpm:.0f} beats per minute, "
        f"{arrangement.harmony.name}, {outline(sample)}, {seconds:.1f} s. Dry mono stems, FLAC, 44.1 kHz,\n"
        "16 bit, with the levels and noise floors of a session; nothing is mixed.\n\n"
        f"{table}\n\n## How it was made\n\nComposed and rendered by the project's synthetic studio: "
        f"{call}.\n"
        "`python scripts/make_samples.py` renders it again.\n\n"
    )
    (folder / "README.md").write_text(text + _LICENCE, encoding="utf-8")
    print(f"{folder}: {', '.join(name for name, _ in sample.stems)}, {seconds:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "data_samples"
    parser.add_argument("out", type=Path, nargs="?", default=default, help="folder to write the songs into")
    parser.add_argument("--only", nargs="*", help="folders of the songs to render, else all")
    args = parser.parse_args()
    for sample in SAMPLES:
        if not args.only or sample.folder in args.only:
            make(sample, args.out)


if __name__ == "__main__":
    main()
