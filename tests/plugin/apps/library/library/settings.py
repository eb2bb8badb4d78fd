"""The least of a Django project that has two databases."""

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "library"]
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"/nonexistent/{alias}.sqlite3"}
    for alias in ("default", "archive")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_TASK_IGNORE_RESULT = True
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "cache"},
    "shared": {"BACKEND": "library.disk.Disk", "LOCATION": "disk"},
}
CELERY_IMPORTS = ["library.desk"]
