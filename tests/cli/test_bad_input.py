"""Bad input through the command line: it works, or ends with code 2 and one clear line and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import read_audio
from megami.mixing.mixer import Mixer

RATE = 44100


def cut(path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def spoil(folder, kind: str) -> None:  # noqa: C901 - a table of kinds, one case each
    """Do to a folder of stems what the kind says."""
    victim = folder / "track 01.wav"
    samples, rate = soundfile.read(victim, dtype="float32")
    match kind:
        case "truncated WAV":
            cut(victim, 0.6)
        case "truncated FLAC":
            victim.unlink()
            soundfile.write(victim.with_suffix(".flac"), samples, rate)
            cut(victim.with_suffix(".flac"), 0.6)
        case "header only":
            cut(victim, 44 / victim.stat().st_size)
        case "half a header":
            victim.write_bytes(victim.read_bytes()[:20])
        case "not audio":
            victim.write_bytes(os.urandom(5000))
        case "zero length":
            victim.write_bytes(b"")
        case "NaN" | "infinite":
            samples[1000] = np.nan if kind == "NaN" else np.inf
            soundfile.write(victim, samples, rate, subtype="FLOAT")
        case "no samples":
            soundfile.write(victim, samples[:0], rate)
        case "six channels":
            soundfile.write(victim, np.repeat(samples[:, None], 6, axis=1), rate)
        case "same name":
            soundfile.write(victim.with_suffix(".flac"), samples, rate)
        case "broken link":
            victim.unlink()
            victim.symlink_to(folder / "gone.wav")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated WAV", "cut off"),
        ("truncated FLAC", "cut off"),
        ("header only", "no samples"),
        ("half a header", ""),
        ("not audio", "not an audio file"),
        ("zero length", "empty"),
        ("NaN", "NaN"),
        ("infinite", "infinite"),
        ("no samples", "no samples"),
        ("broken link", "no such file"),
        ("six channels", "6 channels"),
        ("same name", "more than one"),
    ],
)
def test_a_bad_file_is_named(mix, stems, tmp_path, kind, words):
    spoil(stems, kind)
    mix(stems).refused("track 01", words)
    assert not (tmp_path / "mixes").exists()


def test_folders_without_a_song(mix, write_stems, tmp_path):
    mix(tmp_path / "nowhere").refused("nowhere", "no such folder")
    mix(write_stems({}, "empty")).refused("empty folder")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("no audio here")
    mix(tmp_path / "words").refused("no audio files", ".wav")
    mix("x" * 300).refused("x" * 300)
    silence = np.zeros(RATE, np.float32)
    mix(write_stems({"a": silence, "b": silence + 1e-5}, "silence")).refused("all tracks are silent")
    assert not (tmp_path / "mixes").exists()


def mixed(ran, samples: int, rate_of_song: int = RATE) -> torch.Tensor:
    audio, rate = read_audio(next(path for path in ran.done() if path.name == "mix_1.wav"))
    assert rate == rate_of_song and audio.shape == (2, samples) and torch.isfinite(audio).all() and audio.any()
    return audio


@pytest.mark.parametrize(
    ("number", "seconds", "rate"),
    [
        (1, 1.0, RATE),
        (40, 0.5, RATE),
        (2, 1.0, 8000),
        (2, 1.0, 192000),
        (2, 0.5, RATE),
        (2, 0.05, RATE),
        (2, 0.002, RATE),
    ],
)
def test_unusual_songs_work(mix, write_stems, dry_tracks, number, seconds, rate):
    song = write_stems(dry_tracks(number, seconds, rate), rate=rate)
    mixed(mix(song, "--stems", "--page"), round(seconds * rate), rate)


def test_rates_depths_formats_lengths_and_channels_may_be_mixed(mix, write_stems, dry_tracks):
    tracks = list(dry_tracks(6, 1.0).values())
    song = write_stems({"8 bit": tracks[0]}, subtype="PCM_U8")
    write_stems({"float": tracks[1][:20000]}, subtype="FLOAT")
    write_stems({"low": tracks[2][:11025]}, rate=11025)
    write_stems({"stereo": np.stack([tracks[3], tracks[4]], axis=1)}, rate=96000, suffix="flac")
    write_stems({"lossy": tracks[5][:30000]}, suffix="ogg")
    write_stems({"apple": tracks[5]}, suffix="aiff", subtype="PCM_16")
    (song / ".hidden.wav").write_bytes(b"rubbish")
    (song / "session.txt").write_text("notes")
    mixed(mix(song), RATE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--num-mixes", 0), "from 1 to 100"),
        (("--num-mixes", 1000), "from 1 to 100"),
        (("--num-mixes", "2.5"), "--num-mixes"),
        (("--steps", 0), "from 1 to 1000"),
        (("--steps", -1), "from 1 to 1000"),
        (("--steps", "many"), "--steps"),
        (("--guidance", -1), "guidance"),
        (("--guidance", "nan"), "guidance"),
        (("--guidance", "inf"), "guidance"),
        (("--temperature", 0), "temperature"),
        (("--temperature", "nan"), "temperature"),
        (("--seed", -1), "seed"),
        (("--seed", 2**70), "seed"),
        (("--seed", "x"), "--seed"),
        (("--format", "mp3"), "wav or flac"),
        (("--format", ""), "wav or flac"),
        (("--loudness", 3), "LUFS"),
        (("--loudness", "nan"), "LUFS"),
        (("--loudness=-inf",), "LUFS"),
        (("--device", "xpu9"), "auto, cpu or cuda"),
        (("--device", "meta"), "auto, cpu or cuda"),
        (("--device", "cuda:99"), "--device cpu" if not torch.cuda.is_available() else "use cuda"),
        (("--precision", "fp8"), "auto, fp32, bf16"),
        (("--precision", "bf16"), "convolutional processor"),
        (("--processor", "magic"), "structured, tcn"),
        (("--weights", "enormous"), "unknown weights"),
        (("--weights", "paper"), "megami weights download paper"),
        (("--compat", "new"), "ours, published"),
        (("--weights", "paper", "--weights-dir", "nowhere"), "no such folder"),
        (("--weights-dir", "."), "goes with 'paper'"),
        (("--weights", "small", "--compat", "published"), "paper"),
        (("--weights", "paper", "--processor", "structured"), "use tcn"),
        (("--device", ""), "auto, cpu or cuda"),
        (("--loud", 3), "--loud"),
        (("--seed",), "--seed"),
    ],
)
def test_impossible_options(mix, stems, tmp_path, options, words):
    mix(stems, *options).refused(words)
    assert not (tmp_path / "mixes").exists()


def test_commands_that_are_not_there(megami):
    megami("mix").refused("stems", "megami mix --help")
    megami("blend").refused("blend", "megami --help")
    megami("--loud").refused("--loud")
    megami("weights").refused("megami weights --help")


def test_weights_that_cannot_be_used(mix, stems, random_weights, tmp_path):
    copy = tmp_path / "weights"
    copy.mkdir()
    mix(stems, "--weights", copy).refused(str(copy), "no such file")
    for path in random_weights.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    generator = copy / "generator.safetensors"
    content = bytearray(generator.read_bytes())
    for place in (3, len(content) // 2):  # in the header, in the numbers
        content[place] ^= 0xFF
        generator.write_bytes(content)
        mix(stems, "--weights", copy).refused("generator.safetensors", "damaged")
        content[place] ^= 0xFF
    generator.write_bytes(content[:1000])
    mix(stems, "--weights", copy).refused("generator.safetensors", "damaged")
    generator.unlink()
    mix(stems, "--weights", copy).refused("generator.safetensors", "no such file")
    (copy / "adaptor.json").write_text("{")
    mix(stems, "--weights", copy).refused("adaptor.json", "not valid JSON")
    assert not (tmp_path / "mixes").exists()


def test_places_that_cannot_be_written(mix, stems, tmp_path, snapshot, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "taken" / "mix_1.wav").mkdir(parents=True)
    before = snapshot(tmp_path)
    mix(stems, "--out", tmp_path / "file").refused("file is not a folder")
    mix(stems, "--out", tmp_path / "file" / "deeper").refused("file is not a folder")
    mix(stems, "--out", tmp_path / ("y" * 300)).refused("y" * 300)
    mix(stems, "--out", stems).refused("holds the stems")
    mix(stems, "--out", tmp_path / "taken").refused("mix_1.wav is a folder")
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    mix(stems, "--out", tmp_path / "mixes").refused("no permission")
    assert snapshot(tmp_path) == before


def test_stems_are_never_replaced_or_removed(mix, stems, tmp_path, snapshot):
    out = tmp_path / "mixes"
    mix(stems, "--stems").done()
    (stems / "track 00.wav").rename(stems / "mix_1.wav")
    before = snapshot(tmp_path)
    mix(stems / "mix_1.wav", "--out", stems).refused("mix_1.wav is a stem of this song", "another --out")
    mix(out / "mix_1_tracks", "--num-mixes", 2).refused("is a stem of this song", "another --out")
    mix(out / "mix_1_tracks", "--format", "flac").refused("is a stem of this song")
    mix(out / "mix_1.wav").refused("mix_1.wav is a stem of this song")
    assert snapshot(tmp_path) == before
    os.link(out / "mix_1.wav", stems / "bounced.WAV")
    before = snapshot(tmp_path)
    mix(stems).refused("mix_1.wav is a stem of this song")
    assert snapshot(tmp_path) == before


def test_files_of_the_user_are_in_the_way_before_anything_is_loaded(mix, stems, tmp_path, snapshot, monkeypatch):
    monkeypatch.setattr(Mixer, "from_pretrained", lambda *options: pytest.fail("weights were loaded first"))
    for name in ("mix_1.wav", "index.html", "mixes.json", "mix_1_tracks/track 00.wav"):
        out = tmp_path / f"with {name.replace('/', ' ')}"
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text("mine")
        before = snapshot(tmp_path)
        mix(stems, "--out", out, "--page", "--stems").refused(f"{name} is in the way", "move it away", "another --out")
        assert snapshot(tmp_path) == before


def test_a_mix_that_was_edited_is_kept_or_asked_about(mix, stems, tmp_path, snapshot):
    out = tmp_path / "mixes"
    mix(stems, "--num-mixes", 2).done()
    (out / "mix_2.wav").write_bytes(b"mastered by hand")
    before = snapshot(out)
    mix(stems, "--num-mixes", 2).refused("mix_2.wav is in the way")
    assert snapshot(out) == before
    ran = mix(stems, "--num-mixes", 1)
    assert [path.name for path in ran.done()] == ["mix_1.wav", "mixes.json"]
    assert ran.err == f"megami: {out / 'mix_2.wav'} was changed since it was written, so it stays\n"
    assert (out / "mix_2.wav").read_bytes() == b"mastered by hand"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser can write anywhere")
def test_a_read_only_folder(mix, stems, tmp_path):
    (tmp_path / "mixes").mkdir(mode=0o500)
    mix(stems).refused("no permission")


@pytest.mark.parametrize("call", [1, 3])
def test_a_disk_that_fills_up_leaves_the_last_run_as_it_was(mix, stems, tmp_path, snapshot, monkeypatch, call):
    mix(stems).done()
    before = snapshot(tmp_path)
    write, calls = soundfile.write, iter(range(1, 100))

    def full(file, *arguments, **keywords):
        write(file, *arguments, **keywords)
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(soundfile, "write", full)
    mix(stems, "--stems", "--seed", 1).refused("No space left")
    assert snapshot(tmp_path) == before


LIMITED_RUNS = """
import resource, sys
from megami.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
for suffix in ("wav", "flac"):
    try:
        main([*sys.argv[1:], "--format", suffix])
    except SystemExit as left:
        print(left.code)
"""


def test_files_that_the_system_does_not_let_grow(stems, random_weights, tmp_path):
    command = [sys.executable, "-c", LIMITED_RUNS, "mix", stems, "--out", "mixes", "--weights", random_weights]
    ran = subprocess.run([*command, "--steps", "2"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.split() == ["2", "2"] and len(ran.stderr.splitlines()) == 2, ran
    assert all("cannot be written" in line for line in ran.stderr.splitlines())
    assert not (tmp_path / "mixes").exists()


@pytest.mark.parametrize("failure", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory(mix, stems, tmp_path, monkeypatch, failure):
    def process(self, song, embeddings, *rest):
        raise failure

    monkeypatch.setattr(Mixer, "process", process)
    mix(stems).refused("not enough memory", "shorter song")
    assert not (tmp_path / "mixes").exists()


def test_ctrl_c_leaves_nothing(mix, stems, tmp_path, snapshot, monkeypatch):
    mix(stems, "--out", tmp_path / "old").done()
    before = snapshot(tmp_path)
    process, calls = Mixer.process, iter(range(100))

    def interrupted(self, song, embeddings, *rest):
        if next(calls) % 2:
            raise KeyboardInterrupt
        return process(self, song, embeddings, *rest)

    monkeypatch.setattr(Mixer, "process", interrupted)
    for out in ("old", "new/er"):
        ran = mix(stems, "--num-mixes", 2, "--stems", "--out", tmp_path / out)
        assert (ran.code, ran.out, ran.err.strip()) == (130, "", "megami: interrupted")
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_to_a_true_run_leave_nothing(stems, random_weights, tmp_path, number, code):
    command = [sys.executable, "-m", "megami.cli", "mix", stems, "--out", "mixes", "--weights", random_weights]
    command += ["--num-mixes", "100", "--steps", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Where tests run in the background, Ctrl-C is ignored from birth.
    run = subprocess.Popen(
        command, cwd=tmp_path, text=True, **pipes, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    try:
        while run.poll() is None and not list(tmp_path.glob("mixes/.partial-*/mix_1.wav")):
            time.sleep(0.02)
        run.send_signal(number)
        out, err = run.communicate(timeout=600)
    finally:
        run.kill()
    assert (run.returncode, out) == (code, "") and "Traceback" not in err
    assert not (tmp_path / "mixes").exists()


@pytest.mark.parametrize("reads", [0, 1])
def test_nobody_reads_the_list_of_files(stems, random_weights, tmp_path, reads):
    """As in `megami mix ... | head -1`: the files are whole, and there is no complaint of the closed pipe."""
    command = [sys.executable, "-m", "megami.cli", "mix", stems, "--out", "mixes", "--weights", random_weights]
    reader, writer = os.pipe()
    if not reads:
        os.close(reader)
    run = subprocess.Popen(
        [*command, "--steps", "1", "--num-mixes", "1"], cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    if reads:
        os.close(reader)  # while it loads
    err = run.communicate(timeout=600)[1]
    assert run.returncode in (0, 141) and "Traceback" not in err and "Broken" not in err and "ignored" not in err, err
    assert sorted(path.name for path in (tmp_path / "mixes").iterdir()) == ["mix_1.wav", "mixes.json"]
    assert read_audio(tmp_path / "mixes" / "mix_1.wav")[0].any()
