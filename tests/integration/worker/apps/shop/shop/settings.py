"""The least of a Django project."""

SECRET_KEY = "of a test"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nonexistent/production.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CELERY_BROKER_URL = "redis://app.invalid:1/0"
CELERY_TASK_IGNORE_RESULT = True
