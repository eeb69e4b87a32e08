"""Effects relative to the source: turning is orthogonal and undone exactly; the network sees changes only."""

import pytest
import torch

from megami.adaptation import ContentConfig, content_tokens, join_content
from megami.embeddings import EmbeddingConfig, decode, join_parts, split_parts, to_tokens
from megami.embeddings.dynamics import encode_dynamics, encode_phases
from megami.embeddings.spectrum import encode_spectrum
from megami.errors import UserError
from megami.generator import MultitrackTransformer, TransformerConfig, rotate_phases, rotate_tokens

EMBEDDING = EmbeddingConfig()
CONTENT = ContentConfig(spectrum_dim=64, dynamics_dim=64)
CODES = (64, 64)
FLAT = torch.tensor([-26.0, -26.0, 15.0, 15.0, -20.0, -20.0, 0.0, 0.0])


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def effect(mid_db: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """z [64, 4] of one track whose mid bands are given."""
    spectrum = encode_spectrum(mid_db, torch.full((8,), -30.0))
    return to_tokens(EMBEDDING, join_parts(EMBEDDING, draw(128, seed=seed), encode_dynamics(FLAT), spectrum))


def content(mid_db: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """Content tokens [4, 64] of a source with these mid bands."""
    learned = torch.nn.functional.normalize(draw(128, seed=seed), dim=-1)
    return content_tokens(join_content(CONTENT, learned, torch.cat([mid_db, FLAT])))


def test_phases_add_and_subtract():
    a, b = draw(5, 8) * 0.5, draw(5, 8, seed=1) * 0.5
    torch.testing.assert_close(rotate_phases(encode_phases(a), encode_phases(b)), encode_phases(a + b))
    torch.testing.assert_close(rotate_phases(encode_phases(a), 7 * encode_phases(b), back=True), encode_phases(a - b))


def test_what_is_turned_by_nothing_stays():
    code = draw(3, 64)
    torch.testing.assert_close(rotate_phases(code, torch.zeros(3, 64)), code)


def test_turning_tokens_keeps_distances_and_is_undone():
    x, cond = draw(2, 3, 64, 4), draw(2, 3, 4, 64, seed=1)
    turned = rotate_tokens(x, cond, CODES, back=True)
    assert not torch.allclose(turned, x, atol=0.1)
    torch.testing.assert_close(turned.norm(dim=(-1, -2)), x.norm(dim=(-1, -2)))
    torch.testing.assert_close(rotate_tokens(turned, cond, CODES), x)


def test_the_encoders_part_is_left_alone():
    x = draw(1, 2, 64, 4)
    turned = rotate_tokens(x, draw(1, 2, 4, 64, seed=1), CODES)
    assert torch.equal(turned.flatten(-2)[..., :128], x.flatten(-2)[..., :128])


def test_the_same_change_looks_the_same_on_every_source():
    bright, dark = torch.linspace(-40, -20, 24), torch.linspace(-20, -45, 24)
    change = torch.linspace(3, -6, 24)
    seen = [rotate_tokens(effect(mid + change), content(mid), CODES, back=True) for mid in (bright, dark)]
    torch.testing.assert_close(*seen, atol=1e-5, rtol=0)
    spectrum = split_parts(EMBEDDING, seen[0].flatten(-2)).spectrum
    torch.testing.assert_close(spectrum[:24] * 32**0.5, torch.cos(change / 20), atol=1e-5, rtol=0)  # 20 dB a radian


def test_turned_back_it_says_the_result():
    mid, change = torch.linspace(-40, -20, 24), torch.linspace(3, -6, 24)
    z = rotate_tokens(rotate_tokens(effect(mid + change), content(mid), CODES, back=True), content(mid), CODES)
    torch.testing.assert_close(decode(EMBEDDING, z.flatten(-2))["mid_bands_db"], mid + change, atol=1e-2, rtol=0)


@pytest.mark.parametrize("codes, alike", [(CODES, True), ((), False)])
def test_the_network_turns_its_answer_with_the_source(codes, alike):
    torch.manual_seed(0)
    sizes = TransformerConfig(
        tokens=4,
        cond_tokens=4,
        width=128,
        depth=1,
        heads=4,
        time_features=16,
        position_dim=8,
        cond_position_dim=64,
        track_ids="none",
        zero_init=False,
        codes=codes,
    )
    network = MultitrackTransformer(sizes).eval()
    # Looks at effects only, so that all it knows of the source is how it was turned.
    torch.nn.init.zeros_(network.blocks[0].cross_attention.output.weight)
    mids = torch.linspace(-40, -20, 24), torch.linspace(-20, -45, 24)
    answers = []
    with torch.no_grad():
        for mid in mids:
            x, cond = effect(mid + 2)[None, None], content(mid)[None, None]
            answer = network(x, torch.zeros(1, 1), cond)
            answers.append(rotate_tokens(answer, cond, CODES, back=True))
    assert torch.allclose(*answers, atol=1e-4) == alike


@pytest.mark.parametrize("codes", [(63,), (0,), (256, 64)])
def test_impossible_codes_are_refused(codes):
    with pytest.raises(UserError, match="codes"):
        TransformerConfig(tokens=4, cond_tokens=4, codes=codes)
