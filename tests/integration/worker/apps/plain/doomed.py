"""An app whose worker ends while it boots."""

import sys

from celery.signals import celeryd_init
from plain import app

__all__ = ["app"]


@celeryd_init.connect
def refuse(**_: object) -> None:
    """End the worker."""
    sys.stdout.write("the licence has expired\n")
    sys.exit(7)
