"""The client of the AI service: three questions over HTTP, each of which is paid for once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings


class AIUnavailableError(ConnectionError):
    """The service cannot be reached, or says that it cannot answer now: try again later."""


class AIRejectedError(ValueError):
    """The service understood and refuses: another attempt would not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemInfo:
    """What the service reads from a problem's page."""

    platform: str
    problem_id: str
    title: str
    constraints: str
    examples: tuple[str, ...]


def extract_problem(url: str) -> ProblemInfo:
    """Have the page at an address read.

    Args:
        url: The problem's page.

    Returns:
        What it states.

    Raises:
        AIUnavailableError, AIRejectedError: See `_ask`.
    """
    answer = _ask("/extract", {"url": url})
    return ProblemInfo(
        platform=answer["platform"],
        problem_id=answer["problem_id"],
        title=answer["title"],
        constraints=answer["constraints"],
        examples=tuple(answer["examples"]),
    )


def write_generator(*, title: str, constraints: str, language: str) -> str:
    """Have a program written that prints a test input a line, each as JSON text.

    Args:
        title: The problem's title.
        constraints: What its inputs must fulfil.
        language: The program's language.

    Returns:
        The program.

    Raises:
        AIUnavailableError, AIRejectedError: See `_ask`.
    """
    answer = _ask("/generator", {"title": title, "constraints": constraints, "language": language})
    return str(answer["code"])


def write_hints(*, title: str, code: str, failures: Sequence[Mapping[str, object]]) -> list[str]:
    """Have hints written for the cases that a submission failed.

    Args:
        title: The problem's title.
        code: The submission.
        failures: The failed cases, as the history keeps them.

    Returns:
        The hints.

    Raises:
        AIUnavailableError, AIRejectedError: See `_ask`.
    """
    answer = _ask("/hints", {"title": title, "code": code, "failures": list(failures)})
    return [str(hint) for hint in answer["hints"]]


def _ask(path: str, question: dict[str, Any]) -> Any:
    """Post a question and return the answer.

    The service bills a key once, however often it comes: a task that asks again, after an error or a crash, does not
    pay again.

    Raises:
        AIUnavailableError: No connection, no whole answer in time, status 429 or 5xx.
        AIRejectedError: Any other status than 200.
    """
    address = urlsplit(settings.AI_SERVICE_URL)
    connection_class = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = connection_class(address.netloc, timeout=settings.AI_SERVICE_TIMEOUT_S)
    content = json.dumps(question)
    key = sha256(content.encode()).hexdigest()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    try:
        connection.request("POST", address.path + path, content, headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        raise AIUnavailableError(f"{path}: {error!r}") from error
    finally:
        connection.close()
    if response.status == 429 or response.status >= 500:
        raise AIUnavailableError(f"{path}: status {response.status}")
    if response.status != 200:
        raise AIRejectedError(f"{path}: status {response.status}: {body[:200]!r}")
    return json.loads(body)
