from __future__ import annotations

from django.db import models


class Order(models.Model):
    """Something to count."""

    title = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.title
