"""The tasks, in a module for each queue: `records.routing` routes by these names."""

from __future__ import annotations

from records.tasks import analytics, cleanup, email, intake, reports

__all__ = ["analytics", "cleanup", "email", "intake", "reports"]
