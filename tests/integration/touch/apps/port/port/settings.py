"""A project with two databases, of a kind that the environment tells, and a cache and results in Redis."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "port"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def _database(alias: str) -> dict[str, Any]:
    if "PORT_POSTGRES" not in os.environ:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": f"/nonexistent/{alias}.sqlite3"}
    server = urlsplit(os.environ["PORT_POSTGRES"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": server.hostname,
        "PORT": server.port,
        "USER": server.username,
        "PASSWORD": server.password,
        # Databases belong to the server, not to the folder: the name keeps test runs apart.
        "NAME": f"{os.environ['PORT_NAME']}_{alias}",
    }


DATABASES = {alias: _database(alias) for alias in ("default", "archive")}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache.invalid:1/0"}
}
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_RESULT_BACKEND = "redis://results.invalid:1/1"
