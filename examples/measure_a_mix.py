"""Measure any stereo mix: loudness, true peak, and the descriptors that the book compares mixes by.

python examples/measure_a_mix.py [MIX_FILE]
"""

import sys

import megami
from megami.audio import integrated_loudness, read_audio, true_peak_db
from megami.evaluation.measures.descriptors import NAMES, descriptors

if len(sys.argv) > 1:
    audio, sample_rate = read_audio(sys.argv[1])
else:  # no file: the plain sum of a sample song
    song = megami.read_multitrack("data_samples/paper_boats")
    audio, sample_rate = song.audio.sum(dim=0), song.sample_rate
stereo = audio.expand(2, -1)
print(f"loudness         {integrated_loudness(stereo, sample_rate):8.2f} LUFS")
print(f"true peak        {true_peak_db(stereo, sample_rate):8.2f} dBTP")
for name, value in zip(NAMES, descriptors(stereo[None], sample_rate)[0], strict=True):
    print(f"{name:<16} {value:8.2f}")
