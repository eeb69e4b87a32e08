"""A system for the benchmark by others: the raw sum of each song, mastered after references by Matchering 2.

pip install matchering
python examples/master_by_references.py SONGS_FOLDER REFERENCES_FOLDER OUT_FOLDER
"""

import json
import sys
from pathlib import Path

import matchering

from megami.audio import read_audio, write_audio

songs, references, out = map(Path, sys.argv[1:4])
for name, song in json.loads((songs / "songs.json").read_text(encoding="utf-8"))["songs"].items():
    dry = sum(read_audio(songs / name / track["file"])[0] for track in song["tracks"])
    raw = write_audio(out / name / "raw.wav", (dry / dry.abs().max() / 2).expand(2, -1))
    for number, reference in enumerate(sorted(references.glob("*.wav")), 1):  # one take for each reference
        mix = matchering.pcm24(str(out / name / f"mix_{number}.wav"))
        matchering.process(target=str(raw), reference=str(reference), results=[mix])
    raw.unlink()  # else it would be measured as one of the mixes
    print(out / name)
