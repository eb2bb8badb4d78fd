"""An app whose import starts a thread, after which nobody may fork."""

import threading

from plain import app

__all__ = ["app"]

threading.Thread(target=threading.Event().wait, name="metrics", daemon=True).start()
