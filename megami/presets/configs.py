"""Config dataclasses to plain dictionaries and back, strictly, so that a file of weights can say what it is for."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar

from megami.errors import UserError

Config = TypeVar("Config")  # a dataclass
LARGEST_SIZE = 1 << 17  # of any whole number: beyond are no sizes and counts of ours, only faults


def config_to_dict(config: Any) -> Any:
    """Turn a config dataclass, and those inside it, into dictionaries and lists that JSON can hold."""
    if is_dataclass(config):
        return {field.name: config_to_dict(getattr(config, field.name)) for field in fields(config)}
    if isinstance(config, tuple | list):
        return [config_to_dict(item) for item in config]
    if config is None or isinstance(config, bool | int | float | str):
        return config
    raise TypeError(f"a config cannot hold {type(config).__name__}")


def config_from_dict(kind: type[Config], values: Any, where: str = "config") -> Config:
    """Build a config dataclass from what `config_to_dict` gave.

    A field that is missing takes its default. Raises UserError, naming the field, for one that is unknown, has another
    type, is missing without a default, or is a number that no config has: below 0 or too large for a whole one (they
    are sizes and counts), not finite.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"{where}: expected an object, not {repr(values)[:100]}")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in fields(typing.cast(Any, kind))}
    for name in values:
        if name not in known:
            raise UserError(f"{where}: unknown field {name!r}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{where}: field {name!r} is missing")
    arguments = {name: _value(hints[name], values[name], f"{where}.{name}") for name in values}
    try:
        return kind(**arguments)
    except (ValueError, ArithmeticError, UserError) as error:  # the config's own checks
        raise UserError(f"{where}: {error}") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    """Give a JSON value the type that a config field asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _optional(arguments, value, where)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if isinstance(hint, type) and is_dataclass(hint):
        return config_from_dict(hint, value, where)
    if origin is typing.Literal:
        fits = value in arguments
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    elif hint is int:
        fits = type(value) is int and 0 <= value <= LARGEST_SIZE
    else:
        fits = type(value) is hint
    if not fits:
        raise UserError(f"{where}: {repr(value)[:100]} is not a valid {getattr(hint, '__name__', hint)}")
    return float(value) if hint is float else value


def _optional(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    """`X | None`: nothing, or an X."""
    if value is None and type(None) in choices:
        return None
    (kind,) = (choice for choice in choices if choice is not type(None))
    return _value(kind, value, where)


def _tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    """`tuple[X, ...]` or `tuple[X, Y]` from a JSON list."""
    if not isinstance(value, list | tuple):
        raise UserError(f"{where}: expected a list, not {repr(value)[:100]}")
    if len(items) == 2 and items[1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise UserError(f"{where}: expected {len(items)} values, not {len(value)}")
    return tuple(_value(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(items, value, strict=True)))
