"""Problems, their test cases, the jobs that write test cases, and what users submitted."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Problem(models.Model):
    """A problem as its platform states it."""

    platform = models.CharField(max_length=50)
    problem_id = models.CharField(max_length=100)
    title = models.CharField(max_length=255)
    language = models.CharField(max_length=20, default="python")
    constraints = models.TextField(blank=True)
    solution_code = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A problem is there once."""

        constraints = [models.UniqueConstraint(fields=["platform", "problem_id"], name="one_problem_per_platform_id")]

    def __str__(self) -> str:
        return f"{self.platform}/{self.problem_id}"


class TestCase(models.Model):
    """One input of a problem and the output that a right solution prints."""

    __test__ = False  # it is no test of ours: pytest must not collect it

    problem = models.ForeignKey(Problem, models.CASCADE, related_name="test_cases")
    input = models.TextField()
    output = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"test case {self.pk}"


class ScriptGenerationJob(models.Model):
    """The wish for test cases of a problem: an AI service writes a generator, the sandbox runs it."""

    class Status(models.TextChoices):
        """How far a job is."""

        PENDING = "pending"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    platform = models.CharField(max_length=50)
    problem_id = models.CharField(max_length=100)
    title = models.CharField(max_length=255)
    language = models.CharField(max_length=20, default="python")
    constraints = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    claimed_by = models.CharField(max_length=64, blank=True)
    """Id of the task that processes it."""
    generator_code = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.title} ({self.status})"


class SearchHistory(models.Model):
    """One submission and how it fared."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="submissions")
    user_identifier = models.CharField(max_length=150)
    """Who submitted it, also where nobody is logged in."""
    problem = models.ForeignKey(Problem, models.CASCADE, related_name="submissions")
    code = models.TextField()
    language = models.CharField(max_length=20)
    is_public = models.BooleanField(default=False)
    test_results = models.JSONField(default=list)
    failed_count = models.PositiveIntegerField(default=0)
    hints = models.JSONField(default=list)
    task_id = models.CharField(max_length=64, unique=True)
    """Id of the task that ran it: delivered twice, it still leaves one row."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Its name in the admin."""

        verbose_name_plural = "search histories"

    def __str__(self) -> str:
        return f"submission of {self.user_identifier} to problem {self.problem_id}"
