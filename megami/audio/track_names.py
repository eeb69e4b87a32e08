"""What the name of a track says that it is, for those who ask: names are never used unasked."""

from __future__ import annotations

import re

WORDS: dict[str, str] = {
    # In this order: a bass drum is a drum, a bass guitar a bass; a lead vocal is a vocal, whoever leads.
    "drums": "drum drums drm kit kick kik bd bassdrum snare sn sd hat hats hihat hh oh overhead overheads tom toms "
    "cymbal cymbals ride crash",
    "percussion": "perc percussion shaker tamb tambourine conga congas bongo bongos cowbell clap claps triangle guiro",
    "vocal": "vocal vocals vox voc voice voices singer bgv bgvs bgvox bv bvs choir adlib adlibs harmonies rap tenor "
    "alto soprano baritone",
    "bass": "bass bs basses contrabass 808 sub",
    "lead": "lead solo melody trumpet trombone horn horns brass sax saxophone flute clarinet oboe violin fiddle "
    "harmonica",
    "pad": "pad pads strings ambience atmos drone",
    "chords": "guitar guitars gtr gtrs acoustic piano pno keys keyboard keyboards rhodes wurli wurlitzer organ "
    "hammond clav clavinet banjo mandolin ukulele uke chord chords rhythm arp",
}
"""What tracks of each role are called."""


def role_of_name(name: str) -> str | None:
    """The role that a track's name tells, or None: "02 Lead Vox_L" -> "vocal", "audio_07" -> None.

    A name that tells two things goes by the first role of WORDS that it fits.
    """
    said = words_of_name(name)
    for role, words in WORDS.items():
        if not said.isdisjoint(words.split()):
            return role
    return None


def words_of_name(name: str) -> set[str]:
    """The words in a track's name, in small letters: "02_LeadVox" has lead and vox."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().replace("bass drum", "bassdrum")
    return set(re.findall(r"[^\W\d_]+|808", apart))


def roles_of_names(names: tuple[str, ...]) -> dict[str, str]:
    """Roles of all tracks whose names tell one, by name."""
    told = {name: role_of_name(name) for name in names}
    return {name: role for name, role in told.items() if role is not None}
