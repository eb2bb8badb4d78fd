from __future__ import annotations

from django.db import models


class Author(models.Model):
    """Somebody who writes."""

    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    """Something written."""

    title = models.CharField(max_length=80)
    author = models.ForeignKey(Author, models.CASCADE)

    def __str__(self) -> str:
        return self.title
