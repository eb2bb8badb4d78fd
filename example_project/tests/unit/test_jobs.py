"""A job belongs to one task at a time and is finished once."""

from __future__ import annotations

from collections.abc import Callable

from judge.models import ScriptGenerationJob, TestCase
from judge.services import jobs


def test_a_job_has_one_owner(job: ScriptGenerationJob) -> None:
    """The second task gets nothing."""
    assert jobs.claim(job.pk, "first") is not None
    assert jobs.claim(job.pk, "second") is None


def test_the_same_task_takes_its_job_back(job: ScriptGenerationJob) -> None:
    """After a crash the message is delivered again, with the same id."""
    jobs.claim(job.pk, "first")

    again = jobs.claim(job.pk, "first")

    assert again is not None
    assert again.title == job.title


def test_a_job_is_completed_once(job: ScriptGenerationJob) -> None:
    """Of two deliveries that overlap, one writes."""
    claimed = jobs.claim(job.pk, "first")
    assert claimed is not None

    assert [jobs.complete(claimed, "", ["1 2"]), jobs.complete(claimed, "", ["1 2"])] == [1, 0]
    assert TestCase.objects.count() == 1
    assert jobs.claim(job.pk, "first") is None


def test_a_job_that_failed_says_so(job: ScriptGenerationJob, make_job: Callable[..., ScriptGenerationJob]) -> None:
    """The job of another task does not change."""
    other = make_job()
    jobs.claim(job.pk, "first")
    jobs.claim(other.pk, "second")

    jobs.give_up("first")

    job.refresh_from_db()
    other.refresh_from_db()
    assert [job.status, other.status] == ["failed", "processing"]
