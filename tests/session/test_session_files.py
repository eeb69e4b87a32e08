"""Sessions as files: what is written is read back, valid by the schema, and plays as the wet tracks sound."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from megami.errors import UserError
from megami.session import read_session, write_session
from megami.session.devices import CompressorDevice, ConvolverDevice, DriveDevice, EqualiserDevice

SCHEMA = Path(__file__).with_name("dawproject.xsd")
SUFFIXES = ("dawproject", "rpp")


@pytest.fixture(scope="module", params=SUFFIXES)
def written(request, session, tmp_path_factory) -> Path:
    """The session as a file of each kind."""
    return write_session(session, tmp_path_factory.mktemp("files") / f"song one.{request.param}")


def flat(device) -> list[float]:
    """All numbers of a device."""
    if isinstance(device, EqualiserDevice):
        return [value for band in device.bands for value in (band.frequency_hz, band.gain_db, band.q)]
    if isinstance(device, CompressorDevice):
        return [getattr(device.knobs, name) for name in type(device.knobs).RANGES]
    if isinstance(device, DriveDevice):
        return [device.gain_db, device.mix]
    assert isinstance(device, ConvolverDevice)
    return device.impulse.ravel().tolist()


def test_a_session_comes_back_as_it_was(session, written):
    back = read_session(written)
    assert back.sample_rate == session.sample_rate
    assert [(take.name, take.muted) for take in back.takes] == [("Mix 1", False), ("Mix 2", True)]
    for take, other in zip(session.takes, back.takes, strict=True):
        for one, two in zip(take.channels(), other.channels(), strict=True):
            assert two.muted == one.muted and two.file == one.file
            assert two.volume == pytest.approx(one.volume, abs=1e-8) and two.pan == pytest.approx(one.pan, abs=1e-8)
            assert two.audio.shape == one.audio.shape and np.abs(two.audio - one.audio).max() < 2**-22
            assert [type(device) for device in two.devices] == [type(device) for device in one.devices]
            for device, same in zip(one.devices, two.devices, strict=True):
                assert flat(same) == pytest.approx(flat(device), abs=1e-6)


def test_names_come_back_but_for_quotes_that_reaper_cannot_hold(session, written):
    names = [channel.name for channel in read_session(written).takes[0].channels()]
    expected = [channel.name for channel in session.takes[0].channels()]
    if written.suffix == ".rpp":  # none of these has all three kinds of quotes, so none changes
        assert all(set("\"'`") - set(name) for name in expected)
    assert names == expected


def test_what_is_read_back_nulls_against_the_wet_tracks(written):
    # The wet tracks were made a thousandth louder than what the channels play: 60 dB below is what must be left.
    for residual in read_session(written).null_test().values():
        assert residual == pytest.approx(-60.0, abs=0.2)


def test_the_null_test_notices_a_fader_that_is_wrong(session):
    from dataclasses import replace

    pair = session.takes[0].tracks[0]
    wrong = replace(pair, dry=replace(pair.dry, volume=pair.dry.volume * 10 ** (1 / 20)))
    assert wrong.residual_db(session.sample_rate) == pytest.approx(-18.3, abs=0.3)  # 20 log10(10^(1/20) - 1)


def test_dawproject_is_valid(session, tmp_path):
    from lxml import etree

    path = write_session(session, tmp_path / "song.dawproject")
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        trees = {name: etree.fromstring(archive.read(name)) for name in ("project.xml", "metadata.xml")}
        packed = set(archive.namelist())
    for tree in trees.values():
        schema.assertValid(tree)
    referred = {element.get("path") for tag in ("File", "State") for element in trees["project.xml"].iter(tag)}
    assert referred == packed - set(trees)  # all that is named is there, and nothing else
    project = trees["project.xml"]  # libxml2 checks that ids are unique, not that what refers to one finds it
    ids = {element.get("id") for element in project.iter("Channel")} | {e.get("id") for e in project.iter("Track")}
    targets = [e.get(name) for e in project.iter() for name in ("destination", "track") if e.get(name)]
    assert targets and set(targets) <= ids


def test_the_schema_refuses_what_is_wrong(session, tmp_path):
    from lxml import etree

    path = write_session(session, tmp_path / "song.dawproject")
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    with zipfile.ZipFile(path) as archive:
        project = etree.fromstring(archive.read("project.xml"))
    assert schema.validate(project)
    channel = project.find(".//Channel[@destination]")
    channel.append(channel.find("Pan"))  # behind the volume, where a reader that follows the schema will not look
    assert not schema.validate(project)


@pytest.mark.skipif("MEGAMI_DAWPROJECT_XSD" not in os.environ, reason="MEGAMI_DAWPROJECT_XSD names no folder")
def test_dawproject_is_valid_by_the_published_schema(session, tmp_path):
    from lxml import etree

    folder = Path(os.environ["MEGAMI_DAWPROJECT_XSD"])
    path = write_session(session, tmp_path / "song.dawproject")
    with zipfile.ZipFile(path) as archive:
        for name, schema in (("project.xml", "Project.xsd"), ("metadata.xml", "MetaData.xsd")):
            etree.XMLSchema(etree.parse(folder / schema)).assertValid(etree.fromstring(archive.read(name)))


def test_another_parser_reads_the_reaper_project(session, tmp_path):
    rpp = pytest.importorskip("rpp")
    path = write_session(session, tmp_path / "song.rpp")
    project = rpp.loads(path.read_text(encoding="utf-8"))
    assert project.tag == "REAPER_PROJECT"
    tracks = project.findall("TRACK")
    channels = [channel for take in session.takes for channel in take.channels()]
    assert len(tracks) == len(channels) + len(session.takes)
    inner = [track for track in tracks if track.find("ISBUS")[1] != "1"]
    for track, channel in zip(inner, channels, strict=True):
        assert track.find("NAME")[1] == channel.name
        assert [float(value) for value in track.find("VOLPAN")[1:3]] == pytest.approx([channel.volume, channel.pan])
        assert track.find("MUTESOLO")[1] == str(int(channel.muted))
        source = track.find("ITEM").find("SOURCE")
        assert (tmp_path / source.find("FILE")[1]).is_file()
    # Folders close where they should: what opens as many levels as it closes is a whole tree.
    assert sum(int(track.find("ISBUS")[2]) for track in tracks) == 0


def test_nothing_that_is_there_is_replaced(session, tmp_path):
    for suffix, taken in (("dawproject", "a.dawproject"), ("rpp", "a.rpp"), ("rpp", "a media")):
        folder = tmp_path / taken.replace(" ", "_")
        folder.mkdir()
        (folder / taken).write_text("mine")
        with pytest.raises(UserError, match="is there already"):
            write_session(session, folder / f"a.{suffix}")
        assert [path.name for path in folder.iterdir()] == [taken] and (folder / taken).read_text() == "mine"


def test_what_fails_half_way_leaves_nothing(session, tmp_path, monkeypatch):
    from megami.session import reaper

    def fails(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reaper, "effect_source", fails)
    with pytest.raises(UserError, match="No space left"):
        write_session(session, tmp_path / "a.rpp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
def test_what_is_no_session_is_refused(session, tmp_path, suffix, damage):
    path = write_session(session, tmp_path / f"a.{suffix}")
    data = path.read_bytes()
    path.write_bytes({"empty": b"", "cut": data[: len(data) // 2], "other": b"RIFF\0\0\0\0WAVE" * 10}[damage])
    with pytest.raises(UserError):
        read_session(path)


def test_a_project_cannot_name_files_elsewhere(session, tmp_path):
    path = write_session(session, tmp_path / "inner" / "a.rpp")
    (tmp_path / "secret.wav").write_bytes(b"")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"a media/dry/01 lead vocal.wav"', "../secret.wav"), encoding="utf-8")
    with pytest.raises(UserError, match=r"\.\./secret\.wav"):
        read_session(path)


def test_unknown_suffixes_are_refused(session, tmp_path):
    with pytest.raises(UserError, match=r"\.dawproject or \.rpp"):
        write_session(session, tmp_path / "a.als")
