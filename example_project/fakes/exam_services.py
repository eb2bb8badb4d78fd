"""Stands for what the examination platform asks over HTTP: a judge, an AI service, a search engine, an examiner.

``python -m fakes.exam_services --port 8098`` runs all of them alone.
"""

from __future__ import annotations

from typing import Any

from fakes.service import Answer, FakeService, serve


def run(question: dict[str, Any]) -> dict[str, Any]:
    """Run a program: it passes if it prints."""
    return {"passed": "print" in question["code"]}


def evaluate(question: dict[str, Any]) -> dict[str, Any]:
    """Mark a batch of answers: a mark for each word, up to what the question is worth."""
    return {"marks": [min(len(answer["text"].split()), answer["worth"]) for answer in question["answers"]]}


def questions(question: dict[str, Any]) -> dict[str, Any]:
    """Write questions on a topic."""
    return {"questions": [f"{question['topic']}: question {n + 1}" for n in range(question["count"])]}


def topics(question: dict[str, Any]) -> dict[str, Any]:
    """Extract the topics of a text: its long words."""
    return {"topics": sorted({word.strip(".,?").lower() for word in question["text"].split() if len(word) > 6})}


def index(question: dict[str, Any]) -> dict[str, Any]:
    """Index documents."""
    return {"indexed": len(question["documents"])}


def examine(question: dict[str, Any]) -> dict[str, Any]:
    """Say what the external examiner gives."""
    return {"score": sum(question["marks"])}


ANSWERS: dict[str, Answer] = {
    "/judge/run": run,
    "/ai/evaluate": evaluate,
    "/ai/questions": questions,
    "/ai/topics": topics,
    "/search/index": index,
    "/examiner/score": examine,
}


class ExamServices(FakeService):
    """The services, at one address."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(ANSWERS, port)


if __name__ == "__main__":
    serve(ExamServices, "Stands for the services of the examination platform.", port=8098)
