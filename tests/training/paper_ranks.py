"""A script for test_paper_ranks.py: trains the published networks at tiny size into FOLDER, on every rank."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from made_features import made_data, tiny_recipe

from megami.training import PaperPlace, train_paper


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    recipe = tiny_recipe(steps=8, validate_every=4)
    train_paper(PaperPlace(folder), recipe, made_data(), ("adaptor", "generator"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
