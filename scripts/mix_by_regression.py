"""Mix the test songs by a ridge regression: a system for the benchmark whose every knob one can read.

    megami evaluate --quick --write-songs songs
    python scripts/mix_by_regression.py songs mixes/ridge
    megami evaluate --quick --systems mixes

It learns a fader and a pan pot for each track from the plans of five engineers for songs that are not in the test
(book/data/band_plans.npz), and knows of a track its role and how many others there are. Being a regression, it answers
with the mean of the engineers, as the chapter "Many right answers" explains.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from megami.audio import framed_level_db, read_audio, write_audio
from megami.corpus.band_plans import read_band_plans
from megami.effects.balance import balance_tracks
from megami.embeddings.effect_embedding import decode
from megami.presets import preset
from megami.studio import ROLES

PLANS = Path(__file__).resolve().parents[1] / "book" / "data" / "band_plans.npz"
RIDGE = 1.0
PEAK = 0.5


def features(roles: list[str]) -> Tensor:
    """What is known of the tracks of a song: role, how many there are of it, how many in all. [tracks, features]"""
    role = one_hot(torch.tensor([ROLES.index(name) for name in roles]), len(ROLES)).double()
    return torch.cat([role, role * role.sum(0), role * len(roles)], dim=1)


def learn() -> Tensor:
    """Weights [features, 2] of level in dB and of position from -1 to 1, averaged over the engineers of each song."""
    embedding = preset("small").embedding
    data = read_band_plans(PLANS, embedding)
    data = data.take(~data.held_out)  # the others are test songs: their plans are the answers
    plans = decode(embedding, data.plans)
    # Right minus left over both is sin(pi/2 position) by the constant-power law of `balance_tracks`.
    position = 2 / torch.pi * plans["imbalance"].clamp(-1, 1).asin()
    wanted = torch.stack([plans["level_db"].mean(-1), position], dim=-1).mean(1)[data.mask].double()
    known = torch.cat([features(list(roles)) for roles in data.roles])
    return torch.linalg.solve(known.T @ known + RIDGE * torch.eye(known.shape[1]), known.T @ wanted)


def mix(dry: Tensor, roles: list[str], weights: Tensor) -> Tensor:
    """Give dry tracks [tracks, samples] their levels and positions, and sum them: [2, samples], peak at PEAK."""
    level_db, position = (features(roles) @ weights).float().T
    out = balance_tracks(dry, level_db - framed_level_db(dry), position.clamp(-1, 1)).sum(0)
    return PEAK * out / out.abs().max()


def main(songs: Path, out: Path) -> None:
    """Mix every song of a folder that `megami evaluate --write-songs` wrote."""
    weights = learn()
    for name, song in json.loads((songs / "songs.json").read_text(encoding="utf-8"))["songs"].items():
        dry = torch.cat([read_audio(songs / name / track["file"])[0] for track in song["tracks"]])
        print(write_audio(out / name / "mix.wav", mix(dry, [track["role"] for track in song["tracks"]], weights)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
