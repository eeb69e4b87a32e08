"""A few classes of instruments for the labels of all data sets, so that tracks of one class can be grouped."""

from __future__ import annotations

import re

from megami.audio.track_names import words_of_name
from megami.corpus.recordings.songs import TrackFile

OTHER = "other"
CLASS_WORDS: dict[str, str] = {
    # In this order: an "fx/processed sound" is no instrument, a "bass clarinet" a wind, a "bass drum" a drum.
    OTHER: "fx sfx explosions scratches sampler click metronome unlabeled",
    "voice": "voice voices vocal vocals vox singer singers choir rapper rap speaker vocalists vocoder beatboxing "
    "crowd bgv bgvs bgvox backing",
    "percussion": "percussion perc shaker shakers tambourine tamb conga congas bongo bongos cowbell clap claps "
    "triangle guiro maracas cabasa castanet castanets rattle gong gu tabla darbuka doumbek timpani xylophone "
    "vibraphone marimba glockenspiel mallets bell bells chimes whistle",
    "drums": "drum drums drumkit drm kit kick kik bd bassdrum snare sn hat hats hihat hh overhead overheads oh tom "
    "toms cymbal cymbals",
    "winds": "wind winds woodwind brass horn horns trumpet trumpets trombone trombones tuba cornet euphonium flute "
    "flutes piccolo panpipes recorder dizi clarinet clarinets saxophone saxophones sax oboe bassoon bagpipe reeds "
    "harmonica concertina accordion bandoneon harmonium melodica",
    "bass": "bass bs contrabass 808 sub",
    "guitar": "guitar guitars gtr gtrs",
    "plucked": "banjo mandolin ukulele uke harp oud sitar guzheng liuqin zhongruan dulcimer yangqin plucked",
    "keys": "piano pno keys key keyboard keyboards organ rhodes wurlitzer wurli hammond clav clavinet harpsichord "
    "hapischord mellotron melotron synth synths synthesizer synthesiser theremin pad pads lead arp arpeggio",
    "strings": "strings string bowed violin violins viola violas cello cellos fiddle erhu",
}
"""Words that tell a class: of MedleyDB's taxonomy and MoisesDB's (its spellings too), and those that people use."""

PHRASES = {"bass drum": "drums", "high hat": "drums", "double bass": "bass", "acoustic guitar": "guitar"}
"""Labels of two words of which neither alone tells the class, or the wrong one first."""

INSTRUMENT_CLASSES = (*(name for name in CLASS_WORDS if name != OTHER), OTHER)
"""All classes."""


def instrument_class(label: str) -> str:
    """The class of an instrument by a data set's label for it, or by a track's name; "other" where neither tells.

    Sources: the taxonomies of MedleyDB (medleydb/resources/taxonomy.yaml) and of MoisesDB (moisesdb/defaults.py).
    MoisesDB files tuba and bassoon under bass; here they are winds, as in MedleyDB.

    >>> [instrument_class(label) for label in ("female singer", "bass clarinet", "Kick In", "bass_guitar", "")]
    ['voice', 'winds', 'drums', 'bass', 'other']
    """
    plain = re.sub(r"[\W_]+", " ", label.lower()).strip()
    for phrase, name in PHRASES.items():
        if phrase in plain:
            return name
    said = words_of_name(label)
    return next((name for name, words in CLASS_WORDS.items() if not said.isdisjoint(words.split())), OTHER)


def class_of_track(track: TrackFile) -> str:
    """The class of a track: by its label, else by its group, else by its name."""
    for label in (track.instrument, track.group, track.name):
        if (found := instrument_class(label)) != OTHER:
            return found
    return OTHER
