"""The data that chapters learn from while one reads: make it again, each file from seeds by one command.

    python scripts/make_book_data.py guitar_points runs/small

The folder is the working folder of `megami train small`, whose studio songs are used (and rendered first if they are
not there: that needs the SoundFont and the speech synthesisers, see CONTRIBUTING). Files go to book/data, and their
SHA-256 sums to book/data/SHA256SUMS. Another machine may round differently in the last digit; the tests of the book
compare a few songs, made anew, within a tolerance.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from megami.corpus import CorpusConfig, build_features, build_songs, song_paths
from megami.corpus.band_plans import make_band_plans
from megami.corpus.chain_views import make_chain_views
from megami.corpus.code_mark import FEATURES, claim_code
from megami.corpus.guitar_points import make_guitar_points
from megami.corpus.track_pairs import make_track_pairs
from megami.corpus.wet_contents import make_wet_contents
from megami.evaluation.mixed_often import make_mixed_often
from megami.mixing import from_pretrained

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "book" / "data"
SUMS = DATA / "SHA256SUMS"


def guitar_points(path: Path, work: Path) -> None:
    """Level and position of one guitar in 480 songs by five engineers; of four songs ten mixes by each."""
    config, cache = CorpusConfig(), work / "cache"
    splits = ("train", "extra", "validation", "test")
    build_songs(cache, config, splits)
    build_features(cache, config, splits)
    songs = [file for split in splits for file in song_paths(cache, split, config)]
    make_guitar_points(path, songs, work / "book" / path.stem, number=480, often_songs=4, often_mixes=10)


def mixed_often(path: Path, work: Path) -> None:
    """All tracks of the sample song Porch Light in 40 mixes by each of five engineers; needs no studio songs."""
    make_mixed_often(path, ROOT / "data_samples", work / "book" / path.stem, mixes=40)


def band_plans(path: Path, work: Path) -> None:
    """One mix by each of five engineers of 220 songs, as plans, with the contents of the dry tracks, in 8 bits.

    200 are songs for training. The other 20 are test songs, of which no network of the small preset has learnt.
    """
    config, cache, networks = CorpusConfig(), work / "cache", from_pretrained("small")
    build_songs(cache, config, ("train", "test"))
    claim_code(cache, FEATURES)
    songs, embedding = {"train": 200, "test": 20}, networks.preset.embedding
    make_band_plans(path, cache, config, songs, embedding, networks.fx_encoder, networks.content_encoder)


def chain_views(path: Path, work: Path) -> None:
    """Views of 500 random effect chains on three clips each of 40 studio songs, and 200 chains to test with."""
    config, cache = replace(CorpusConfig(), train_songs=40), work / "cache"
    build_songs(cache, config, ("train",))
    songs = song_paths(cache, "train", config)
    make_chain_views(path, songs, ROOT / "data_samples", work / "book" / path.stem, chains=500, held_out=200)


def track_pairs(path: Path, work: Path) -> None:
    """Tracks of 200 songs as the content encoder hears them, dry and in one mix, with their effects, in 8 bits.

    150 are songs for training. The other 50 are test songs, of which no network of the small preset has learnt.
    """
    config, cache, networks = CorpusConfig(train_songs=150, test_songs=50), work / "cache", from_pretrained("small")
    splits = ("train", "test")
    build_songs(cache, config, splits)
    claim_code(cache, FEATURES)
    encoder, content = networks.fx_encoder, networks.content_encoder
    make_track_pairs(path, cache, config, splits, networks.preset.embedding, encoder, content)


def wet_contents(path: Path, work: Path) -> None:
    """Content of the wet tracks in the plans of 140 of those bands, 120 of them for training, in 8 bits."""
    config, cache, networks = CorpusConfig(), work / "cache", from_pretrained("small")
    build_songs(cache, config, ("train", "test"))
    claim_code(cache, FEATURES)
    make_wet_contents(path, cache, config, {"train": 120, "test": 20}, networks.content_encoder)


MAKERS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "band_plans": (band_plans, "band_plans.npz"),
    "chain_views": (chain_views, "chain_views.npz"),
    "guitar_points": (guitar_points, "guitar_points.npz"),
    "mixed_often": (mixed_often, "mixed_often.npz"),
    "track_pairs": (track_pairs, "track_pairs.npz"),
    "wet_contents": (wet_contents, "wet_contents.npz"),
}


def write_sums() -> None:
    """Note the hash of every file of the folder, in the format of `sha256sum`."""
    files = sorted(file for file in DATA.iterdir() if file.suffix in (".npz", ".safetensors"))
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    SUMS.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Make one file, and note its hash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(MAKERS))
    parser.add_argument("work", type=Path, help="working folder of `megami train small`")
    args = parser.parse_args()
    make, file = MAKERS[args.name]
    DATA.mkdir(exist_ok=True)
    make(DATA / file, args.work)
    write_sums()
    print(f"{DATA / file}: {(DATA / file).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
