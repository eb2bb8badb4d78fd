"""A Django project with next to nothing in it, so that what is measured is what surrounds it."""

from warehouse.celery import app

__all__ = ["app"]
