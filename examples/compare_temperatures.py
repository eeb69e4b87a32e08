"""How far apart are the mixes of one song? Compare sampling temperatures by the spread of every track's level.

python examples/compare_temperatures.py [STEMS_FOLDER]
"""

import sys

import torch

import megami
from megami.audio import level_db

song = megami.read_multitrack(sys.argv[1] if len(sys.argv) > 1 else "data_samples/paper_boats")
mixer = megami.Mixer.from_pretrained("small")
print("temperature: standard deviation of each track's level over three mixes, in dB")
for temperature in (0.25, 0.5, 1.0):
    mixes = mixer.mix(song, num_mixes=3, seed=0, temperature=temperature)
    levels = torch.stack([level_db(mix.tracks) for mix in mixes])  # [mixes, tracks]
    spread = zip(song.names, levels.std(dim=0), strict=True)
    print(f"{temperature:11}: " + ", ".join(f"{name} {deviation:.1f}" for name, deviation in spread))
