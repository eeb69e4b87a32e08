"""The paper preset at full size without a download: random weights in the published files' form, from file to mix."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import resource
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, framed_level_db
from megami.cli import main as cli
from megami.embeddings import EffectEmbedder
from megami.errors import UserError
from megami.mixing import pretrained
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import from_pretrained
from megami.presets import preset
from megami.published import fetch
from megami.published.addresses import ADAPTOR, CLAP, GENERATOR, PAPER_FILES, PROCESSOR
from megami.published.partial_file import file_sha256

pytestmark = pytest.mark.slow
RATE = 44100
SECONDS = 14.0  # longer than a block of the published pass
MEMORY_GB = 6.0
LISTED = Path(__file__).resolve().parents[1] / "reference" / "data" / "checkpoints.json"


@pytest.fixture(scope="module")
def stems(tmp_path_factory, dry_tracks) -> Path:
    folder = tmp_path_factory.mktemp("song")
    for name, samples in dry_tracks(3, SECONDS).items():
        soundfile.write(folder / f"{name}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="module")
def short(dry_tracks) -> Multitrack:
    tracks = dry_tracks(3, 2.0)
    return Multitrack(tuple(tracks), torch.from_numpy(np.stack(list(tracks.values())))[:, None], RATE)


def test_the_files_are_those_of_the_release(published_files):
    """Every key and shape of the reference's list, in the nesting that it describes."""
    listed = json.loads(LISTED.read_text(encoding="utf-8"))["networks"]
    places = {
        "FxGenerator": (GENERATOR, "ema"),
        "FxProcessor": (PROCESSOR, "network"),
        "CLAP_domain_adaptor": (ADAPTOR, "network"),
    }
    for name, (file, place) in places.items():
        checkpoint = torch.load(published_files / file.name, weights_only=True)
        assert set(checkpoint) == {"it", "network", "optimizer", "ema", "args"}
        shapes = {key: list(value.shape) for key, value in checkpoint[place].items()}
        assert shapes == listed[name]["state_dict"]


@pytest.mark.parametrize("compat", ["ours", "published"])
def test_a_three_track_song_from_the_command_line(published_files, stems, tmp_path, compat):
    command = [
        sys.executable,
        "-m",
        "megami.cli",
        "mix",
        stems,
        "--out",
        tmp_path / "mixes",
        "--num-mixes",
        "1",
        "--weights",
        "paper",
        "--weights-dir",
        published_files,
        "--device",
        "cpu",
        "--compat",
        compat,
    ]
    began = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    assert ran.returncode == 0 and len(ran.stdout.splitlines()) == 2, ran.stderr
    print(f"\n3 tracks of {SECONDS:g} s, {compat}: {seconds:.0f} s, peak memory of all runs so far {peak_gb:.2f} GB")
    audio, rate = soundfile.read(tmp_path / "mixes" / "mix_1.wav")
    assert audio.shape == (round(SECONDS * RATE), 2) and rate == RATE
    assert np.isfinite(audio).all() and audio.any() and peak_gb < MEMORY_GB
    words = json.loads((tmp_path / "mixes" / "mixes.json").read_text(encoding="utf-8"))
    assert (words["weights"], words["processor"], words["steps"], words["compat"]) == ("paper", "tcn", 99, compat)


def test_the_published_behaviour_and_ours(published_files, short):
    for compat in ("ours", "published"):
        mixer = Mixer.from_pretrained("paper", "cpu", weights_dir=published_files, compat=compat)
        content = mixer.content(short)
        assert content.shape == (3, 512) and torch.allclose(content.norm(dim=-1), torch.ones(3), atol=1e-5)
        plan = mixer.generate(content, 1, steps=3)[0]
        assert plan.shape == (3, 2112) and torch.allclose(plan.norm(dim=-1), torch.ones(3), atol=1e-4)
        wet = mixer.process(short, plan)
        assert wet.shape == (3, 2, short.num_samples) and wet.isfinite().all()
        assert torch.equal(wet, mixer.process(short, plan))
        assert framed_level_db(wet).amax() > -60


def test_effect_embeddings_of_the_published_size(published_files, short):
    networks = from_pretrained("paper", weights_dir=published_files, fx_encoder=True)
    embedder = EffectEmbedder(networks.preset.embedding, networks.fx_encoder)
    z = embedder(short.audio.expand(-1, 2, -1).contiguous())
    assert z.shape == (3, 2112) and torch.allclose(z.norm(dim=-1), torch.ones(3), atol=1e-5)


@pytest.fixture
def server(published_files):
    """The files on a web server of this machine; gives its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(published_files))
    handler.log_message = lambda *words: None
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    return left.value.code


def test_download_and_mix(published_files, server, short, tmp_path, monkeypatch, capsys):
    """The whole way of a user: download, verify, mix; then the release's own hashes, which random files do not have."""
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    command = ("weights", "download", "paper", "--mirror", server)
    assert run(*command) == 2 and "CC BY-NC-SA 4.0" in capsys.readouterr().err
    assert run(*command, "--accept-licence") == 2
    assert "not the right file" in capsys.readouterr().err  # random weights are not the release
    with pytest.raises(UserError, match="has not been downloaded"):
        from_pretrained("paper")

    def known(file):
        return replace(file, sha256=file.sha256 and file_sha256(published_files / file.name))

    files = tuple(known(file) for file in PAPER_FILES)
    loaders = dict(zip(files, fetch.LOADERS.values(), strict=True))
    monkeypatch.setattr(fetch, "PAPER_FILES", files)
    monkeypatch.setattr(fetch, "LOADERS", loaders)
    assert run(*command, "--accept-licence") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(PAPER_FILES) - 1  # not FxEncoder++
    assert run("weights", "verify", "paper") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(PAPER_FILES) - 1
    mixer = Mixer.from_pretrained("paper", "cpu")
    (one,) = mixer.mix(short, steps=2)
    assert one.audio.shape == (2, short.num_samples) and one.audio.isfinite().all()
    (pretrained.paper_folder() / CLAP.name).write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(UserError, match="not a whole PyTorch checkpoint"):
        from_pretrained("paper")


def test_sizes_are_those_of_the_paper(published_files):
    networks = from_pretrained("paper", weights_dir=published_files)
    counts = {
        name: sum(p.numel() for p in getattr(networks, name).parameters())
        for name in ("generator", "processor", "adaptor")
    }
    assert counts == {"generator": 76_620_928, "processor": 12_610_434, "adaptor": 525_312}
    assert networks.preset == preset("paper") and networks.fx_encoder is None
    assert importlib.util.find_spec("laion_clap") and "laion_clap" not in sys.modules
