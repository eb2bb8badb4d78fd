"""Frozen values to plain JSON data and back, guided by nothing but their annotations.

It serves the report file and whatever else must leave the process, such as the results
that a pytest-xdist worker hands to its controller.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: object) -> Any:
    """Turn a value of the model into data that ``json.dumps`` accepts.

    Args:
        value: A dataclass of the model, or something that such a one holds.

    Returns:
        Dictionaries in the order of the fields, lists, texts and numbers. The order is
        always the same: sets and mappings come sorted.

    Raises:
        TypeError: The value is of no type that the model uses.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(encode(item) for item in value)
    if isinstance(value, Mapping):
        return {key: encode(value[key]) for key in sorted(value)}
    if dataclasses.is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"cannot encode {value!r}: {type(value).__name__} is no type of the model")


def decode(kind: type[T], data: object) -> T:
    """Turn what `encode` made back into the value.

    Args:
        kind: The dataclass to make.
        data: Plain data. A field with a default may be missing: then an older version has written it.

    Returns:
        A value equal to the one that was encoded.

    Raises:
        ValueError: The data is not of that kind; the message names the place.
    """
    value: T = _decode(kind, data, kind.__name__)
    return value


def _decode(kind: Any, data: object, where: str) -> Any:
    if get_origin(kind):
        return _decode_generic(kind, data, where)
    if dataclasses.is_dataclass(kind):
        return _decode_fields(kind, _expect(dict, data, where), where)
    if issubclass(kind, Enum):
        return kind(data)
    if kind is float and type(data) is int:
        return float(data)
    return _expect(kind, data, where)


def _decode_generic(kind: Any, data: object, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        (some,) = (arm for arm in arguments if arm is not type(None))
        return None if data is None else _decode(some, data, where)
    if origin is dict:
        items = _expect(dict, data, where).items()
        return {key: _decode(arguments[1], value, f"{where}[{key!r}]") for key, value in items}
    kinds = (*arguments, ...) if origin is frozenset else arguments
    return origin(_decode_tuple(kinds, _expect(list, data, where), where))


def _decode_tuple(kinds: tuple[Any, ...], data: list[Any], where: str) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is ...:
        kinds = (kinds[0],) * len(data)
    if len(kinds) != len(data):
        raise ValueError(f"{where}: expected {len(kinds)} items, found {len(data)}")
    return tuple(_decode(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, data, strict=True)))


def _decode_fields(kind: Any, data: dict[str, Any], where: str) -> Any:
    kinds = _field_types(kind)
    if unlike := (data.keys() - kinds.keys()) | (_required(kind) - data.keys()):
        raise ValueError(f"{where}: missing or unknown: {', '.join(sorted(unlike))}")
    return kind(**{name: _decode(kinds[name], value, f"{where}.{name}") for name, value in data.items()})


@functools.cache
def _field_types(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@functools.cache
def _required(kind: Any) -> frozenset[str]:
    """Name the fields that data must have: what has a default may be younger than the data."""
    missing = dataclasses.MISSING
    fields = dataclasses.fields(kind)
    return frozenset(each.name for each in fields if each.default is missing and each.default_factory is missing)


def _expect(kind: Any, data: object, where: str) -> Any:
    # Exact types: to isinstance a bool is an int, and to JSON it is not.
    if type(data) is not kind:
        raise ValueError(f"{where}: expected {kind.__name__}, found {data!r}")
    return data
