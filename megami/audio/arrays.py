"""Audio given as arrays."""

from __future__ import annotations

import torch
from torch import Tensor

from megami.errors import UserError

WHOLE = {torch.int16: 2.0**15, torch.int32: 2.0**31}


def as_float_audio(audio: object, what: str) -> Tensor:
    """Audio as float32 with full scale ±1: whole numbers of 16 and 32 bits are scaled, and 8 bits without sign.

    Those are the forms in which WAV files hold them. Floats stay as they are, also beyond ±1. Raises UserError, naming
    `what`, for anything else.
    """
    try:
        tensor = torch.as_tensor(audio)
    except (TypeError, ValueError, RuntimeError):
        kind = getattr(audio, "dtype", type(audio).__name__)
        raise UserError(f"{what} cannot be taken as audio ({kind}): give an array of floats, full scale ±1") from None
    if tensor.dtype.is_floating_point:
        return tensor.to(torch.float32)
    if tensor.dtype in WHOLE:
        return (tensor.double() / WHOLE[tensor.dtype]).float()
    if tensor.dtype == torch.uint8:
        return (tensor.float() - 128.0) / 128.0
    kind = str(tensor.dtype).removeprefix("torch.")
    raise UserError(
        f"{what} holds numbers of type {kind}, whose full scale is not known: divide by it, to floats of ±1"
    )


def hint_to_transpose(shape: tuple[int, ...]) -> str:
    """A hint where the last two dimensions look like samples and channels; else nothing."""
    if len(shape) < 2 or shape[-1] not in (1, 2) or shape[-2] <= 2:
        return ""
    return (
        "; it looks like [samples, channels]: transpose it (array.T)"
        if len(shape) == 2
        else ("; it looks like [tracks, samples, channels]: swap the last two dimensions")
    )
