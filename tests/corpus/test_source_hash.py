"""A hash of source code changes with what can change a result, and with nothing else."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from handmade import handmade_song
from tracing import modules_that_run

import megami
from megami.corpus import CorpusConfig, build_features, build_songs, source_hash
from megami.corpus.code_mark import CODE_FILE, FEATURES, SONGS, check_code, claim_code
from megami.corpus.datasets import mixes_mark
from megami.corpus.features import BuildDry, BuildMix
from megami.corpus.songs import save_song
from megami.errors import UserError
from megami.evaluation.stage import HEARD_CODE

REVERB, VOICE = "effects/reverb.py", "studio/band/voice.py"


@pytest.fixture
def package(tmp_path) -> Path:
    """A copy of the package's source, to be changed."""
    copy = tmp_path / "megami"
    shutil.copytree(Path(megami.__file__).parent, copy, ignore=lambda _, names: [n for n in names if "__pyc" in n])
    return copy


def hashes(package: Path) -> dict[str, str]:
    """What songs, features and heard mixes are kept under."""
    source_hash.module_hashes.cache_clear()
    return {
        "songs": source_hash.source_hash(*SONGS.roots, without=SONGS.without, package=package),
        "features": source_hash.source_hash(*FEATURES.roots, without=FEATURES.without, package=package),
        "contents": source_hash.source_hash("megami.corpus.datasets", package=package),
        "heard": source_hash.source_hash(*HEARD_CODE, without=("megami.published",), package=package),
    }


def changed(package: Path, file: str, edit) -> set[str]:
    """Which of the hashes an edit of one file changes."""
    before, path = hashes(package), package / file
    text = path.read_text(encoding="utf-8")
    edited = edit(text)
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    after = hashes(package)
    path.write_text(text, encoding="utf-8")
    return {name for name in before if before[name] != after[name]}


def next_number(text: str) -> str:
    """The source with the first number in it made larger by one."""
    numbers = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and type(n.value) in (int, float))
    number = next(numbers)
    lines = text.splitlines(keepends=True)
    line = lines[number.lineno - 1]
    lines[number.lineno - 1] = line[: number.col_offset] + repr(number.value + 1) + line[number.end_col_offset :]
    return "".join(lines)


@pytest.mark.parametrize(
    "file, wanted",
    [
        (REVERB, {"features", "contents", "heard"}),
        ("studio/engineers/styles.py", {"features", "contents", "heard"}),
        (VOICE, {"songs", "features", "contents", "heard"}),
        ("adaptation/adaptor.py", {"contents", "heard"}),
        ("processor/structured.py", {"heard"}),
        ("generator/solvers.py", {"heard"}),
        ("evaluation/systems.py", {"heard"}),
        ("evaluation/measures/descriptors.py", {"heard"}),
        ("evaluation/measures/style_coverage.py", set()),  # compares what was heard
        ("training/loop.py", set()),
        ("published/download.py", set()),
    ],
)
def test_a_number_changes_what_depends_on_it_and_nothing_else(package, file, wanted):
    assert changed(package, file, next_number) == wanted


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"""', '"""In other words. ', 1),
        lambda text: "# A remark.\n" + text.replace("\n\n\n", "\n\n\n\n# Another.\n"),
        lambda text: ast.unparse(ast.parse(text)),  # another layout, no comments
        lambda text: text.replace("-> np.ndarray:", "-> object:").replace("(audio: np.ndarray", "(audio: object"),
    ],
    ids=["docstring", "comment", "layout", "annotation"],
)
def test_wording_and_layout_change_nothing(package, edit):
    assert changed(package, REVERB, edit) == set()
    assert changed(package, "corpus/songs.py", edit) == set()


def test_words_of_errors_change_nothing_and_conditions_do(package):
    file = "corpus/features.py"
    assert changed(package, file, lambda text: text.replace("do not fit into songs", "are longer than songs")) == set()
    other = changed(package, file, lambda text: text.replace("if samples > config", "if samples >= config"))
    assert other == {"features", "contents", "heard"}


def test_an_import_inside_a_function_counts(package):
    new = package / "effects" / "extra.py"
    new.write_text("AMOUNT = 1\n")
    (package / REVERB).write_text(
        (package / REVERB).read_text() + "\n\ndef late():\n    from megami.effects.extra import AMOUNT\n"
    )
    assert changed(package, "effects/extra.py", next_number) == {"features", "contents", "heard"}


def test_rooms_are_roots_too_and_what_is_no_module_is_named(package):
    room = source_hash.module_hashes(("megami.effects",), package=package)
    assert "megami.effects.reverb" in room and "megami.effects" in room
    with pytest.raises(ValueError, match=r"megami\.dessert"):
        source_hash.module_hashes(("megami.dessert",), package=package)
    (package / "effects" / "level.py").write_text("from .effect import Effect\n")
    with pytest.raises(ValueError, match="relative import"):
        source_hash.source_hash("megami.effects.level", package=package)


def test_no_code_that_makes_features_is_missing_from_their_hash(tmp_path):
    """The imports are found by reading; here the code runs, and each module that takes part is among them."""
    (tmp_path / "songs").mkdir()
    save_song(tmp_path / "songs" / "test_0000.npz", handmade_song(seconds=1.0, without=("pad", "guitar b")))
    config = CorpusConfig(test_songs=1, seconds=1.0)
    ran = modules_that_run(lambda: BuildMix(tmp_path, config)(tmp_path / "mixes" / "test_0000_00.npz"))
    ran |= modules_that_run(lambda: BuildDry(tmp_path, config)(tmp_path / "dry" / "test_0000.npz"))
    assert {"megami.studio.engineers.panning", "megami.effects.equaliser", "megami.embeddings.mel"} <= ran
    assert ran <= set(source_hash.module_hashes(FEATURES.roots))


def test_a_corpus_of_other_code_is_refused_by_name_and_kept(tmp_path, monkeypatch):
    claim_code(tmp_path, SONGS)
    claim_code(tmp_path, FEATURES)
    for name in ("mixes", "crops_of_2_songs_by_3", "songs"):
        (tmp_path / name).mkdir()
    claim_code(tmp_path, FEATURES)
    plain = source_hash.module_hashes

    def other(*arguments):
        found = plain(*arguments)
        return found | {"megami.effects.reverb": "0" * 8} if "megami.effects.reverb" in found else found

    monkeypatch.setattr("megami.corpus.code_mark.module_hashes", other)
    before = (tmp_path / CODE_FILE).read_bytes()
    config = CorpusConfig(test_songs=0)
    with pytest.raises(UserError, match=r"megami\.effects\.reverb differs.*delete crops_of_2_songs_by_3, mixes in"):
        build_features(tmp_path, config, ("test",))
    with pytest.raises(UserError, match=r"megami\.effects\.reverb"):
        check_code(tmp_path)
    assert (tmp_path / CODE_FILE).read_bytes() == before
    for name in ("mixes", "crops_of_2_songs_by_3"):
        (tmp_path / name).rmdir()
    build_features(tmp_path, config, ("test",))  # what was asked for was done: the note is written anew


def test_a_corpus_that_does_not_say_what_made_it_is_refused(tmp_path):
    (tmp_path / "songs").mkdir()
    with pytest.raises(UserError, match=r"version that did not note it.*delete songs"):
        build_songs(tmp_path, CorpusConfig(train_songs=0, validation_songs=0, test_songs=0, extra_songs=0))


def test_what_an_encoder_heard_is_kept_under_the_code_that_asked_it():
    assert source_hash.source_hash("megami.corpus.datasets") in mixes_mark("test", CorpusConfig())
