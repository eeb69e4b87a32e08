"""What tracks are taken for, what a hint changes, and what is said when name and sound disagree."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import megami
from megami.adaptation import EarEncoder, describe_source
from megami.audio import SAMPLE_RATE, Multitrack, read_multitrack, resample
from megami.audio.track_names import role_of_name
from megami.cli.main import main
from megami.embeddings.effect_embedding import split_parts
from megami.errors import SongWarning, UserError
from megami.mixing.hearing import TakenFor, doubtful_names

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
ROLES_OF_SAMPLES = {
    "paper_boats": {"vocal": "vocal", "bass": "bass", "drums": "drums", "piano": "chords"},
    "night_bus": {"vocal": "vocal", "drums": "drums", "synth_bass": "bass"},
    "porch_light": {"vocal": "vocal", "double_bass": "bass", "drums": "drums", "nylon_guitar": "chords"},
    "corner_store": {"kick": "drums", "snare": "drums", "overheads": "drums", "slap_bass": "bass"},
}


@pytest.fixture(scope="module")
def mixer() -> megami.Mixer:
    return megami.Mixer.from_pretrained("small", "cpu")


@pytest.fixture(scope="module")
def song() -> Multitrack:
    return read_multitrack(SAMPLES / "paper_boats")


@pytest.mark.parametrize("name", ROLES_OF_SAMPLES)
def test_tracks_of_the_sample_songs_are_taken_for_what_they_are(mixer, name):
    stems = read_multitrack(SAMPLES / name)
    taken = dict(zip(stems.names, mixer.hear(stems).taken_for, strict=True))
    for track, role in ROLES_OF_SAMPLES[name].items():
        assert taken[track].role == role, (track, taken[track])
        assert 0.5 < taken[track].share <= 1 and not taken[track].told


def test_a_hint_moves_what_is_learned_and_leaves_what_is_measured(mixer, song):
    plain, told = mixer.hear(song), mixer.hear(song, roles={"piano": "vocal"})
    index = song.names.index("piano")
    others = [i for i in range(song.num_tracks) if i != index]
    assert torch.equal(plain.content[others], told.content[others])
    before, after = (split_parts(mixer.preset.content.parts, one.content[index]) for one in (plain, told))
    assert float(torch.cosine_similarity(before.fx, after.fx, dim=-1)) < 0.9
    assert torch.allclose(before.dynamics, after.dynamics, atol=1e-6)
    assert torch.allclose(before.spectrum, after.spectrum, atol=1e-6)
    assert told.taken_for[index].role == "vocal" and told.taken_for[index].told and told.taken_for[index].share > 0.999


def test_what_is_told_is_near_true_tracks_of_that_role(mixer, song):
    """A piano that is called a vocal is described as voices are, so it lies nearer to the vocal than it did."""
    told = mixer.hear(song, roles={"piano": "vocal"}).content
    plain = mixer.hear(song).content
    piano, vocal = song.names.index("piano"), song.names.index("vocal")
    parts = mixer.preset.content.parts
    learned = [split_parts(parts, one).fx for one in (plain[piano], told[piano], plain[vocal])]
    near = torch.nn.functional.cosine_similarity
    assert near(learned[1], learned[2], dim=-1) > near(learned[0], learned[2], dim=-1) + 0.2


def test_an_encoder_that_hears_by_itself_is_asked_and_the_bank_only_where_it_was_told(mixer, song):
    """The bank still says what tracks are taken for."""
    encoder = EarEncoder(replace(mixer.preset.content, by_ear=True)).eval()
    encoder.musicnn = mixer.networks.musicnn
    hearing = megami.Mixer(replace(mixer.networks, content_encoder=encoder), "cpu")
    plain, told = hearing.hear(song), hearing.hear(song, roles={"piano": "vocal"})
    by_bank, parts = mixer.hear(song, roles={"piano": "vocal"}), mixer.preset.content.parts
    learned, of_told, of_bank = (split_parts(parts, heard.content).fx for heard in (plain, told, by_bank))
    alone = encoder.learned(resample(song.mono(), song.sample_rate, SAMPLE_RATE))
    assert torch.allclose(unit(learned), alone, atol=1e-4)
    piano = song.names.index("piano")
    assert torch.allclose(of_told[piano], of_bank[piano], atol=1e-5)
    assert not torch.allclose(of_told[piano], learned[piano], atol=0.1)
    assert plain.taken_for == mixer.hear(song).taken_for and told.taken_for == by_bank.taken_for


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def test_an_instrument_may_be_told_too(mixer, song):
    told = mixer.hear(song, roles={"drums": "kick"}).taken_for[song.names.index("drums")]
    assert told.role == "drums" and told.instrument == "kick"


@pytest.mark.parametrize("roles", [{"nobody": "vocal"}, {"piano": "theremin"}])
def test_unknown_tracks_and_roles_are_refused(mixer, song, roles):
    with pytest.raises(UserError, match=r"nobody|theremin"):
        mixer.mix(song, roles=roles)


def test_networks_without_a_bank_take_no_hints(mixer, song):
    deaf = megami.Mixer(replace(mixer.networks, preset=replace(mixer.preset, stem_bank=False)), "cpu")
    assert deaf.hear(song).taken_for == ()
    with pytest.raises(UserError, match="cannot be told"):
        deaf.hear(song, roles={"piano": "vocal"})


def test_level_rests_and_rate_do_not_change_what_is_heard(mixer, song):
    plain = mixer.hear(song)
    quieter = Multitrack(song.names, song.mono() * 0.03, song.sample_rate)
    assert torch.allclose(mixer.hear(quieter).content, plain.content, atol=1e-3)
    rests = torch.zeros(song.num_tracks, 1, 5 * song.sample_rate)
    late = Multitrack(song.names, torch.cat([rests, song.mono(), rests], dim=-1), song.sample_rate)
    heard = mixer.hear(late)
    for one, other in zip(plain.taken_for, heard.taken_for, strict=True):
        assert one.role == other.role and abs(one.share - other.share) < 0.02


def test_the_measured_part_is_that_of_the_track(mixer, song):
    """Whatever the bank says, spectrum and dynamics are the track's own, as they were before there was a bank."""
    deaf = megami.Mixer(replace(mixer.networks, preset=replace(mixer.preset, stem_bank=False)), "cpu")
    parts = mixer.preset.content.parts
    by_bank, alone = split_parts(parts, mixer.content(song)), split_parts(parts, deaf.content(song))
    assert torch.allclose(by_bank.spectrum, alone.spectrum, atol=1e-5)
    assert torch.allclose(by_bank.dynamics, alone.dynamics, atol=1e-5)
    assert describe_source(song.mono()).isfinite().all()


def test_a_name_that_disagrees_is_named_with_what_helps(mixer, song):
    song = song.select([index for index, name in enumerate(song.names) if name in ("vocal", "bass", "drums")])
    renamed = Multitrack(tuple("lead vocal" if name == "bass" else name for name in song.names), song.audio, 44100)
    with pytest.warns(
        SongWarning, match=r"lead vocal is called vocal but sounds like bass .*--role 'lead vocal=vocal'"
    ):
        renamed_mixes = mixer.mix(renamed, steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SongWarning)
        mixer.mix(renamed, steps=1, roles={"lead vocal": "bass"})
        plain = mixer.mix(song, steps=1)
    assert torch.equal(renamed_mixes[0].audio, plain[0].audio)  # unasked, a name changes nothing
    assert plain[0].taken_for[song.names.index("bass")].role == "bass"


def test_roles_of_one_family_are_not_doubted():
    heard = [TakenFor("pad", "strings", 0.9), TakenFor("drums", "drum kit", 0.9), TakenFor("chords", "piano", 0.6)]
    assert doubtful_names(["lead synth", "shaker", "audio 3"], heard) == []
    assert len(doubtful_names(["vox", "bass", "kick"], heard)) == 3


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("02 Lead Vox_L", "vocal"), ("bgvox_main", "vocal"), ("LdVox", "vocal"), ("Bass Drum", "drums"),
        ("kick_hats", "drums"), ("bassGtr", "bass"), ("808s", "bass"), ("ElecGtr1", "chords"), ("E Piano", "chords"),
        ("Shaker 2", "percussion"), ("strings", "pad"), ("horns", "lead"), ("audio_07", None), ("synth", None),
        ("track_01", None), ("Basement tapes", None), ("Kitty", None),
    ],
)  # fmt: skip
def test_what_names_tell(name, role):
    assert role_of_name(name) == role


def test_the_command_line_says_what_tracks_were_taken_for(tmp_path, capsys):
    """Hints by --role and by names: the line on stderr, mixes.json and the page."""
    stems, out = tmp_path / "stems", tmp_path / "out"
    stems.mkdir()
    for name, new in {"vocal": "vox", "piano": "singer", "drums": "drums"}.items():
        audio, rate = soundfile.read(SAMPLES / "paper_boats" / f"{name}.flac")
        soundfile.write(stems / f"{new}.wav", audio[: 6 * rate], rate)

    def run(*options: str) -> tuple[dict, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(["mix", str(stems), "--out", str(out), "--num-mixes", "1", *options])
        said = capsys.readouterr().err
        assert end.value.code == 0, said
        return json.loads((out / "mixes.json").read_text(encoding="utf-8")), said

    words, said = run("--page")
    assert words["heard_as"]["vox"]["role"] == "vocal" and words["heard_as"]["drums"]["role"] == "drums"
    assert len(words["warnings"]) == 1 and "singer is called vocal but sounds like" in words["warnings"][0]
    warned, opens = said.strip().splitlines()
    assert "--role singer=vocal" in warned and opens.endswith(f"open {out / 'index.html'} in a browser")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "What the tracks were taken for" in page and "vox: vocal (voice)" in page
    told, said = run("--roles-from-names", "--role", "singer=chords")
    assert said == "" and told["warnings"] == []
    assert told["heard_as"]["singer"]["role"] == "chords" and told["heard_as"]["singer"]["told"]
    assert told["heard_as"]["vox"]["told"]


@pytest.mark.parametrize("words", ["vox", "=vocal", "a=", "a=theremin", "b=vocal"])
def test_impossible_hints_end_with_one_line(tmp_path, capsys, words):
    soundfile.write(tmp_path / "a.wav", np.zeros(4410) + 0.1, 44100)
    with pytest.raises(SystemExit) as end:
        main(["mix", str(tmp_path), "--out", str(tmp_path / "out"), "--role", words])
    assert end.value.code == 2 and len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
