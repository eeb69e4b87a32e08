"""`megami mix` with --from, --keep, --wish and --amount: what is asked is done, said in mixes.json, or refused."""

from __future__ import annotations

import json
import shutil
from math import log10
from pathlib import Path

import pytest

from megami.cli.plans import Kept, Place


def words_of(folder: Path) -> dict:
    return json.loads((folder / "mixes.json").read_text(encoding="utf-8"))


def against_the_rest(tracks: dict, name: str) -> float:
    """Level of a track against that of all others, in the sound, in dB."""
    powers = {track: sum(10 ** (level / 10) for level in said["level_in_mix_db"]) for track, said in tracks.items()}
    own = powers.pop(name)
    return 10 * log10(own / sum(powers.values()))


def test_a_former_mix_is_made_again_and_for_another_song(mix, stems, write_stems, dry_tracks, tmp_path):
    (first, _) = mix(stems, "--seed", 3).done()
    (again, _) = mix(
        stems, "--from", tmp_path / "mixes" / "mix_1", "--num-mixes", 1, "--out", tmp_path / "again"
    ).done()
    assert again.read_bytes() == first.read_bytes()
    plans = words_of(tmp_path / "mixes")["plans"]["mix_1"]
    assert words_of(tmp_path / "again")["plans"]["mix_1"] == plans
    assert words_of(tmp_path / "again")["keep"] == {"all tracks": "mixes/mix_1"}
    other = write_stems(dry_tracks(4, 1.0, seed=5), "other")
    mix(other, "--from", tmp_path / "mixes", "--out", tmp_path / "other mixes").done()
    theirs = words_of(tmp_path / "other mixes")["plans"]["mix_1"]
    assert {name: theirs[name] for name in plans} == plans and len(theirs) == 4


def test_tracks_are_kept(mix, stems, tmp_path):
    mix(stems, "--num-mixes", 2, "--seed", 3).done()
    wav, manifest = tmp_path / "mixes" / "mix_2.wav", words_of(tmp_path / "mixes")
    mix(stems, "--keep", f"track 01={wav}", "--num-mixes", 2, "--out", tmp_path / "kept").done()
    mix(stems, "--from", wav, "--keep", "track 01", "--num-mixes", 2, "--out", tmp_path / "same").done()
    kept, same = words_of(tmp_path / "kept"), words_of(tmp_path / "same")
    assert kept["plans"] == same["plans"] and kept["keep"] == same["keep"] == {"track 01": "mixes/mix_2"}
    for plan in kept["plans"].values():
        assert plan["track 01"] == manifest["plans"]["mix_2"]["track 01"]
        assert plan["track 00"] != manifest["plans"]["mix_2"]["track 00"]


def test_wishes_are_met_and_said(mix, stems, tmp_path):
    small = ["--weights", "small", "--steps", 8]  # plans of random weights ask for levels that no track can have
    mix(stems, "--seed", 3, *small).done()
    wish = [
        *small,
        "--from",
        tmp_path / "mixes" / "mix_1",
        "--wish",
        "track 00:level=+2",
        "--wish",
        "track 01:pan=at 1.5",
    ]
    mix(stems, *wish, "--out", tmp_path / "wished").done()
    before, after = (words_of(tmp_path / folder) for folder in ("mixes", "wished"))
    level, pan = after["mixes"][0]["wishes"]
    assert level["met"] and level["wished"] == pytest.approx(level["take"] + 2, abs=0.02)
    assert pan["met"] and pan["reached"] == pytest.approx(1.5, abs=0.2) and pan["take"] is None
    assert after["wishes"] == ["track 00:level=+2", "track 01:pan=at 1.5"]
    assert after["plans"]["mix_1"]["track 02"] == before["plans"]["mix_1"]["track 02"]
    heard = [against_the_rest(words["mixes"][0]["tracks"], "track 00") for words in (before, after)]
    assert heard[1] - heard[0] == pytest.approx(2.0, abs=0.5)


def test_amounts(mix, stems, tmp_path):
    mix(stems, "--seed", 3).done()
    for folder, amount in (("none", "0"), ("half", "0.5")):
        place = tmp_path / "mixes" / "mix_1"
        mix(stems, "--from", place, "--amount", amount, "--amount", "level=1", "--out", tmp_path / folder).done()
    none, half, full = (words_of(tmp_path / folder)["mixes"][0]["tracks"] for folder in ("none", "half", "mixes"))
    for name, said in full.items():
        mean = [sum(words[name]["level_db"]) / 2 for words in (none, half, full)]
        assert mean == pytest.approx([mean[2]] * 3, abs=0.05)  # the level stays that of the mix
        assert abs(none[name]["imbalance"]) < 0.02
        middle = (none[name]["imbalance"] + said["imbalance"]) / 2
        assert half[name]["imbalance"] == pytest.approx(middle, abs=0.02)
    assert words_of(tmp_path / "half")["amounts"] == ["0.5", "level=1"]


def test_records_are_followed(mix, stems, tmp_path):
    (first, _) = mix(stems, "--seed", 3).done()
    mix(stems, "--reference", first, "--out", tmp_path / "like").done()
    assert words_of(tmp_path / "like")["references"] == ["mix_1.wav"]
    halves = ["--reference", f"{first}:0.5"] * 2
    mix(stems, *halves, "--reference", f"{first}:0", "--out", tmp_path / "halves").done()
    assert words_of(tmp_path / "halves")["references"] == ["mix_1.wav:0.5", "mix_1.wav:0.5", "mix_1.wav:0"]
    assert (tmp_path / "halves" / "mix_1.wav").read_bytes() == (tmp_path / "like" / "mix_1.wav").read_bytes()
    for record, words in ((tmp_path / "no record.wav", "no record.wav"), (f"{first}:-2", "a number from 0 to 100")):
        mix(stems, "--reference", record, "--out", tmp_path / "new").refused(words)
        assert not (tmp_path / "new").exists()


def test_stems_of_another_song_are_followed(mix, stems, tmp_path):
    mix(stems, "--seed", 3, "--stems").done()
    wet = tmp_path / "mixes" / "mix_1_tracks"
    mix(stems, "--reference-stems", wet, "--seed", 4, "--out", tmp_path / "like").done()
    words = words_of(tmp_path / "like")
    assert words["reference_stems"] == "mix_1_tracks"
    assert set(words["mixes"][0]["treated_like"]) <= {path.stem for path in stems.iterdir()}
    mix(stems, "--reference-stems", tmp_path / "nowhere", "--out", tmp_path / "new").refused("nowhere")
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_done_is_refused_and_leaves_nothing(mix, stems, tmp_path):
    mix(stems, "--num-mixes", 2).done()
    place, out = tmp_path / "mixes" / "mix_1", tmp_path / "new"
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    words = words_of(tmp_path / "mixes")
    words["plans"]["mix_1"]["track 00"] = "not base 64!"
    (damaged / "mixes.json").write_text(json.dumps(words))
    older = tmp_path / "older"
    older.mkdir()
    (older / "mixes.json").write_text(json.dumps({"megami": "0.1.0"}))
    earlier = tmp_path / "earlier"
    shutil.copytree(tmp_path / "mixes", earlier)
    words = json.loads((earlier / "mixes.json").read_text())
    (earlier / "mixes.json").write_text(json.dumps({**words, "effect_encoder": "of another edition"}))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "mixes.json").write_text("hello")
    for options, said in (
        (["--keep", "track 00"], ("from which mix?", "track 00=mixes/mix_1")),
        (["--keep", "track 00="], ("write the track and the mix",)),
        (["--keep", f"voice={place}"], ("no track is called 'voice'", "track 00, track 01")),
        (["--keep", f"track 00={place}", "--keep", f"track 00={place}"], ("track 00 is kept already",)),
        (["--keep", f"track 00={tmp_path / 'nowhere' / 'mix_1'}"], ("cannot be read", "mixes/mix_1")),
        (["--from", tmp_path / "mixes" / "mix_7"], ("has no mix_7: it holds mix_1, mix_2",)),
        (["--from", tmp_path / "mixes"], ("holds 2 mixes: say which",)),
        (["--from", earlier / "mix_1"], ("an earlier edition of the weights", "mix once more")),
        (["--from", damaged / "mix_1"], ("the plan of mix_1 is damaged",)),
        (["--from", older], ("holds no plans",)),
        (["--from", tmp_path / "text"], ("is not a list of mixes",)),
        (["--from", place, "--weights", "small"], ("was made with --weights random_weights0",)),
        (["--wish", "track 00 louder"], ("--wish track 00 louder: write a track, a measure and dB",)),
        (["--wish", "voice:level=+2"], ("no track is called 'voice'",)),
        (["--wish", "track 00:volume=+2"], ("choose from level, pan, width, brightness, reverb",)),
        (["--amount", "2"], ("from 0 to 1, not 2.0",)),
        (["--amount", "loudness=0.5"], ("no amount of 'loudness'",)),
        (["--amount", "0.5", "--wish", "track 00:level=+2"], ("an amount would undo the wishes",)),
    ):
        mix(stems, "--out", out, *options).refused(*said)
        assert not out.exists()
    before = {path.name: path.read_bytes() for path in (tmp_path / "mixes").iterdir()}
    mix(stems, "--from", place).refused("holds the mix that is kept", "choose another --out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "mixes").iterdir()} == before


def test_places():
    folder = Path("some") / "mixes"
    for text in ("mix_2", "mix_2.wav", "mix_2.flac"):
        assert Place.of(str(folder / text)) == Place(folder / "mixes.json", "mix_2")
    assert Place.of(str(folder / "mixes.json")) == Place(folder / "mixes.json", None)
    assert Kept.of("a/mix_1", ()).whole == Place(Path("a") / "mixes.json", "mix_1")
    assert Kept.of("a/mix_1", ("x=b/mix_2", "y")).tracks == {"x": Place.of("b/mix_2"), "y": Place.of("a/mix_1")}
