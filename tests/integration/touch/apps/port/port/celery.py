from __future__ import annotations

import os

from celery import Celery
from celery.concurrency.asynpool import AsynPool

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "port.settings")
app = Celery("port")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

AsynPool.timers = {}  # Celery looks for dead children every 5 s, which would hide that nobody else does
