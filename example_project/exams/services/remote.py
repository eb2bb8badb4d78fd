"""Asks the services of others over HTTP: judge, AI, search engine, examiner."""

from __future__ import annotations

import json
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings


class ServiceUnavailableError(ConnectionError):
    """It cannot be reached, or says that it cannot answer now: try again later."""


class ServiceRejectedError(ValueError):
    """It understood and refuses: another attempt would not help."""


def ask(path: str, question: dict[str, Any]) -> Any:
    """Post a question and return the answer.

    Args:
        path: Which service, and what of it.
        question: The same question has the same key, so that a task which asks again does not pay again.

    Raises:
        ServiceUnavailableError: No connection, no whole answer in time, status 429 or 5xx.
        ServiceRejectedError: Any other status than 200.
    """
    address = urlsplit(settings.EXAM_SERVICES_URL)
    connection_class = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = connection_class(address.netloc, timeout=settings.EXAM_SERVICES_TIMEOUT_S)
    content = json.dumps(question)
    headers = {"Content-Type": "application/json", "Idempotency-Key": sha256(content.encode()).hexdigest()}
    try:
        connection.request("POST", address.path + path, content, headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        raise ServiceUnavailableError(f"{path}: {error!r}") from error
    finally:
        connection.close()
    if response.status == 429 or response.status >= 500:
        raise ServiceUnavailableError(f"{path}: status {response.status}")
    if response.status != 200:
        raise ServiceRejectedError(f"{path}: status {response.status}: {body[:200]!r}")
    return json.loads(body)
