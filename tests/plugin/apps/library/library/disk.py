"""A cache of which nobody but its author knows where it is."""

from __future__ import annotations

from django.core.cache.backends.filebased import FileBasedCache


class Disk(FileBasedCache):
    """Keep what it keeps for whoever comes next."""
