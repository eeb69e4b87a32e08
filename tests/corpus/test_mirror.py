"""A mix heard in a mirror is a mix, too: its features follow from those of the mix as it is."""

import numpy as np
import torch

from megami.corpus import Views
from megami.corpus.features import describe, mirrored
from megami.corpus.space import SPACE
from megami.training.recipes.fx_encoder import DrawViews


def test_mirrored_features_are_those_of_the_mirrored_audio():
    g = torch.Generator().manual_seed(0)
    wet = torch.randn(3, 2, 44100, generator=g) * torch.tensor([0.1, 0.03])[:, None]
    wet[1] = wet[1].mean(0)  # mono
    as_is = {name: values.copy() for name, values in describe(wet).items()}
    turned, heard = mirrored(as_is), describe(wet.flip(1))
    assert set(turned) == set(heard)
    for name, values in heard.items():
        np.testing.assert_allclose(turned[name], values, rtol=1e-3, atol=1e-3)
    assert not np.allclose(turned["mels"], as_is["mels"], atol=0.1)
    back = mirrored(turned)
    assert all(np.array_equal(back[name], values) for name, values in as_is.items())  # and nothing given was changed


def test_half_of_the_chains_are_drawn_mirrored_and_both_views_alike():
    mels = torch.arange(4.0)[:, None, None].expand(6, 3, 4, 8, 70).half()  # every picture says which channel it is
    cepstra = torch.arange(2.0)[:, None, None].expand(6, 3, 2, 5, 1).half()
    views = Views(mels, torch.zeros(6, 3), torch.arange(6), cepstra, torch.zeros(6, SPACE))
    draw, rng = DrawViews(views, chains=6), np.random.default_rng(0)
    batches = [draw(rng) for _ in range(50)]
    drawn, echoes = (torch.cat([batch[name][..., 0, 0] for batch in batches]) for name in ("mels", "cepstra"))
    assert torch.equal(drawn[:, 0], drawn[:, 1])  # [chains, 2, 4]
    assert torch.equal(echoes, drawn[..., :2])  # turned together
    first = drawn[:, 0].tolist()
    assert {tuple(order) for order in first} == {(0, 1, 2, 3), (1, 0, 2, 3)}
    assert 0.4 < np.mean([order[0] for order in first]) < 0.6
