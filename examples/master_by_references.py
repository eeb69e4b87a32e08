"""A system for the benchmark by others: the raw sum of each song, mastered after references by Matchering 2.

pip install matchering  (into an environment of its own, if you like: this script needs nothing of megami)
python examples/master_by_references.py SONGS_FOLDER REFERENCES_FOLDER OUT_FOLDER
"""

import sys
from pathlib import Path

import matchering
import numpy as np
import soundfile

songs, references, out = map(Path, sys.argv[1:4])
for song in sorted(path for path in songs.iterdir() if path.is_dir()):
    dry = [soundfile.read(path)[0] for path in sorted(song.glob("*.flac"))]
    (out / song.name).mkdir(parents=True)
    raw = out / song.name / "raw.wav"
    mono = np.sum(dry, axis=0)
    soundfile.write(raw, np.stack([mono, mono], axis=1) / np.abs(mono).max() / 2, 44100, "PCM_24")
    for number, reference in enumerate(sorted(references.glob("*.wav")), 1):  # one take for each reference
        mix = matchering.pcm24(str(out / song.name / f"mix_{number}.wav"))
        matchering.process(target=str(raw), reference=str(reference), results=[mix])
    raw.unlink()  # else it would be measured as one of the mixes
    print(out / song.name)
