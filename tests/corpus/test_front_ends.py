"""Features are for the encoders that will hear them: their front ends come from the preset, and a cache has one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch

from megami.adaptation import ContentEncoder
from megami.corpus import CorpusConfig, FrontEnd, build_features
from megami.corpus.features import content_mels, describe
from megami.corpus.songs import FRONT_ENDS, MARK_FILE, claim_cache
from megami.embeddings import FxEncoder
from megami.errors import UserError
from megami.presets import preset
from megami.training import SmallRecipe, Workplace, train_small

SMALL = preset("small")
FINER = replace(
    SMALL, fx_encoder=replace(SMALL.fx_encoder, hop=512), content=replace(SMALL.content, n_fft=1024, mels=48)
)


def test_features_are_what_the_encoders_of_the_preset_look_at():
    wet = torch.randn(2, 2, 22050, generator=torch.Generator().manual_seed(0)) * 0.1
    corpus = SmallRecipe(preset=FINER).corpus
    fx, content = FxEncoder(FINER.fx_encoder), ContentEncoder(FINER.content)
    for heard, features in (
        (describe(wet, corpus.fx_front_end)["mels"], fx.features(wet)),
        (content_mels(wet, corpus.content_front_end), content.features(wet)),
    ):
        assert torch.equal(torch.from_numpy(heard), features.half())
    assert describe(wet)["mels"].shape[-1] < heard.shape[-1] * 2  # the usual ones are others


def test_a_recipe_cannot_have_other_front_ends_than_its_preset():
    assert SmallRecipe().corpus == CorpusConfig()
    recipe = SmallRecipe(corpus=CorpusConfig(fx_front_end=FrontEnd(hop=99)), preset=FINER)
    assert recipe.corpus.fx_front_end == FrontEnd(hop=512)
    assert recipe.corpus.content_front_end == FrontEnd(n_fft=1024, mels=48)
    assert replace(recipe, preset=SMALL).with_seed(0).corpus == CorpusConfig()


def test_a_cache_with_another_hop_is_refused(tmp_path):
    claim_cache(tmp_path / "cache", SmallRecipe().corpus)
    other = SmallRecipe(preset=FINER)
    with pytest.raises(UserError, match=r"built with fx_front_end = .*1024.*, not .*512.*: choose another folder"):
        build_features(tmp_path / "cache", other.corpus, ("train",))
    with pytest.raises(UserError, match="fx_front_end"):  # also where only a network is to be trained
        train_small(Workplace(tmp_path), other, ("fx_encoder",))


def test_a_cache_of_an_older_version_is_for_the_only_front_end_that_there_was(tmp_path):
    claim_cache(tmp_path, CorpusConfig())
    mark = tmp_path / MARK_FILE
    words = json.loads(mark.read_text())
    assert {name: words.pop(name) for name in FRONT_ENDS} == dict.fromkeys(FRONT_ENDS, asdict(FrontEnd()))
    mark.write_text(json.dumps(words))
    claim_cache(tmp_path, CorpusConfig())
    with pytest.raises(UserError, match="content_front_end"):
        claim_cache(tmp_path, CorpusConfig(content_front_end=FrontEnd(hop=512)))
