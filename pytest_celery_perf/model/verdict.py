"""What a judge says: a status, the figures, the evidence and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.model.frame import Frame


class Status(StrEnum):
    """The three answers; INCONCLUSIVE is never dressed up as one of the others."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One figure against one limit."""

    metric: str
    """What was judged, such as ``p95 runtime`` or ``queries``."""
    budget: str
    """The limit as the user would say it, such as ``≤ 250ms`` or ``= 3``."""
    actual: str
    """The figure, such as ``312ms``."""
    ok: bool
    unknown: bool = False
    """Whether nobody can tell, so that it is no reason to fail, nor to pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one marker on one task."""

    marker: str
    task: str
    status: Status
    checks: tuple[Check, ...] = ()
    evidence: tuple[str, ...] = ()
    """Lines as they shall be printed, indented by the report: statements, call sites, attempts."""
    fix: tuple[str, ...] = ()
    """What the reader should change, a sentence a line."""
    places: tuple[Frame, ...] = ()
    """The lines of the user's code that it is about, the one to look at first in front; empty where none is known."""

    @property
    def failed(self) -> bool:
        """Whether the test must fail."""
        return self.status is Status.FAIL
