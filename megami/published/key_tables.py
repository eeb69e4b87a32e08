"""Published checkpoints under our names: the only place where the published names of parameters and options stand.

Every key is listed in a table, both ways. A key too many, too few or of another shape is refused and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from megami.errors import UserError
from megami.generator import TransformerConfig
from megami.presets.weight_files import State, check_state, check_types

TRANSFORMER_KEYS = {
    "timestep_features.weight": "time_embedding.frequencies",
    "to_timestep_embed.0.weight": "time_embedding.hidden.weight",
    "to_timestep_embed.0.bias": "time_embedding.hidden.bias",
    "to_timestep_embed.2.weight": "time_embedding.output.weight",
    "to_timestep_embed.2.bias": "time_embedding.output.bias",
    "preprocess_conv.weight": "input_mix.weight",
    "postprocess_conv.weight": "output_mix.weight",
    "transformer.project_in.weight": "project_in.weight",
    "transformer.project_out.weight": "project_out.weight",
}
TRANSFORMER_BLOCK_KEYS = {
    "transformer.layers.{i}.pre_norm.gamma": "blocks.{i}.self_norm.gamma",
    "transformer.layers.{i}.pre_norm.beta": "blocks.{i}.self_norm.beta",
    "transformer.layers.{i}.self_attn.to_qkv.weight": "blocks.{i}.self_attention.qkv.weight",
    "transformer.layers.{i}.self_attn.to_out.weight": "blocks.{i}.self_attention.output.weight",
    "transformer.layers.{i}.cross_attend_norm.gamma": "blocks.{i}.cross_norm.gamma",
    "transformer.layers.{i}.cross_attend_norm.beta": "blocks.{i}.cross_norm.beta",
    "transformer.layers.{i}.cross_attn.to_q.weight": "blocks.{i}.cross_attention.query.weight",
    "transformer.layers.{i}.cross_attn.to_kv.weight": "blocks.{i}.cross_attention.key_value.weight",
    "transformer.layers.{i}.cross_attn.to_out.weight": "blocks.{i}.cross_attention.output.weight",
    "transformer.layers.{i}.ff_norm.gamma": "blocks.{i}.feedforward_norm.gamma",
    "transformer.layers.{i}.ff_norm.beta": "blocks.{i}.feedforward_norm.beta",
    "transformer.layers.{i}.ff.ff.0.proj.weight": "blocks.{i}.feedforward.expand.weight",
    "transformer.layers.{i}.ff.ff.0.proj.bias": "blocks.{i}.feedforward.expand.bias",
    "transformer.layers.{i}.ff.ff.2.weight": "blocks.{i}.feedforward.contract.weight",
    "transformer.layers.{i}.ff.ff.2.bias": "blocks.{i}.feedforward.contract.bias",
}
TCN_KEYS = {"output.weight": "output.weight", "output.bias": "output.bias"}
TCN_BLOCK_KEYS = {
    "blocks.{i}.conv1.weight": "blocks.{i}.conv.weight",
    "blocks.{i}.bn.weight": "blocks.{i}.norm.weight",
    "blocks.{i}.bn.bias": "blocks.{i}.norm.bias",
    "blocks.{i}.bn.running_mean": "blocks.{i}.norm.running_mean",
    "blocks.{i}.bn.running_var": "blocks.{i}.norm.running_var",
    "blocks.{i}.bn.num_batches_tracked": "blocks.{i}.norm.num_batches_tracked",
    "blocks.{i}.film.film_fc.weight": "blocks.{i}.film.weight",
    "blocks.{i}.film.film_fc.bias": "blocks.{i}.film.bias",
    "blocks.{i}.res.weight": "blocks.{i}.residual.weight",
}
ADAPTOR_KEYS = {
    "model.0.weight": "inner.weight",
    "model.0.bias": "inner.bias",
    "model.2.weight": "outer.weight",
    "model.2.bias": "outer.bias",
}

# Options of the published transformer that have one supported value.
TRANSFORMER_FIXED_OPTIONS = {
    "patch_size": 1,
    "project_cond_tokens": False,
    "global_cond_dim": 0,
    "input_concat_dim": 0,
    "transformer_type": "continuous_transformer",
    "pos_emb_strategy": "concatenation",
    "pos_emb_type": "one-hot",
    "pos_emb_crossattn_strategy": "concatenation",
    "pos_emb_crossattn_type": "one-hot",
    "use_taxonomy_in_pos_emb": False,
}
TRANSFORMER_OPTIONS = {
    "io_channels": "io_channels",
    "cond_token_dim": "cond_dim",
    "embed_dim": "width",
    "depth": "depth",
    "num_heads": "heads",
    "pos_emb_dim": "position_dim",
    "pos_emb_crossattn_dim": "cond_position_dim",
    "max_num_tracks": "max_tracks",
}


def transformer_config(options: Mapping[str, Any]) -> TransformerConfig:
    """Give our config for a published transformer's options.

    Raises UserError for an option that is unknown or has a value this implementation does not have.
    """
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if name in TRANSFORMER_OPTIONS:
            fields[TRANSFORMER_OPTIONS[name]] = value
        elif name == "ff_kwargs" and isinstance(value, Mapping) and set(value) <= {"mult"}:
            fields["ff_mult"] = float(value.get("mult", 4.0))
        elif name not in TRANSFORMER_FIXED_OPTIONS or TRANSFORMER_FIXED_OPTIONS[name] != value:
            raise UserError(f"transformer option {name} = {value!r} is not supported")
    return TransformerConfig(**fields)


def convert_transformer(state: Mapping[str, Tensor], expected: nn.Module | None = None) -> State:
    """Rename a published transformer's parameters to ours.

    With `expected`, a network of the right sizes (on the meta device is enough), shapes are checked too.
    Raises UserError naming a missing, unexpected or mis-shaped key.
    """
    return _rename(state, transformer_table(count_blocks(state, "transformer.layers.")), expected)


def convert_tcn(state: Mapping[str, Tensor], expected: nn.Module | None = None) -> State:
    """Rename a published effect processor's parameters to ours; as `convert_transformer`."""
    return _rename(state, tcn_table(count_blocks(state, "blocks.")), expected)


def convert_adaptor(state: Mapping[str, Tensor], expected: nn.Module | None = None) -> State:
    """Rename a published domain adaptor's parameters to ours; as `convert_transformer`."""
    return _rename(state, ADAPTOR_KEYS, expected)


def publish_transformer(state: Mapping[str, Tensor]) -> State:
    """Rename our transformer's parameters to the published names; the inverse of `convert_transformer`."""
    return _rename(state, _inverse(transformer_table(count_blocks(state, "blocks."))))


def publish_tcn(state: Mapping[str, Tensor]) -> State:
    """Rename our effect processor's parameters to the published names; the inverse of `convert_tcn`."""
    return _rename(state, _inverse(tcn_table(count_blocks(state, "blocks."))))


def publish_adaptor(state: Mapping[str, Tensor]) -> State:
    """Rename our adaptor's parameters to the published names; the inverse of `convert_adaptor`."""
    return _rename(state, _inverse(ADAPTOR_KEYS))


def transformer_table(depth: int) -> dict[str, str]:
    """List published -> our names of a transformer of so many blocks."""
    return TRANSFORMER_KEYS | _per_block(TRANSFORMER_BLOCK_KEYS, depth)


def tcn_table(depth: int) -> dict[str, str]:
    """List published -> our names of an effect processor of so many blocks."""
    return TCN_KEYS | _per_block(TCN_BLOCK_KEYS, depth)


def count_blocks(state: Mapping[str, Tensor], prefix: str) -> int:
    """Count the numbered blocks under a prefix: the highest number plus one, so that a gap shows as missing keys."""
    numbers = [int(found[1]) for key in state if (found := re.match(re.escape(prefix) + r"(\d+)\.", key))]
    return max(numbers, default=0) + 1


def _per_block(keys: Mapping[str, str], depth: int) -> dict[str, str]:
    return {name.format(i=i): ours.format(i=i) for i in range(depth) for name, ours in keys.items()}


def _inverse(table: Mapping[str, str]) -> dict[str, str]:
    return {ours: name for name, ours in table.items()}


def _rename(state: Mapping[str, Tensor], table: Mapping[str, str], expected: nn.Module | None = None) -> State:
    """Give the state under the table's new names, after checking its keys, and its shapes where a network is given."""
    shapes = {name: state[name].shape if name in state else torch.Size() for name in table}
    if expected is not None:
        ours = {key: value.shape for key, value in expected.state_dict().items()}
        check_tables(table, ours)
        shapes = {name: ours[renamed] for name, renamed in table.items()}
    check_state(state, shapes, "checkpoint")
    ours = {renamed: state[name] for name, renamed in table.items()}
    if expected is not None:
        check_types(ours, expected, _inverse(table), "checkpoint")
    return ours


def check_tables(table: Mapping[str, str], ours: Mapping[str, torch.Size]) -> None:
    """Raise UserError if a table and a network do not name the same parameters, as with another number of blocks."""
    for name, renamed in table.items():
        if renamed not in ours:
            raise UserError(f"checkpoint: key {name} is unexpected: the network has no {renamed}")
    for key in ours:
        if key not in table.values():
            raise UserError(f"checkpoint: the key for {key} is missing")
