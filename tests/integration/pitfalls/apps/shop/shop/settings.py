"""Settings as teams keep them for their tests: nothing in here is real."""

import os

SECRET_KEY = "of no use"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop.apps.ShopConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "real.sqlite3", "OPTIONS": {"timeout": 20}},
    "archive": {"ENGINE": "django.db.backends.sqlite3", "NAME": "archive.sqlite3", "CONN_MAX_AGE": None},
}
DATABASE_ROUTERS = ["shop.models.Router"]

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    "results": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"},
    "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True

MIGRATION_LOG = os.environ.get("SHOP_MIGRATION_LOG")
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "ERROR"}}
