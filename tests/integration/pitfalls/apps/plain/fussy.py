"""Refuses unknown queues and tasks, keeps its messages under keys of its own, signs its pickles, silences loggers."""

import hashlib
import hmac
import logging.config
import pickle
from dataclasses import dataclass
from pathlib import Path

from celery import Celery
from celery.signals import setup_logging, worker_init
from kombu import Queue
from kombu.serialization import register

KEY = b"of the app"


def _dumps(value):
    data = pickle.dumps(value)
    return hmac.digest(KEY, data, hashlib.sha256) + data


def _loads(data):
    assert hmac.compare_digest(data[:32], hmac.digest(KEY, data[32:], hashlib.sha256))
    return pickle.loads(data[32:])


register("signed", _dumps, _loads, content_type="application/x-signed-pickle", content_encoding="binary")

app = Celery("fussy", broker="redis://127.0.0.1:1/0")
app.conf.update(
    accept_content=["signed"],
    task_serializer="signed",
    result_serializer="signed",
    task_create_missing_queues=False,
    task_queues=[Queue("checkout"), Queue("checkout-slow")],
    task_default_queue="checkout",
    task_acks_late=True,
    broker_transport_options={
        "global_keyprefix": "acme:",
        "priority_steps": [0, 4, 8],
        "queue_order_strategy": "priority",
        "sep": ":",
    },
)


@dataclass(frozen=True)
class Order:
    number: int
    invoice: Path


@app.task(bind=True, max_retries=1, default_retry_delay=60)
def charge(self, order, retry=False):
    assert isinstance(order, Order)
    if retry and not self.request.retries:
        raise self.retry()


@worker_init.connect
def refuse_unknown_tasks(sender, **kwargs):
    names = [name for name in sender.app.tasks if not name.startswith("celery.")]
    if names != ["fussy.charge"]:
        raise SystemExit(f"unknown tasks: {names}")


@setup_logging.connect
def silence(**kwargs):
    config = {"version": 1, "disable_existing_loggers": True, "root": {"level": "CRITICAL", "handlers": []}}
    logging.config.dictConfig(config)
