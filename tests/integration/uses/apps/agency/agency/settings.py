"""A project with a cache of each kind."""

from __future__ import annotations

SECRET_KEY = "of a test"
INSTALLED_APPS = ["agency"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/agency.sqlite3"}}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache.invalid:1/0"},
    "other": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://other.invalid:1/0"},
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "TIMEOUT": None},
}
USE_TZ = True
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_TASK_IGNORE_RESULT = True
