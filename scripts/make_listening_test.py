"""Write the listening test of the chapter "Asking listeners" as one page to hand out (make listening-test).

    python scripts/make_listening_test.py [--out FOLDER]    FOLDER: listening_test if not given

Mixes both long sample songs in seven ways (raw sum, rules, regression, three takes by MEGAMI, an engineer), from fixed
seeds. A later run replaces what it wrote before, and no other file. Exit code 2 and one line if
something is in the way.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from megami.cli.output_folder import appearing_files
from megami.errors import UserError
from megami.evaluation.listening_versions import (
    LISTENED_SONGS,
    VERSIONS,
    excerpt_of,
    listening_versions,
    regression_mixer,
)
from megami.mixing import Mixer
from megami.notebook.hand_out import NOTE, PAGE, write_hand_out

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
SEED = 0


def make_listening_test(out: Path, start_s: float = 0.0, seconds: float | None = None) -> Path:
    """Mix the songs, or a passage of both, and write page and note into `out`; returns the page."""
    with appearing_files(out, names=[PAGE, NOTE]) as partial:
        songs = {title: excerpt_of(SAMPLES / folder, start_s, seconds) for folder, title in LISTENED_SONGS.items()}
        mixer = Mixer.from_pretrained("small")
        regression = regression_mixer(mixer)
        versions = {}
        with tqdm(total=len(songs) * len(VERSIONS), desc="listening test", disable=None) as bar:
            for title, song in songs.items():

                def show(version: str, done: int, total: int, title: str = title) -> None:
                    bar.set_postfix_str(f"{title}: {version}")
                    bar.update(bool(done))

                versions[title] = listening_versions(song, mixer, regression, SEED, show)
                bar.update()
        rate = next(iter(songs.values())).multitrack.sample_rate
        write_hand_out(partial, versions, rate)
    return out / PAGE


def main() -> None:
    """Make the page, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("listening_test"), help="folder to write into")
    args = parser.parse_args()
    try:
        page = make_listening_test(args.out)
    except UserError as error:
        print(f"make_listening_test: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{page} ({page.stat().st_size / 1e6:.1f} MB): hand it out, and read {args.out / NOTE}")


if __name__ == "__main__":
    main()
