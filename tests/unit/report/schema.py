"""Derives the JSON Schema of the report file from the dataclasses that it is made of.

Run it after a change of the model, with the package importable:

    python tests/unit/report/schema.py > pytest_celery_perf/report/schema.json
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import sys
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pytest_celery_perf.model.history import History
from pytest_celery_perf.report.json import RECORDS, SCHEMA, Mode, Report

_PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def report_schema() -> dict[str, Any]:
    """Return the schema of what `report.json.dump` writes."""
    definitions: dict[str, Any] = {}
    _define(Report, definitions)
    report = definitions.pop(Report.__name__)
    history = definitions[History.__name__]
    history["required"] = [name for name in history["required"] if name not in RECORDS]
    head = {"schema": {"const": SCHEMA}, "mode": {"enum": [mode.value for mode in Mode]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pytest-celery-perf report",
        **report,
        "properties": head | report["properties"],
        "required": [*head, *report["required"]],
        "$defs": dict(sorted(definitions.items())),
    }


def _define(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe a dataclass once; return the reference to it."""
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # first, so that a cycle ends
        hints, comments = get_type_hints(kind), _comments(kind)
        properties = {}
        for field in dataclasses.fields(kind):
            comment = comments.get(field.name)
            properties[field.name] = _schema(hints[field.name], definitions)
            if comment:
                properties[field.name]["description"] = comment
        definitions[kind.__name__] = {
            "description": " ".join((inspect.getdoc(kind) or "").split()),
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(kind):
        return _generic_schema(kind, definitions)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _define(kind, definitions)
    return {"enum": [member.value for member in kind]} if issubclass(kind, Enum) else {"type": _PRIMITIVES[kind]}


def _generic_schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        some = next(arm for arm in arguments if arm is not type(None))
        return {"anyOf": [_schema(some, definitions), {"type": "null"}]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if origin is tuple and arguments[-1] is not ...:
        items = [_schema(item, definitions) for item in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
    assert origin in {tuple, frozenset}
    return {"type": "array", "items": _schema(arguments[0], definitions)}


def _comments(kind: type) -> dict[str, str]:
    """Read the docstrings below the fields of a dataclass."""
    (class_,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(class_, ast.ClassDef)
    comments = {}
    for field, text in zip(class_.body, class_.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(comment))):
                comments[name] = " ".join(comment.split())
    return comments


if __name__ == "__main__":
    json.dump(report_schema(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
