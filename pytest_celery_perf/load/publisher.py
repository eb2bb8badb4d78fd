"""One of several processes that publish the tasks of a load; what and when comes by its standard input."""

from __future__ import annotations

import bisect
import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.load.copies import publish_copies
from pytest_celery_perf.load.template import Template
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Messages of one kind: a template in plain values, and for each copy its blanks and its time."""

    key: str
    text: str
    moving: dict[str, str]
    at_ns: int
    like: tuple[Any, ...]
    blanks: list[dict[str, str]]
    intended_ns: list[int]
    """Counted from the beginning."""

    @classmethod
    def of(
        cls, template: Template, like: wire.Publishing, *, blanks: list[dict[str, str]], intended_ns: list[int]
    ) -> Self:
        """Write down what is to be copied."""
        return cls(
            key=template.key,
            text=template.text,
            moving={name: instant.isoformat() for name, instant in template.moving.items()},
            at_ns=template.at_ns,
            like=tuple(like),
            blanks=blanks,
            intended_ns=intended_ns,
        )

    @property
    def template(self) -> Template:
        """What is to be copied."""
        moving = {name: datetime.fromisoformat(instant) for name, instant in self.moving.items()}
        return Template(key=self.key, text=self.text, moving=moving, at_ns=self.at_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process has to do."""

    url: str
    """Of the broker."""
    spool: str
    doorbell: str
    boot: str
    """Where, and under which name, it writes down what it has published."""
    shares: list[Share]


def publish(job: Job, began_ns: int) -> None:
    """Publish messages when they are due; what is late at once.

    Args:
        job: What to publish.
        began_ns: The beginning.

    Raises:
        BrokerError: The broker did not confirm some.
    """
    journal = Journal(job.spool, job.doorbell, job.boot)
    done = [0] * len(job.shares)
    with closing(Lists(job.url)) as lists:
        while (next_ns := _next_ns(job.shares, done)) is not None:
            time.sleep(max(0, began_ns + next_ns - time.monotonic_ns()) / NS_PER_S)
            now_ns = time.monotonic_ns() - began_ns
            for number, share in enumerate(job.shares):
                due = slice(done[number], bisect.bisect_right(share.intended_ns, now_ns, lo=done[number]))
                if due.start < due.stop:
                    publish_copies(
                        share.template,
                        share.blanks[due],
                        [began_ns + each for each in share.intended_ns[due]],
                        like=wire.Publishing(*share.like),
                        lists=lists,
                        journal=journal,
                    )
                    done[number] = due.stop


def _next_ns(shares: Sequence[Share], done: Sequence[int]) -> int | None:
    left = (
        share.intended_ns[number] for share, number in zip(shares, done, strict=True) if number < len(share.intended_ns)
    )
    return min(left, default=None)


if __name__ == "__main__":
    import redis  # noqa: F401 - takes longer than all else, and is needed at once when there is something to do

    print("ready", flush=True)  # noqa: T201 - the pipe to the test process
    told = json.loads(sys.stdin.readline())
    job = Job(**{**told, "shares": [Share(**share) for share in told["shares"]]})
    print("prepared", flush=True)  # noqa: T201 - likewise
    try:
        publish(job, int(sys.stdin.readline()))
    except BrokerError as error:
        sys.exit(str(error))
