"""No result backend, task classes of its own, a task that expects to fail."""

import time
from contextlib import contextmanager
from contextvars import ContextVar

from celery import Celery, Task
from celery.exceptions import Ignore, Reject

app = Celery("bare", broker=None, set_as_current=False)

_app_context = ContextVar("app_context", default=None)


@contextmanager
def app_context():
    token = _app_context.set("entered")
    yield
    _app_context.reset(token)


class ContextTask(Task):
    """Enters an application's context, as Flask's documentation has it."""

    def __call__(self, *args, **kwargs):
        with app_context():
            return self.run(*args, **kwargs)


@app.task
def add(x, y):
    return x + y


@app.task(ignore_result=True)
def forget():
    return "nobody asks"


@app.task(base=ContextTask)
def in_context():
    assert _app_context.get() == "entered"


@app.register_task
class Report(ContextTask):
    """A task that is a class."""

    name = "bare.report"

    def run(self, rows, *, title):
        assert (_app_context.get(), rows, title) == ("entered", [1, 2], "sales")


@app.task(throws=(KeyError,))
def expected_to_fail():
    raise KeyError("unknown customer")


@app.task(bind=True, max_retries=2, default_retry_delay=60)
def flaky(self):
    raise self.retry(exc=ConnectionError("down"))


@app.task
def ignored():
    raise Ignore


@app.task(acks_late=True)
def rejected():
    raise Reject("malformed", requeue=False)


@app.task
def leaves():
    """End the process that runs it: Celery sends ``task_postrun`` with no state."""
    raise SystemExit(3)


@app.task
def long():
    time.sleep(30)
