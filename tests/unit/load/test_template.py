"""What may be copied, and what a copy holds."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from pytest_celery_perf.broker.lists import Put
from pytest_celery_perf.load.template import NoTemplateError, Template, identifiers, template_of

ONE, OTHER, TAG_ONE, TAG_OTHER = (str(uuid.uuid4()) for _ in range(4))
SECOND_NS = 10**9


def put(task_id: str, tag: str, *, at_ns: int = 0, key: str = "celery", dies: bool = False, **headers: Any) -> Put:
    told = {"id": task_id, "root_id": task_id, "parent_id": None, "argsrepr": "()", "kwargsrepr": "{}", **headers}
    message = {
        "body": headers.pop("body", "W10="),
        "headers": {name: value for name, value in told.items() if name != "body"},
        "properties": {"correlation_id": task_id, "delivery_tag": tag},
    }
    return Put(key=key, text=json.dumps(message), at_ns=at_ns, expires=dies)


def pair(**headers: Any) -> tuple[Put, Put]:
    return put(ONE, TAG_ONE, **headers), put(OTHER, TAG_OTHER, **headers)


def filled(template: Template, *, now_ns: int = 0, **blanks: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(template.fill("ID", "TAG", {**template.times(now_ns), **blanks}))
    return message


def test_a_copy_has_ids_of_its_own_wherever_they_stand() -> None:
    first, second = put(ONE, TAG_ONE, trace=f"<{ONE}>"), put(OTHER, TAG_OTHER, trace=f"<{OTHER}>")
    copy = filled(template_of(first, second, varied=False))
    assert (copy["headers"]["id"], copy["headers"]["root_id"], copy["headers"]["trace"]) == ("ID", "ID", "<ID>")
    assert copy["properties"] == {"correlation_id": "ID", "delivery_tag": "TAG"}


def test_what_looks_like_a_blank_is_none() -> None:
    copy = filled(template_of(*pair(note="100 %(id)s %s %%"), varied=False))
    assert copy["headers"]["note"] == "100 %(id)s %s %%"


def test_times_move_on_with_the_copy() -> None:
    first = put(ONE, TAG_ONE, eta="2026-11-22T10:00:00.000000+01:00", expires="2026-11-22T12:00:00+01:00")
    second = put(
        OTHER, TAG_OTHER, at_ns=SECOND_NS, eta="2026-11-22T10:00:01+01:00", expires="2026-11-22T12:00:00+01:00"
    )
    template = template_of(first, second, varied=False)
    headers = filled(template, now_ns=4 * SECOND_NS + 500_000)["headers"]
    assert headers["eta"] == "2026-11-22T10:00:04.000500+01:00"
    assert headers["expires"] == "2026-11-22T12:00:00+01:00"  # the same in both: a time of the user's own


def test_arguments_are_blanks_where_they_differ() -> None:
    template = template_of(*pair(), varied=True)
    headers = filled(template, body='"Qg=="', argsrepr='"(1,)"', kwargsrepr='"{}"')
    assert (headers["body"], headers["headers"]["argsrepr"]) == ("Qg==", "(1,)")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (put(ONE, TAG_ONE), put(ONE, TAG_OTHER), "its messages have no id of their own"),
        (put(ONE, TAG_ONE, root_id="r"), put(OTHER, TAG_OTHER, root_id="r"), "published as the child of another task"),
        (put(ONE, TAG_ONE), put(OTHER, TAG_OTHER, key="mail"), "its messages go to different queues"),
        (put(ONE, TAG_ONE, dies=True), put(OTHER, TAG_OTHER, dies=True), "its queue expires (x-expires)"),
        (put(ONE, TAG_ONE, serial=1), put(OTHER, TAG_OTHER, serial=2), "its messages differ in headers.serial"),
        (put(ONE, TAG_ONE), put(OTHER, TAG_OTHER, late=True), "its messages differ in headers.late"),
        (put(ONE, TAG_ONE), put(OTHER, TAG_OTHER, eta="2026-11-22T10:00"), "its messages differ in headers.eta"),
        (put(ONE, TAG_ONE), put(OTHER, TAG_OTHER, body="WzFd"), "its messages differ in the body"),
        (put(ONE, TAG_ONE), put(OTHER, TAG_OTHER, argsrepr="…"), "its messages differ in headers.argsrepr"),
    ],
)
def test_what_cannot_be_copied_says_why(first: Put, second: Put, reason: str) -> None:
    with pytest.raises(NoTemplateError, match=re.escape(reason)):
        template_of(first, second, varied=False)


def test_ids_are_random_uuids_of_version_4() -> None:
    ids = identifiers(1000)
    assert len(set(ids)) == 1000
    assert {(4, uuid.RFC_4122)} == {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids}
    assert ids == [str(uuid.UUID(each)) for each in ids]
