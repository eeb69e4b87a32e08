"""Speech of Debian's synthesisers, run as programs: who speaks, and words to samples.

The programs stay apart from this package, which uses what they say and ships none of it. Licences: flite and its voices
(cmu_us_*) are free in the manner of BSD; festival and its English voices as well (EST licence, each with its notice);
the Czech and Italian festvox voices are under the GPL, the Catalan and Finnish ones under the LGPL; espeak-ng is under
the GPL 3.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import soundfile

from megami.errors import UserError

PACKAGES = (
    "flite", "espeak-ng", "festival", "festvox-us-slt-hts", "festvox-kallpc16k", "festvox-kdlpc16k",
    "festival-czech", "festvox-czech-dita", "festvox-czech-krb", "festvox-czech-machac", "festvox-czech-ph",
    "festvox-italp16k", "festvox-itapc16k", "festvox-ca-ona-hts", "festvox-suopuhe-lj", "festvox-suopuhe-mv",
)  # fmt: skip
"""Debian packages that hold the programs and voices."""


@dataclass(frozen=True)
class SpeechVoice:
    """A voice of a synthesiser.

    `program` is flite, festival or espeak-ng, `name` what that program calls the voice, `speaker` man, woman or child,
    and `language` the vocabulary that it can read (english or latin).
    """

    program: str
    name: str
    speaker: str
    language: str


VOICES: tuple[SpeechVoice, ...] = (
    SpeechVoice("flite", "slt", "woman", "english"),
    SpeechVoice("flite", "rms", "man", "english"),
    SpeechVoice("flite", "awb", "man", "english"),
    SpeechVoice("flite", "kal16", "man", "english"),
    SpeechVoice("festival", "cmu_us_slt_arctic_hts", "woman", "english"),
    SpeechVoice("festival", "ked_diphone", "man", "english"),
    SpeechVoice("festival", "kal_diphone", "man", "english"),
    SpeechVoice("festival", "czech_dita", "woman", "latin"),
    SpeechVoice("festival", "czech_krb", "child", "latin"),
    SpeechVoice("festival", "czech_machac", "man", "latin"),
    SpeechVoice("festival", "czech_ph", "man", "latin"),
    SpeechVoice("festival", "lp_diphone", "woman", "latin"),
    SpeechVoice("festival", "pc_diphone", "man", "latin"),
    SpeechVoice("festival", "upc_ca_ona_hts", "woman", "latin"),
    SpeechVoice("festival", "suo_fi_lj_diphone", "woman", "latin"),
    SpeechVoice("festival", "hy_fi_mv_diphone", "man", "latin"),
    SpeechVoice("espeak-ng", "en-us+m3", "man", "english"),
    SpeechVoice("espeak-ng", "en-gb-scotland+m7", "man", "english"),
    SpeechVoice("espeak-ng", "it+m4", "man", "latin"),
    SpeechVoice("espeak-ng", "en-us+f2", "woman", "english"),
    SpeechVoice("espeak-ng", "en-us+f4", "woman", "english"),
    SpeechVoice("espeak-ng", "es+f5", "woman", "latin"),
    SpeechVoice("espeak-ng", "it+f3", "woman", "latin"),
)

# Where a festvox voice lies; those that are not there are named by package.
_FESTIVAL_FOLDERS = ("/usr/share/festival/voices", "/usr/local/share/festival/voices")
_PACKAGE_OF = {
    "cmu_us_slt_arctic_hts": "festvox-us-slt-hts", "kal_diphone": "festvox-kallpc16k",
    "ked_diphone": "festvox-kdlpc16k", "czech_dita": "festvox-czech-dita", "czech_krb": "festvox-czech-krb",
    "czech_machac": "festvox-czech-machac", "czech_ph": "festvox-czech-ph", "lp_diphone": "festvox-italp16k",
    "pc_diphone": "festvox-itapc16k", "upc_ca_ona_hts": "festvox-ca-ona-hts",
    "suo_fi_lj_diphone": "festvox-suopuhe-lj", "hy_fi_mv_diphone": "festvox-suopuhe-mv",
}  # fmt: skip
_ESPEAK_PITCH = "70"  # of 0 to 99; 50, its own, puts men where WORLD finds no pitch


@cache
def find_synthesisers() -> dict[str, str]:
    """Versions of the synthesisers and of WORLD, by name. Raises UserError that says which packages to install."""
    missing = [program for program in ("flite", "festival", "espeak-ng") if shutil.which(program) is None]
    there = {path.name for folder in _FESTIVAL_FOLDERS for path in Path(folder).glob("*/*")}
    missing += [package for voice, package in _PACKAGE_OF.items() if voice not in there]
    try:
        world = version("pyworld")
    except PackageNotFoundError:
        world = None
    orders = [f"apt-get install {' '.join(missing)} (Debian, Ubuntu)"] if missing else []
    orders += ["pip install pyworld"] if world is None else []
    if orders or world is None:
        raise UserError(f"the studio's many voices need speech synthesisers: {'; '.join(orders)}")
    said = {
        "flite": _run(("flite", "--version")),
        "festival": _run(("festival", "--version")),
        "espeak-ng": _run(("espeak-ng", "--version")),
    }
    return {name: _number(text) for name, text in said.items()} | {"pyworld": world}


def speak(voice: SpeechVoice, texts: Sequence[str], pace: float = 1.0) -> list[tuple[np.ndarray, int]]:
    """Speak texts with one voice, `pace` times as fast as usual: (mono samples, sample rate) for each.

    Raises UserError where the synthesiser is not installed or says nothing.
    """
    find_synthesisers()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{index}.wav" for index in range(len(texts))]
        if voice.program == "festival":
            _festival(voice, texts, files, pace)
        for text, file in zip(texts, files, strict=True):
            if voice.program == "flite":
                stretch = f"duration_stretch={1.0 / pace:.3f}"
                _run(("flite", "-voice", voice.name, "--setf", stretch, "-t", text, "-o", str(file)))
            elif voice.program == "espeak-ng":
                speed = str(round(160 * pace))
                _run(("espeak-ng", "-v", voice.name, "-s", speed, "-p", _ESPEAK_PITCH, "-w", str(file), text))
            if not file.is_file():
                raise UserError(f"{voice.program} gave no sound for its voice {voice.name}: is it installed whole?")
        return [soundfile.read(file) for file in files]


def _festival(voice: SpeechVoice, texts: Sequence[str], files: Sequence[Path], pace: float) -> None:
    """All texts in one run: the program takes longer to start than to speak."""
    lines = [f"(voice_{voice.name})", f"(Parameter.set 'Duration_Stretch {1.0 / pace:.3f})"]
    for text, file in zip(texts, files, strict=True):
        lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{file.as_posix()}")')
    script = files[0].with_name("speak.scm")
    script.write_text("\n".join(lines) + "\n", encoding="ascii")
    _run(("festival", "-b", str(script)))


def _run(command: Sequence[str]) -> str:
    """What a program prints; whether it did its work is seen by the files it leaves."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace")


def _number(text: str) -> str:
    """The version in what a program says of itself."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else "unknown"
