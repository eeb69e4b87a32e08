"""Labels of the data sets have classes; splits follow from names alone, and keep artists together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from megami.corpus.recordings import (
    INSTRUMENT_CLASSES,
    RecordedSong,
    TrackFile,
    class_of_track,
    instrument_class,
    split_of,
)
from megami.corpus.recordings.songs import unique_names
from megami.corpus.recordings.splits import MUSDB_VALIDATION

LABELS = {  # of MedleyDB's taxonomy and MoisesDB's, and of people
    "voice": "male singer;female rapper;vocalists;lead male singer;human choir;background vocals;Lead Vox 2;BGV_L;"
    "other (vocoder, beatboxing etc)",
    "drums": "kick drum;snare drum;drum set;drum machine;bass drum;high hat;overheads;full_acoustic_drumkit;Kick In",
    "percussion": "tambourine;auxiliary percussion;a-tonal percussion (claps, shakers, congas, cowbell etc);timpani;"
    "pitched percussion (mallets, glockenspiel, ...);vibraphone",
    "bass": "electric bass;double bass;bass_guitar;bass synthesizer (moog etc);"
    "contrabass/double bass (bass of instrings)",
    "guitar": "clean electric guitar;distorted_electric_guitar;lap steel guitar or slide guitar;acoustic guitar;E-Gtr",
    "plucked": "banjo;mandolin;banjo, mandolin, ukulele, harp etc;guzheng",
    "keys": "piano;electric piano (rhodes, wurlitzer, piano sound alike);synth pad;synthesizer;organ, electric organ;"
    "other sounds (hapischord, melotron etc);tack piano",
    "strings": "violin;viola section;cello (solo);string section;other strings;erhu",
    "winds": "trumpet;french horn section;alto saxophone;bass clarinet;bassoon (bass of woodwind);accordion;"
    "flutes (piccolo, bamboo flute, panpipes, flutes etc);other wind",
    "other": "fx/processed sound;click track;Main System;Unlabeled;scratches;;audio_07",
}


def test_labels_have_the_class_that_a_musician_gives_them():
    assert set(LABELS) == set(INSTRUMENT_CLASSES)
    told = {label: instrument_class(label) for labels in LABELS.values() for label in labels.split(";")}
    assert told == {label: name for name, labels in LABELS.items() for label in labels.split(";")}


def test_a_track_without_a_label_goes_by_its_group_then_by_its_name():
    assert class_of_track(TrackFile(Path("x.wav"), "Lead Vox", "")) == "voice"
    assert class_of_track(TrackFile(Path("x.wav"), "vocals 1", "Unlabeled", "guitar")) == "guitar"
    assert class_of_track(TrackFile(Path("x.wav"), "vocals 1", "violin", "guitar")) == "strings"


def song(name: str, artist: str = "", published_split: str = "") -> RecordedSong:
    return RecordedSong("wet", name, (), (), None, False, artist=artist, published_split=published_split)


def test_songs_of_one_artist_are_in_one_split():
    for seed in range(20):
        assert len({split_of(song(f"song {index}", "Ann"), seed) for index in range(20)}) == 1
    assert len({split_of(song("any", "Ann"), seed) for seed in range(300)}) == 3
    assert split_of(song("a", "Sjöberg"), 0) == split_of(song("b", "Sjo\u0308berg "), 0)  # however it is typed


def test_published_lists_come_first():
    assert all(split_of(song("any", "Ann", "validation"), seed) == "validation" for seed in range(20))
    assert len(set(MUSDB_VALIDATION)) == 14


def test_shares_are_eight_one_one():
    counts = Counter(split_of(song(f"song {index}"), 0) for index in range(4000))
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        assert abs(counts[split] / 4000 - share) < 0.025  # 4 standard deviations


def test_names_become_unique():
    assert unique_names(["a", "b", "a", "a 1"]) == ["a 2", "b", "a 3", "a 1"]
