"""Task classes such as applications have."""

import inspect
from functools import partial

from celery import Task
from celery.contrib.django.task import DjangoTask
from celery.result import EagerResult
from django.db import transaction

from shop.models import Note


class ShopTask(DjangoTask):
    """What ``app.task_cls`` is replaced by."""

    trail = False

    def apply_async(self, *args, headers=None, **options):
        return super().apply_async(*args, headers={"tenant": "acme", **(headers or {})}, **options)


class CommittedTask(Task):
    """Publishes when the transaction is committed, so returns None."""

    def apply_async(self, *args, **options):
        transaction.on_commit(partial(super().apply_async, *args, **options))


class OnceTask(Task):
    """Publishes each call once, as celery-once does."""

    keeps_retries = True

    def __init__(self):
        self.signature_of_run = inspect.signature(self.run)
        self.seen = set()

    def apply_async(self, args=None, kwargs=None, **options):
        key = self.key(args, kwargs)
        if key in self.seen and not (self.keeps_retries and options.get("retries")):
            return EagerResult(None, None, "REJECTED")
        self.seen.add(key)
        return super().apply_async(args, kwargs, **options)

    def key(self, args, kwargs):
        return tuple(self.signature_of_run.bind(*args or (), **kwargs or {}).arguments.items())

    def after_return(self, status, retval, task_id, args, kwargs, einfo):
        assert inspect.signature(self.run) == self.signature_of_run
        self.seen.discard(self.key(args, kwargs))


class NoteTask(Task):
    """Turns a key into a model instance before the task's own function sees it."""

    def __call__(self, pk):
        return super().__call__(Note.objects.get(pk=pk))


class HookedTask(Task):
    """Asks the database before and after the task's own function."""

    def before_start(self, task_id, args, kwargs):
        Note.objects.exists()

    def on_success(self, retval, task_id, args, kwargs):
        Note.objects.exists()

    def after_return(self, status, retval, task_id, args, kwargs, einfo):
        Note.objects.exists()
