"""Settings of the three apps; what differs between machines comes from environment variables."""

from __future__ import annotations

import os
from pathlib import Path

from config.databases import from_environment
from config.queues import QUEUES, ROUTES
from exams import queues as exams
from records import routing as records

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "for development only")
DEBUG = os.environ.get("DEBUG", "") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,testserver").split(",")

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "judge", "exams", "records"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": from_environment(os.environ, BASE_DIR)}

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("CACHE_URL", f"{REDIS_URL}/3"),
    }
}

AI_SERVICE_URL = os.environ.get("AI_SERVICE_URL", "http://127.0.0.1:8099")
AI_SERVICE_TIMEOUT_S = float(os.environ.get("AI_SERVICE_TIMEOUT_S", "30"))
EXAM_SERVICES_URL = os.environ.get("EXAM_SERVICES_URL", "http://127.0.0.1:8098")
EXAM_SERVICES_TIMEOUT_S = float(os.environ.get("EXAM_SERVICES_TIMEOUT_S", "30"))
EMAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_TIMEOUT = float(os.environ.get("EMAIL_TIMEOUT_S", "30"))

# --- Celery: the broker ---------------------------------------------------------------------

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", f"{REDIS_URL}/1")
CELERY_BROKER_POOL_LIMIT = 10
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any task may run (1800 s): a message that is unacknowledged for this long is
    # delivered again, to a second worker, whether or not the first one still works on it.
    "visibility_timeout": 3600,
    # Of one process, which takes one for each message that it acknowledges at this moment: a worker with more
    # greenlets than this leaves messages unacknowledged, to be delivered again.
    "max_connections": int(os.environ.get("BROKER_MAX_CONNECTIONS", "50")),
    "priority_steps": list(range(10)),
}

# --- Celery: results ------------------------------------------------------------------------

CELERY_RESULT_BACKEND = os.environ.get("CELERY_RESULT_BACKEND", f"{REDIS_URL}/2")
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = 86_400
CELERY_RESULT_COMPRESSION = "gzip"

# --- Celery: tasks --------------------------------------------------------------------------

CELERY_TASK_QUEUES = QUEUES + exams.QUEUES + records.QUEUES
CELERY_TASK_ROUTES = (ROUTES, exams.ROUTES, records.route)
CELERY_TASK_DEFAULT_QUEUE = "default"
# A typing error in a route must fail when the task is published, not create a queue nobody consumes.
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_SEND_SENT_EVENT = True

# --- Celery: workers ------------------------------------------------------------------------

CELERY_WORKER_PREFETCH_MULTIPLIER = int(os.environ.get("WORKER_PREFETCH", "4"))
CELERY_WORKER_MAX_TASKS_PER_CHILD = int(os.environ.get("WORKER_MAX_TASKS_PER_CHILD", "1000"))
CELERY_WORKER_SEND_TASK_EVENTS = True

CELERY_BEAT_SCHEDULE = {
    "warm the problem cache": {"task": "judge.tasks.warm_problem_cache_task", "schedule": 1800.0},
    "warm the user statistics": {"task": "judge.tasks.warm_user_stats_cache_task", "schedule": 300.0},
}
