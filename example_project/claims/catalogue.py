"""The claims, as they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "A": "Judge back end",
        "B": "Checklist for the judge",
        "C": "Examination platform",
        "D": "Celery against AsyncTasQ",
        "E": "Registry of legal records",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of a write-up."""

    key: str
    """By which tests name it: the system's letter, a dot, a word or two."""
    text: str
    untestable: str = ""
    """Why no test here can tell."""

    @property
    def system(self) -> str:
        """The letter of its system."""
        return self.key[0]


CLAIMS = (
    Claim(key="A.execute-queries", text="Executing code: 22 → 4 queries at 20 test cases, constant in their number"),
    Claim(key="A.script-queries", text="Generating a script: 5–7 → 2–3 queries"),
    Claim(key="A.outputs-queries", text="Generating outputs: 41 → 3 queries at 20 cases; a thousand cases and more"),
    Claim(
        key="A.extract-queries", text="Extracting a problem: 3–4 → 2 queries; on a cache hit none, and no outbound call"
    ),
    Claim(
        key="A.hints-queries",
        text="Generating hints: 2 → 1 reads; nothing is written where nothing failed or hints exist",
    ),
    Claim(key="A.delete", text="Deleting a job: 1 query, no result, a time limit of 60 s"),
    Claim(key="A.cache-lifetimes", text="The caches are warm, and every key has a time to live"),
    Claim(key="A.backoff", text="Errors are retried with exponential backoff of at most 600 s, with jitter"),
    Claim(key="A.priorities", text="What users wait for starts first: priority 8 before 6, 5, 4, 2"),
    Claim(key="A.claimed-once", text="One script job is processed once"),
    Claim(key="A.mean-queries", text="A task makes 2–4 queries on average"),
    Claim(key="A.ai-isolated", text="AI tasks do not block code execution"),
    Claim(key="A.crashes", text="Tasks lost when a worker crashes: −90 %"),
    Claim(key="A.memory", text="A task takes 20–35 MB of memory, once 50–80"),
    Claim(key="A.hit-rate", text="The cache serves 60–70 % of what is extracted"),
    Claim(key="A.utilisation", text="Workers are busy for 80–85 % of the time, once 50–60 %"),
    Claim(key="A.concurrent", text="300 concurrent tasks and more, once 100"),
    Claim(key="A.throughput", text="10,000 tasks an hour and more on each worker"),
    Claim(key="A.log-volume", text="Only the first three failures of a submission are logged: −80 %"),
    Claim(key="A.failure-rate", text="0.5–1 % of the tasks fail, once 5–8 %"),
    Claim(key="B.function", text="Each task completes, saves what it should, creates no duplicates"),
    Claim(key="B.settings", text="The workers hold the settings of the checklist"),
    Claim(key="B.cached-call", text="A second extract call is served by the cache, and faster"),
    Claim(key="B.fifty", text="50 concurrent tasks all complete, none is lost"),
    Claim(key="B.spread", text="Tasks spread over the queues"),
    Claim(key="B.retries", text="A temporary failure is retried; what cannot succeed is not"),
    Claim(key="B.kill", text="`kill -9` of a worker: its task is requeued, nothing is lost"),
    Claim(key="B.ping", text="All workers answer a ping"),
    Claim(key="C.at-once", text="Concurrent I/O tasks: 8 → 200 and more"),
    Claim(key="C.undisturbed", text="What computes is not disturbed by what waits"),
    Claim(key="C.drain", text="Queues are processed 3 times faster"),
    Claim(key="C.throughput", text="Throughput of I/O tasks: 8 → 200 and more a minute"),
    Claim(key="C.completion", text="More than 95 % of the tasks complete"),
    Claim(key="C.failure-rate", text="Greenlets do not raise the failure rate"),
    Claim(key="C.memory", text="A pool for I/O takes 1–3 GB"),
    Claim(key="C.scale-down", text="Scaling down loses no task"),
    Claim(key="C.waiting-share", text="19 of 25 tasks (76 %) wait: scaling by CPU never triggers"),
    Claim(
        key="C.cpu",
        text="CPU utilisation of 70–80 %",
        untestable="a share of nodes of a cluster that is not here",
    ),
    Claim(
        key="C.scaling",
        text="Workers are scaled by the depth of their queues",
        untestable="the autoscaler is the cluster's",
    ),
    Claim(key="D.publishing", text="Celery publishes 20,000 tasks in about 1 s"),
    Claim(key="D.throughput", text="Celery's 10 workers run about 950 tasks/s"),
    Claim(key="D.ratio", text="AsyncTasQ runs about 1.36 times as many tasks/s as Celery"),
    Claim(key="D.results", text="A result backend that nobody reads takes half of the time"),
    Claim(key="E.queues", text="A task's name tells its queue"),
    Claim(key="E.priorities", text="Of the priorities 1 to 10 the higher is served first"),
    Claim(key="E.inheritance", text="Children inherit the parent's priority, and a task may override its own"),
    Claim(key="E.autoscale", text="`--autoscale=8,2`: from 2 to 8 processes"),
    Claim(key="E.limits", text="Time limits of 3600 s and 3300 s"),
    Claim(key="E.environment", text="All of it is set through the environment"),
    Claim(key="E.crashes", text="Late acknowledgment: nothing is lost when a process or a worker dies"),
    Claim(key="E.pools", text="Any pool will do: prefork, solo, threads, gevent"),
    Claim(key="E.diagnosis", text="Whoever looks for a task that does not finish finds out why"),
)


def by_key() -> Mapping[str, Claim]:
    """Return the claims by their keys."""
    return {claim.key: claim for claim in CLAIMS}
