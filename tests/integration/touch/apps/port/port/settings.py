"""The least of a Django project with a cache in memory and results in the database's place."""

from __future__ import annotations

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "port"]
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"/nonexistent/{alias}.sqlite3"}
    for alias in ("default", "archive")
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_TASK_IGNORE_RESULT = True
