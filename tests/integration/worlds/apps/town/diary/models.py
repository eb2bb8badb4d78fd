from __future__ import annotations

from typing import Any

from django.db import models


class Entry(models.Model):
    """What a task has to tell its test."""

    text = models.TextField()


class Router:
    """Keeps the diary in the archive, and nothing else."""

    def db_for_read(self, model: Any, **_: Any) -> str:
        return "archive" if model is Entry else "default"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool:
        return (db == "archive") == (app_label == "diary")
