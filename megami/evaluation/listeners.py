"""The two encoders by which an evaluation hears."""

from __future__ import annotations

from megami.adaptation import ContentEncoder, EarEncoder
from megami.embeddings import FxEncoder
from megami.errors import UserError
from megami.mixing.pretrained import Networks


def small_encoders(networks: Networks) -> tuple[FxEncoder, ContentEncoder | EarEncoder]:
    """The effect encoder and the content encoder, which an evaluation asks about cached log-mels.

    Raises UserError for networks with others, such as the published ones.
    """
    fx_encoder, content_encoder = networks.fx_encoder, networks.content_encoder
    if not isinstance(fx_encoder, FxEncoder) or not isinstance(content_encoder, ContentEncoder | EarEncoder):
        raise UserError("the evaluation hears with the encoders of small: use small, or weights of its form")
    return fx_encoder, content_encoder
