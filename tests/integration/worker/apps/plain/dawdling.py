"""An app whose processes take their time to leave the session of those that forked them."""

import os
import time

from plain import app

__all__ = ["app"]

leave = os.setsid


def dawdle() -> None:
    """Leave, a second later."""
    time.sleep(1)
    leave()


os.setsid = dawdle
