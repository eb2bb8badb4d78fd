"""The tasks: those that compute (`cpu`) and those that wait (`io`)."""

from __future__ import annotations

from exams.tasks import cpu, io

__all__ = ["cpu", "io"]
