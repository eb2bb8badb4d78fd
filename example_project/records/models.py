"""Records, the reports about them, and what the dashboard shows."""

from __future__ import annotations

from django.db import models


class Record(models.Model):
    """A legal record."""

    class State(models.TextChoices):
        """Where it is."""

        FILED = "filed"
        ARCHIVED = "archived"

    reference = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=255)
    filed_by = models.EmailField()
    filed_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.FILED)
    report = models.BinaryField(default=bytes)
    """Its PDF; empty until it is made."""

    def __str__(self) -> str:
        return self.reference


class Dashboard(models.Model):
    """How many records are in each state: one row."""

    filed = models.PositiveIntegerField(default=0)
    archived = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.filed} filed, {self.archived} archived"
