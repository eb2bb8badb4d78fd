from __future__ import annotations

from pathlib import Path

from celery import shared_task

from shop.models import Order


@shared_task
def place(fifo: str, title: str) -> None:
    """Write to the test's database, and tell how many orders it has."""
    Order.objects.create(title=title)
    Path(fifo).write_text(f"{Order.objects.count()}\n")
