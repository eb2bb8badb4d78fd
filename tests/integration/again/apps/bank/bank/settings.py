"""A project on a database of the kind that the environment tells."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "bank"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def _database() -> dict[str, Any]:
    if "BANK_POSTGRES" not in os.environ:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/bank.sqlite3"}
    server = urlsplit(os.environ["BANK_POSTGRES"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": server.hostname,
        "PORT": server.port,
        "USER": server.username,
        "PASSWORD": server.password,
        # Databases belong to the server, not to the folder: the name keeps test runs apart.
        "NAME": os.environ["BANK_NAME"],
    }


DATABASES = {"default": _database()}
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_TASK_IGNORE_RESULT = True
