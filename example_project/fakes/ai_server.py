"""Stands for the judge's AI service; ``python -m fakes.ai_server --port 8099`` runs it alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fakes.service import Answer, FakeService, serve

GENERATOR = """\
import json
for number in range({cases}):
    print(json.dumps(f"{{number}} {{number + 1}}"))
"""
DEFAULT_CASES = 20


def extract(question: dict[str, Any]) -> dict[str, Any]:
    """Read a problem from its address: ``https://<platform>/<problem id>``."""
    address = urlsplit(question["url"])
    name = address.path.strip("/")
    return {
        "platform": address.hostname,
        "problem_id": name,
        "title": f"Problem {name}",
        "constraints": f"cases: {DEFAULT_CASES}",
        "examples": ["1 2"],
    }


def generator(question: dict[str, Any]) -> dict[str, Any]:
    """Write a program that prints as many inputs as the constraints ask for (``cases: 20``)."""
    _, _, number = question["constraints"].partition("cases:")
    return {"code": GENERATOR.format(cases=int(number or DEFAULT_CASES))}


def hints(question: dict[str, Any]) -> dict[str, Any]:
    """Write a hint for each failed case."""
    return {"hints": [f"Look at test case {failure['test_case']} again." for failure in question["failures"]]}


ANSWERS: dict[str, Answer] = {
    "/extract": extract,
    "/generator": generator,
    "/hints": hints,
}


class AIServer(FakeService):
    """The service."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(ANSWERS, port)


if __name__ == "__main__":
    serve(AIServer, "Stands for the AI service.", port=8099)
