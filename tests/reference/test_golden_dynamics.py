"""Parity of the dynamics descriptors, their code, and the joined effect embedding."""

from __future__ import annotations

import re

import pytest
import torch
from run_names import only_name, piece

from megami.embeddings import (
    EmbeddingConfig,
    apply_level,
    crest_factor_db,
    decode_dynamics,
    dynamics_features,
    encode_dynamics,
    from_tokens,
    join_parts,
    level_db,
    log_spread_db,
    renormalise,
    split_parts,
    stereo_imbalance,
    stereo_width,
    to_tokens,
)
from megami.embeddings.dynamics import phase_matrix

DB, EMBEDDING, DECODED = 1e-3, 1e-5, 2e-3


@pytest.fixture(scope="module")
def case(golden):
    return golden("dynamics")


@pytest.fixture(scope="module")
def sample_rate(case):
    return case[0]["case"]["sample_rate"]


@pytest.fixture(scope="module")
def clips(case):
    """All clips in the order of their numbers; those stored as int8 are divided by 256."""
    tensors = case[1]
    names = [name for name in tensors if name.startswith("in.clip")]
    names.sort(key=lambda name: int(re.match(r"in\.clip(\d+)", name).group(1)))
    return torch.stack([tensors[name].float() / (256 if "int8_div256" in name else 1) for name in names])


@pytest.fixture(scope="module")
def features(case):
    """The reference's descriptors, joined as ours are: [clips, 8]."""
    out = case[1]
    per_channel = [out[f"out.{name}"] for name in ("log_rms", "crest_factor", "log_spread")]
    per_pair = [out["out.stereo_width"], out["out.stereo_imbalance"]]
    return torch.cat([*per_channel, torch.stack(per_pair, dim=1)], dim=1)


@pytest.fixture(scope="module")
def code(case):
    """The reference's code of the dynamics, [clips, dim]; its name says how many numbers it has."""
    return case[1][only_name(case[0], "out.embedding")]


@pytest.fixture(scope="module")
def config(case):
    tensors = case[1]
    fx, dynamics = tensors["in.fxencoder_vector"].shape[-1], tensors[only_name(case[0], "out.embedding")].shape[-1]
    return EmbeddingConfig(fx_dim=fx, dynamics_dim=dynamics, spectrum_dim=0)


def test_clips_are_what_the_words_say(case, clips):
    assert clips.shape == (case[0]["case"]["clips"], 2, case[0]["case"]["samples"])


def test_levels(case, clips, sample_rate):
    ours = dynamics_features(clips, sample_rate)
    torch.testing.assert_close(ours[:, :2], case[1]["out.log_rms"], atol=DB, rtol=0)


@pytest.mark.parametrize(
    ("name", "feature"), [("crest_factor", crest_factor_db), ("log_spread", log_spread_db)], ids=["crest", "spread"]
)
def test_features_in_db(case, clips, name, feature):
    torch.testing.assert_close(feature(clips), case[1][f"out.{name}"], atol=DB, rtol=0)


@pytest.mark.parametrize(
    ("name", "feature"),
    [("stereo_width", stereo_width), ("stereo_imbalance", stereo_imbalance)],
    ids=["width", "imbalance"],
)
def test_stereo_features(case, clips, name, feature):
    torch.testing.assert_close(feature(clips), case[1][f"out.{name}"], atol=1e-6, rtol=1e-4)


def test_order_of_features(clips, features, sample_rate):
    torch.testing.assert_close(dynamics_features(clips, sample_rate), features, atol=DB, rtol=1e-4)


def test_projection_and_its_inverse(case):
    matrix = phase_matrix(case[1]["out.projection"].shape[1])
    torch.testing.assert_close(matrix.float(), case[1]["out.projection"], atol=1e-6, rtol=0)
    inverse = torch.linalg.pinv(matrix).float()
    torch.testing.assert_close(inverse, case[1]["out.projection_pinv"], atol=1e-4, rtol=1e-4)


def test_code(clips, features, code, config, sample_rate):
    torch.testing.assert_close(encode_dynamics(features, config.dynamics_dim), code, atol=EMBEDDING, rtol=0)
    heard = encode_dynamics(dynamics_features(clips, sample_rate), config.dynamics_dim)
    torch.testing.assert_close(heard, code, atol=EMBEDDING * 10, rtol=0)


def test_decoding(case, code):
    out = case[1]
    parts = ["log_rms", "crest_factor", "log_spread", "stereo_width", "stereo_imbalance"]
    wanted = torch.cat([out[f"out.decoded_{name}"] for name in parts], dim=1)
    torch.testing.assert_close(decode_dynamics(code), wanted, atol=DECODED, rtol=0)


def test_effect_embedding(case, clips, code, config, sample_rate):
    vector, wanted = case[1]["in.fxencoder_vector"], case[1][only_name(case[0], "out.effect_embedding")]
    joined = join_parts(config, vector, code)
    torch.testing.assert_close(joined, wanted, atol=EMBEDDING, rtol=0)
    heard = join_parts(config, vector, encode_dynamics(dynamics_features(clips, sample_rate), config.dynamics_dim))
    torch.testing.assert_close(heard, wanted, atol=EMBEDDING, rtol=0)
    assert config.dim == wanted.shape[-1]
    torch.testing.assert_close(from_tokens(config, to_tokens(config, wanted)), wanted, atol=0, rtol=0)
    torch.testing.assert_close(split_parts(config, wanted).dynamics, code, atol=EMBEDDING, rtol=0)


def test_post_processing(case, config):
    ours = renormalise(config, case[1]["in.perturbed_embedding"])
    torch.testing.assert_close(ours, case[1]["out.post_processed"], atol=EMBEDDING, rtol=0)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("out.post_processed", "out.log_rms_from_post_processed"),
        ("in.perturbed_embedding", "out.log_rms_from_perturbed_unprocessed"),
    ],
)
def test_level_read_out(case, config, source, wanted):
    torch.testing.assert_close(level_db(config, case[1][source]), case[1][wanted], atol=DECODED, rtol=0)


def test_level_re_application(case, clips, sample_rate):
    """On the clips at other levels and cut, as the file's words say: "clips times (a, b) ..., first n samples"."""
    words = " ".join(case[0]["computation"])
    left, right, samples = re.search(r"clips times \(([\d.]+), ([\d.]+)\).*?first (\d+) samples", words).groups()
    audio = (clips * torch.tensor([float(left), float(right)])[:, None])[..., : int(samples)]
    ours = apply_level(audio, case[1]["out.log_rms_from_post_processed"], sample_rate)
    name = only_name(case[0], "out.apply_rms")
    torch.testing.assert_close(ours[..., piece(name)], case[1][name], atol=1e-5, rtol=1e-4)
