"""How far one mix or track is from another, one number per property, averaged over examples."""

from __future__ import annotations

import torch
from torch import Tensor

from megami.embeddings import crest_factor_db, log_spread_db, stereo_imbalance, stereo_width
from megami.embeddings.dynamics import amplitude_db, rms
from megami.processor.losses import spectral_loss_terms


def pairwise_metrics(target: Tensor, output: Tensor) -> dict[str, float]:
    """Differences between two sets of stereo clips [b, 2, n], paired by number, by the published names.

    logrms (dB, whole-clip level), crestfactor (dB), logspread (dB), stereowidth, stereoimbalance: mean absolute
    differences, over channels where there is one value each; IM-mss-lr, IM-mss-ms: multi-scale spectral errors of
    left/right and mid/side (n > 2048). All are 0 for equal clips.
    """
    features = {
        "logrms": lambda audio: amplitude_db(rms(audio)),
        "crestfactor": crest_factor_db,
        "logspread": log_spread_db,
        "stereowidth": stereo_width,
        "stereoimbalance": stereo_imbalance,
    }
    values = {name: float((feature(output) - feature(target)).abs().mean()) for name, feature in features.items()}
    # Clip by clip: the log terms are means over clips already, and memory stays that of one.
    terms = [spectral_loss_terms(b[None], a[None]) for a, b in zip(target, output, strict=True)]
    values["IM-mss-lr"] = float(torch.stack([term.left_right for term in terms]).mean())
    values["IM-mss-ms"] = float(torch.stack([term.midside for term in terms]).mean())
    return values
