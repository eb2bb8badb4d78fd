"""Configured in code, by the names that settings had before Celery 4."""

from celery import Celery


class Config:
    BROKER_URL = "redis://127.0.0.1:1/0"
    CELERY_ALWAYS_EAGER = True
    CELERY_RESULT_BACKEND = "redis://127.0.0.1:1/1"
    CELERY_DEFAULT_QUEUE = "orders"
    CELERYD_PREFETCH_MULTIPLIER = 2


app = Celery("legacy")
app.config_from_object(Config)


@app.task
def order(number):
    return number
