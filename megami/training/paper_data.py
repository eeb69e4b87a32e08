"""What `--data` of `megami train paper` names: caches of features, or recordings whose features are computed first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from megami.corpus.recordings import (
    KINDS,
    FeatureSettings,
    FeatureShards,
    Recordings,
    build_feature_shards,
    feature_settings,
    open_recordings,
    split_of,
)
from megami.corpus.recordings.drawn_items import songs_for
from megami.corpus.recordings.shards import INDEX_FILE
from megami.errors import UserError
from megami.training.feature_items import FeatureItems
from megami.training.paper_workplace import TRAIN, VALIDATION, PaperData, PaperPlace, PaperRecipe
from megami.training.ranks import first_rank_ahead, start_ranks
from megami.training.sizes import listening_size

FEATURES = "features"
COUNTS = {"tiny": 4, "small": 2000, "paper": 20_000}
"""Items of each kind that are computed of a folder of recordings; 'megami data features' makes any number of them."""
TINY_SAMPLES = 2**15
"""Samples of a clip at size tiny (0.7 s); published: 11.9 s."""
LARGEST_SHARE = 1e6
VALIDATION_SHARE = 16
"""So many times fewer of the validation songs."""


def read_share(text: str) -> tuple[Path, float | None]:
    """Read "folder" or "folder:0.5": a folder of data and its share; a folder whose whole name is so goes first.

    Raises UserError for a share that is not above 0.
    """
    path, colon, number = text.rpartition(":")
    if not colon or not path or Path(text).exists():
        return Path(text), None
    try:
        share = float(number)
    except ValueError:  # the colon belongs to the path
        return Path(text), None
    if not 0 < share <= LARGEST_SHARE:
        raise UserError(f"{text}: the share of a data set must be a number above 0, at most {LARGEST_SHARE:g}")
    return Path(path), share


def open_data(
    place: PaperPlace, recipe: PaperRecipe, folders: tuple[Path, ...], shares: tuple[float | None, ...] = ()
) -> PaperData:
    """Open the features in all folders; of recordings they are computed first, into the run's folder.

    A folder is a cache, holds caches, or holds recordings. With shares, one for each folder (None: 1), items to learn
    from come from the folders in this proportion, however many each has; without any, every item as often as every
    other. Raises UserError for a folder that is none of these or is not there, and for features that were heard at
    another size.
    """
    if not folders:
        raise UserError("no data: give --data a folder of 'megami data features', or of recordings")
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder of data")
    found: dict[str, dict[str, list[FeatureItems]]] = {TRAIN: {}, VALIDATION: {}}
    of_folder: dict[str, list[int]] = {}
    for number, folder in enumerate(folders):
        caches = caches_in(folder) or computed(place, recipe, folder, number)
        for cache in caches:
            check_size(cache, recipe)
            if cache.words["split"] in found:  # songs to test on are not looked at
                found[cache.words["split"]].setdefault(cache.kind, []).append(cache)
            if cache.words["split"] == TRAIN:
                of_folder.setdefault(cache.kind, []).append(number)
    train, validation = ({kind: tuple(items) for kind, items in found[split].items()} for split in found)
    if all(share is None for share in shares):
        return PaperData(train, validation)
    told = [1.0 if share is None else share for share in shares]
    return PaperData(train, validation, {kind: divided(train[kind], of_folder[kind], told) for kind in train})


def divided(collections: tuple[FeatureItems, ...], of_folder: list[int], shares: list[float]) -> tuple[float, ...]:
    """The share of every collection: that of its folder, divided among its collections by how many items each has."""
    items: dict[int, int] = {}
    for own, folder in zip(collections, of_folder, strict=True):
        items[folder] = items.get(folder, 0) + len(own)
    return tuple(shares[folder] * len(own) / items[folder] for own, folder in zip(collections, of_folder, strict=True))


def caches_in(folder: Path) -> list[FeatureShards]:
    """The caches of features that a folder is, or holds."""
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [FeatureShards.open(path) for path in places if (path / INDEX_FILE).is_file()]


def check_size(cache: FeatureShards, recipe: PaperRecipe) -> None:
    """Raise UserError unless features were heard by the listeners of the recipe's size."""
    there, wanted = cache.words["listeners"]["size"], listening_size(recipe.size)
    if there != wanted:
        raise UserError(
            f"{cache.folder}: features of size {there}; --size {recipe.size} learns from those of size {wanted}"
        )


def computed(place: PaperPlace, recipe: PaperRecipe, folder: Path, number: int) -> list[FeatureShards]:
    """Compute what a folder of recordings has the tracks for: into the run's folder, once, and opened from then on."""
    recordings = open_recordings(folder)
    start_ranks(place.device, place.devices, nodes=place.nodes)
    with first_rank_ahead():  # the others open what rank 0 has computed
        return list(compute(place, recipe, recordings, place.folder / FEATURES / f"{number}_{recordings.name}"))


def settings_of(size: str) -> FeatureSettings:
    """How audio is drawn for features: as 'megami data features' does, but short at size tiny."""
    settings = feature_settings(listening_size(size))
    if size != "tiny":
        return settings
    draw = settings.draw
    pairs, crops = (replace(clips, samples=TINY_SAMPLES) for clips in (draw.pairs, draw.crops))
    mixes = replace(draw.mixes, samples=TINY_SAMPLES)
    return replace(settings, draw=replace(draw, mixes=mixes, pairs=pairs, crops=crops))


def compute(place: PaperPlace, recipe: PaperRecipe, recordings: Recordings, out: Path) -> Iterator[FeatureShards]:
    """Features of every kind and split that there are songs for."""
    from megami.published.listeners import load_listeners  # here, because caches need none

    listeners = load_listeners(listening_size(recipe.size), place.device, place.weights_dir)
    settings = settings_of(recipe.size)
    workers = place.workers or (0 if recipe.size == "tiny" else None)  # for so little no processes need to start
    songs = recordings.songs()
    for split in (TRAIN, VALIDATION):
        own = tuple(song for song in songs if split_of(song, recipe.seed) == split)
        count = COUNTS[recipe.size] if split == TRAIN else max(2, COUNTS[recipe.size] // VALIDATION_SHARE)
        for kind in KINDS:
            if songs_for(own, kind):
                yield build_feature_shards(
                    out, recordings, kind, settings, listeners, recipe.seed, count, workers, split
                )
