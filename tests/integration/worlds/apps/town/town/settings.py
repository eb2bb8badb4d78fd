"""A project of two apps on two databases, whose kind the environment tells."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "stock", "diary"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True


def _database(alias: str) -> dict[str, Any]:
    if "TOWN_POSTGRES" not in os.environ:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"/nonexistent/{alias}.sqlite3",
            "OPTIONS": {"timeout": 30},
        }
    server = urlsplit(os.environ["TOWN_POSTGRES"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": server.hostname,
        "PORT": server.port,
        "USER": server.username,
        "PASSWORD": server.password,
        # Databases belong to the server, not to the folder: the name keeps test runs apart.
        "NAME": f"{os.environ['TOWN_NAME']}_{alias}",
    }


DATABASES = {"default": _database("default")}
if "TOWN_ONE_DATABASE" not in os.environ:
    DATABASES["archive"] = _database("archive")
    DATABASE_ROUTERS = ["diary.models.Router"]
for database in DATABASES.values():
    if "TOWN_KEEPS_CONNECTIONS" in os.environ:
        database["CONN_MAX_AGE"] = None
    if "TOWN_POOLS_CONNECTIONS" in os.environ:
        database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4}}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache.invalid:1/0"},
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

CELERY_BROKER_URL = "redis://broker.invalid:1/0"
CELERY_RESULT_BACKEND = "redis://results.invalid:1/1"
CELERY_TASK_ALWAYS_EAGER = True
