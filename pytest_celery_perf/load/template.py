"""A message of which the others of its kind are copies, and whether it may be."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pytest_celery_perf.broker.lists import Put

MOVING = ("eta", "expires")
"""Headers that hold a time: it moves on with the message unless it was the same in both."""
VARIED = ("body", "argsrepr", "kwargsrepr")
"""What arguments decide."""


class NoTemplateError(Exception):
    """Messages of a kind cannot be made by copying; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A message with blanks for what is another in each copy."""

    key: str
    """Of the list for which it is."""
    text: str
    """With ``%(id)s``, ``%(tag)s`` and, where they differ, ``%(eta)s``, ``%(expires)s``, or what `Body.write` names."""
    moving: Mapping[str, datetime]
    """Times, as of `at_ns`."""
    at_ns: int

    def times(self, now_ns: int) -> dict[str, str]:
        """Return what to put into the blanks for times.

        Args:
            now_ns: When the copies are published.
        """
        later = timedelta(microseconds=(now_ns - self.at_ns) // 1000)
        return {name: json.dumps((instant + later).isoformat()) for name, instant in self.moving.items()}

    def fill(self, task_id: str, tag: str, blanks: Mapping[str, str]) -> str:
        """Return a copy.

        Args:
            task_id: The id of its task.
            tag: Its delivery tag.
            blanks: What else differs.
        """
        return self.text % {"id": task_id, "tag": tag, **blanks}


def template_of(first: Put, second: Put, *, varied: bool) -> Template:
    """Make a template of two messages of one kind, published by the app one after the other.

    Args:
        first: The one.
        second: The other.
        varied: Whether the arguments may differ.

    Raises:
        NoTemplateError: They differ in more than ids, arguments and times, so that a copy would lack something.
    """
    one, other = json.loads(first.text), json.loads(second.text)
    task_id = other["headers"].get("id")
    if one["headers"].get("id") == task_id:
        raise NoTemplateError("its messages have no id of their own")
    if other["headers"].get("root_id") != task_id or other["headers"].get("parent_id"):
        raise NoTemplateError("it is published as the child of another task")
    if first.expires or second.expires:
        raise NoTemplateError("its queue expires (x-expires)")
    moving = [name for name in MOVING if _moves(one["headers"].get(name), other["headers"].get(name))]
    blank_one, blank_other = _blank(one, moving, varied=varied), _blank(other, moving, varied=varied)
    if first.key != second.key:
        raise NoTemplateError("its messages go to different queues")
    if blank_one != blank_other:
        expected = (*moving, *(VARIED if varied else ()))
        raise NoTemplateError(f"its messages differ in {', '.join(_differences(one, other, expected))}")
    return Template(
        key=second.key,
        text=blank_other,
        moving={name: datetime.fromisoformat(other["headers"][name]) for name in moving},
        at_ns=second.at_ns,
    )


def _blank(message: dict[str, Any], moving: list[str], *, varied: bool) -> str:
    headers, properties = {**message["headers"]}, message["properties"]
    blanks = [*moving, *(VARIED if varied else ())]
    for name in blanks:
        if name in headers:
            headers[name] = _mark(name)
    body = _mark("body") if varied else message["body"]
    text = json.dumps({**message, "body": body, "headers": headers}).replace("%", "%%")
    for name in blanks:
        text = text.replace(json.dumps(_mark(name)), f"%({name})s")
    return text.replace(headers["id"], "%(id)s").replace(properties["delivery_tag"], "%(tag)s")


def _moves(before: object, after: object) -> bool:
    return isinstance(before, str) and isinstance(after, str) and before != after


def _mark(name: str) -> str:
    return f"\0{name}"


def _differences(one: dict[str, Any], other: dict[str, Any], expected: Collection[str]) -> Iterator[str]:
    ids = [message["headers"]["id"] for message in (one, other)]
    for part in ("headers", "properties"):
        for name in sorted((one[part].keys() | other[part].keys()) - {"delivery_tag", *expected}):
            values = [json.dumps(message[part].get(name)) for message in (one, other)]
            if values[0].replace(ids[0], ids[1]) != values[1]:
                yield f"{part}.{name}"
    if one["body"] != other["body"] and "body" not in expected:
        yield "the body"


def identifiers(count: int) -> list[str]:
    """Return random ids as ``uuid.uuid4`` makes them, which takes ten times as long one by one.

    Args:
        count: How many.

    Source:
        RFC 9562, section 5.4: version and variant are fixed bits, the others random.
    """
    digits = os.urandom(16 * count).hex()
    return [_uuid(digits[start : start + 32]) for start in range(0, len(digits), 32)]


def _uuid(digits: str) -> str:
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
