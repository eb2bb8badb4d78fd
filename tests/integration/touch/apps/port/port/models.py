from __future__ import annotations

from django.db import models


class Ship(models.Model):
    """Something at sea."""

    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name
