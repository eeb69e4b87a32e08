"""Mix a folder of dry stems three ways, and say how the balance of the tracks differs.

python examples/mix_a_folder.py [STEMS_FOLDER] [OUT_FOLDER]
"""

import sys
from pathlib import Path

import megami
from megami.audio import level_db

stems = Path(sys.argv[1] if len(sys.argv) > 1 else "data_samples/paper_boats")
out = Path(sys.argv[2] if len(sys.argv) > 2 else "my_mixes")

song = megami.read_multitrack(stems)
mixer = megami.Mixer.from_pretrained("small")
for number, mix in enumerate(mixer.mix(song, num_mixes=3, seed=0), 1):
    path = mix.save(out / f"mix_{number}.wav")
    levels = ", ".join(f"{name} {level_db(track):.0f}" for name, track in zip(mix.names, mix.tracks, strict=True))
    print(f"{path}: level of each track in dB: {levels}")
