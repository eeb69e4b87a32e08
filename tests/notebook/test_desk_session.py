"""The mixing desk without its face: takes that follow what is wanted, trims, files, and a state that outlives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from megami.audio import framed_level_db, integrated_loudness, read_audio, write_audio
from megami.errors import UserError
from megami.mixing.wishes import Outcome
from megami.notebook.desk_session import DeskSession
from megami.notebook.desk_state import STATE_FILE, free_place
from megami.notebook.desk_work import Work
from megami.session import read_session

RATE = 44100


@pytest.fixture(scope="module")
def stems(tmp_path_factory, dry_tracks) -> Path:
    """A folder of three short stems, one of them called vocal."""
    folder = tmp_path_factory.mktemp("song")
    for name, track in zip(("vocal", "bass", "drums"), dry_tracks(3, 2.0).values(), strict=True):
        write_audio(folder / f"{name}.wav", torch.from_numpy(track)[None], RATE)
    return folder


@pytest.fixture
def open_desk(tmp_path, tiny_weights):
    """Give open_desk(): a desk in one folder, as a kernel that has just started has it."""
    return lambda: DeskSession(tmp_path / "desk", tiny_weights, steps=4, device="cpu")


@pytest.fixture
def desk(open_desk, stems) -> DeskSession:
    """A desk with one take of the song."""
    session = open_desk()
    session.load(stems)
    session.draw()
    return session


def level_over_others_db(tracks: torch.Tensor, index: int) -> float:
    """Level of a wet track against the sum of the others, in dB, each in its loudest 400 ms."""
    powers = [10 ** (framed_level_db(one, RATE) / 10) for one in (tracks[index], tracks.sum(0) - tracks[index])]
    return float(10 * torch.log10(powers[0].sum() / powers[1].sum()))


def test_a_kept_track_stays_and_a_wish_changes_only_it(desk) -> None:
    for track in desk.song.names:
        desk.keep(track, "Take 1")
    desk.wish("vocal", "level", 2.0)
    assert "all kept from Take 1; vocal level +2 dB" in desk.draw()
    first, second = desk.state.takes["Take 1"].plan, desk.state.takes["Take 2"].plan
    vocal = first.names.index("vocal")
    others = [index for index in range(3) if index != vocal]
    assert second.embeddings[others].equal(first.embeddings[others])
    assert not second.embeddings[vocal].equal(first.embeddings[vocal])
    mixes = [desk.mix(name).tracks for name in ("Take 1", "Take 2")]
    louder = level_over_others_db(mixes[1], vocal) - level_over_others_db(mixes[0], vocal)
    assert louder == pytest.approx(2.0, abs=0.5)
    assert desk.state.takes["Take 2"].wishes[0]["met"]


def test_only_what_is_kept_stays(desk) -> None:
    desk.keep("vocal", "Take 1")
    desk.draw(2)
    plans = [take.plan for take in desk.state.takes.values()]
    vocal = plans[0].names.index("vocal")
    assert all(plan.embeddings[vocal].equal(plans[0].embeddings[vocal]) for plan in plans)
    assert not plans[1].embeddings.equal(plans[0].embeddings) and not plans[1].embeddings.equal(plans[2].embeddings)
    desk.keep("vocal", None)
    assert desk.state.wanted(desk.song.names) == ""


def test_tracks_can_be_heard_as_what_they_are_called(desk) -> None:
    assert not any(taken.told for taken in desk.mix("Take 1").taken_for)
    desk.trust_names(True)
    desk.draw()
    heard = dict(zip(desk.song.names, desk.mix("Take 2").taken_for, strict=True))
    assert {name: taken.role for name, taken in heard.items()} == {"bass": "bass", "drums": "drums", "vocal": "vocal"}
    assert all(taken.told for taken in heard.values())


def test_a_trim_moves_one_fader_and_pan_and_the_mix_is_as_loud_as_before(desk) -> None:
    before = desk.mix("Take 1")
    desk.trim("Take 1", "vocal", gain_db=-6.0, pan=0.5)
    desk.hear("Take 1")
    names = dict(desk.heard()[0])
    assert integrated_loudness(names["Take 1"], RATE) == pytest.approx(integrated_loudness(before.audio, RATE), abs=0.3)
    assert not names["Take 1"].equal(before.audio) and desk.mix("Take 1").audio.equal(before.audio)
    assert "trimmed: vocal" in desk.heard()[1][1]
    desk.trim("Take 1", "vocal")
    desk.hear("Take 1")
    assert dict(desk.heard()[0])["Take 1"].equal(before.audio)


def test_an_export_holds_the_trimmed_take_and_writes_over_nothing(desk) -> None:
    desk.trim("Take 1", "bass", gain_db=5.0, pan=-1.0)
    folders = [desk.folder / "take-1", desk.folder / "take-1_2"]
    folders[0].mkdir()
    (folders[0] / "mix.wav").write_text("mine")
    assert str(folders[1]) in desk.export("Take 1")
    assert [path.name for path in folders[0].iterdir()] == ["mix.wav"] and (
        folders[0] / "mix.wav"
    ).read_text() == "mine"
    stems = {path.stem: read_audio(path)[0] for path in (folders[1] / "stems").iterdir()}
    plain = dict(zip(desk.mix("Take 1").names, desk.mix("Take 1").tracks, strict=True))
    assert stems["bass"][1].abs().max() == 0
    changed = {name: float(20 * torch.log10(stems[name][0].norm() / plain[name][0].norm())) for name in stems}
    assert changed["bass"] - changed["vocal"] == pytest.approx(5.0, abs=0.01)
    words = json.loads((folders[1] / "settings.json").read_text())
    assert words["trims"] == {"bass": {"gain_db": 5.0, "pan": -1.0}}
    assert {one["name"]: one["pan"] for one in words["tracks"]}["bass"] == pytest.approx(-1.0)
    assert [len(take.tracks) for take in read_session(folders[1] / "session.dawproject").takes] == [3]
    assert read_audio(folders[1] / "mix.wav")[0].shape[0] == 2


def test_a_new_kernel_finds_everything_as_it_was(desk, open_desk) -> None:
    desk.wish("mix", "width", 3.0)
    desk.keep("drums", "Take 1")
    desk.draw()
    desk.trim("Take 2", "vocal", gain_db=2.0)
    desk.hear("Take 2")
    again = open_desk()
    assert again.state.in_words() == desk.state.in_words()
    assert "2 takes" in again.restore()
    for (name, audio), (_, before) in zip(again.heard()[0], desk.heard()[0], strict=True):
        assert audio.equal(before), name
    assert again.draw() == "drawn: Take 3 (drums kept from Take 1; mix width +3 dB)"


def test_an_amount_of_a_take_is_another_take_with_its_trims(desk) -> None:
    desk.trim("Take 1", "bass", gain_db=1.0)
    desk.take_amount("Take 1", 0.0)
    take = desk.state.takes["Take 2"]
    assert take.made == "0 % of Take 1" and take.trims == desk.state.takes["Take 1"].trims
    assert not take.plan.embeddings.equal(desk.state.takes["Take 1"].plan.embeddings)
    desk.keep("bass", "Take 2")
    desk.drop("Take 2")
    assert list(desk.state.takes) == ["Take 1"] and not desk.state.keep
    assert "Take 3" in desk.draw()  # a name means one take for ever


def test_takes_of_another_song_are_set_aside(desk, tmp_path) -> None:
    before = (desk.folder / STATE_FILE).read_bytes()
    write_audio(tmp_path / "other" / "piano.wav", 0.1 * torch.randn(1, RATE), RATE)
    line = desk.load(tmp_path / "other")
    kept = [path for path in desk.folder.glob("desk-*.json")]
    assert len(kept) == 1 and kept[0].name in line and kept[0].read_bytes() == before
    assert not desk.state.takes and len(desk.heard()[0]) == 1


def test_files_of_others_are_never_written_over(desk, open_desk, tmp_path) -> None:
    other = open_desk()
    desk.wish("mix", "width", 1.0)
    other.song = desk.song
    with pytest.raises(UserError, match="another desk"):
        other.wish("mix", "width", 2.0)
    assert json.loads((desk.folder / STATE_FILE).read_text())["wishes"] == {"mix": {"width": 1.0}}
    (tmp_path / "mine").mkdir()
    for text in ("my notes", '{"desk": 1}', "[]"):
        (tmp_path / "mine" / STATE_FILE).write_text(text)
        with pytest.raises(UserError, match="not what a desk wrote"):
            DeskSession(tmp_path / "mine")
        assert (tmp_path / "mine" / STATE_FILE).read_text() == text


def test_records_with_weights_and_wet_stems_are_followed_together(desk, stems, tmp_path) -> None:
    for name, hz in (("bright", 5000.0), ("dark", 100.0)):
        tone = 0.2 * torch.sin(2 * torch.pi * hz * torch.arange(2 * RATE) / RATE)
        write_audio(tmp_path / f"{name}.wav", tone.expand(2, -1), RATE)
    bright, dark = tmp_path / "bright.wav", tmp_path / "dark.wav"
    free = desk.state.takes["Take 1"].plan.embeddings
    desk.state.drawn = 0  # the same seed again

    def drawn(references: str) -> torch.Tensor:
        desk.follow(references)
        line = desk.draw()
        desk.state.drawn = 0
        return desk.state.takes[line.split(": ")[1].split(" (")[0]].plan.embeddings, line

    more_bright, line = drawn(f"{bright}:2; {dark}")
    assert "after bright.wav:2, dark.wav" in line and not more_bright.equal(free)
    assert not drawn(f"{bright}; {dark}:2")[0].equal(more_bright)
    like_stems, line = drawn(f"{stems}")
    assert f"after {stems.name}" in line and not like_stems.equal(free)
    assert drawn("")[0].equal(free)


def test_takes_of_an_earlier_edition_are_not_read_as_something_else(desk, open_desk) -> None:
    words = json.loads((desk.folder / STATE_FILE).read_text())
    assert open_desk().state.takes and words["encoder"]
    (desk.folder / STATE_FILE).write_text(json.dumps({**words, "encoder": "of another edition"}))
    with pytest.raises(UserError, match="an earlier edition of the weights"):
        open_desk()


def test_uploads_go_into_a_folder_of_their_own(open_desk, stems) -> None:
    session = open_desk()
    (session.folder / "uploaded").mkdir(parents=True)
    files = {path.name: path.read_bytes() for path in stems.iterdir()}
    assert "3 tracks" in session.upload({**files, "../vocal.wav": files["vocal.wav"]})
    assert not any((session.folder / "uploaded").iterdir())
    assert {path.name for path in (session.folder / "uploaded_2").iterdir()} == set(files)


def test_mistakes_are_said_in_one_line(desk, tmp_path) -> None:
    for wrong in (
        lambda: desk.load(tmp_path / "nowhere"),
        lambda: desk.load(" "),
        lambda: desk.keep("vocal", "Take 9"),
        lambda: desk.keep("flute", "Take 1"),
        lambda: desk.wish("vocal", "loudness", 1.0),
        lambda: desk.wish("vocal", "level", 1000.0),
        lambda: desk.follow(str(tmp_path / "record.wav")),
        lambda: desk.follow(f"{tmp_path}; {tmp_path.parent}"),
        lambda: desk.follow(f"{tmp_path}:2"),
        lambda: desk.follow(f"{STATE_FILE}; {desk.folder / STATE_FILE}:-1"),
        lambda: desk.trim("Take 1", "vocal", pan=2.0),
        lambda: desk.take_amount("Take 1", 2.0),
        lambda: desk.export("Take 1", "cubase"),
        lambda: desk.export(""),
        lambda: DeskSession(desk.folder, "other"),
    ):
        with pytest.raises(UserError) as raised:
            wrong()
        assert "\n" not in str(raised.value)
    assert list(desk.state.takes) == ["Take 1"] and not (desk.folder / "take-1").exists()


def test_work_that_is_cancelled_leaves_what_was_finished(desk) -> None:
    lines = []

    def moved(stage: str, share: float) -> None:
        if stage == "mix 2":
            work.cancel()

    work = Work(lambda line, failed: lines.append((line, failed)), moved)
    assert work.start(lambda progress: desk.draw(3, progress))
    assert not work.start(lambda progress: "not while another is under way")
    assert work.wait(60) and not work.busy
    assert lines == [(lines[0][0], False)] and lines[0][0].startswith("cancelled")
    assert list(desk.state.takes) == ["Take 1", "Take 2"]
    assert work.start(lambda progress: desk.draw(0, progress)) and work.wait(60)
    assert lines[1] == ("the number of mixes must be from 1 to 100, not 0", True)
    assert work.start(lambda progress: str(1 // 0)) and work.wait(60)
    assert "ZeroDivisionError" in lines[2][0] and "\n" not in lines[2][0]


def test_free_places_and_outcomes(tmp_path) -> None:
    for name in ("take-1", "take-1_2", "desk.json"):
        (tmp_path / name).touch()
    assert free_place(tmp_path / "take-1").name == "take-1_3"
    assert free_place(tmp_path / "desk.json").name == "desk_2.json"
    assert free_place(tmp_path / "take-2").name == "take-2"
    outcome = Outcome("vocal", "level", wished=2.0, reached=1.994, within=0.1, usual=(-1.234, 2.0))
    assert json.loads(json.dumps(outcome.as_dict())) == {
        "track": "vocal",
        "measure": "level",
        "wished": 2.0,
        "reached": 1.99,
        "within": 0.1,
        "take": None,
        "strain": 0.0,
        "usual": [-1.23, 2.0],
        "met": True,
    }
