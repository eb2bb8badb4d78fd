from celery import shared_task
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches
from django.db import connection, transaction

from shop.apps import tracer
from shop.base import CommittedTask, HookedTask, NoteTask, OnceTask
from shop.models import Archived, Note


def quiet(execute, sql, params, many, context):
    return execute(sql, params, many, context)


@shared_task
def count_quietly():
    """Use a wrapper of its own, and look what is left on the connection."""
    Note.objects.exists()
    with connection.execute_wrapper(quiet):
        Note.objects.count()
    foreign = [wrapper for wrapper in connection.execute_wrappers if wrapper.__module__.startswith("pytest_celery")]
    assert connection.execute_wrappers == [*foreign, tracer]
    assert len(foreign) == 1


@shared_task(base=CommittedTask)
def committed(text):
    Note.objects.create(text=text)


@shared_task(base=OnceTask)
def once(text):
    Note.objects.create(text=text)


@shared_task(base=OnceTask, bind=True, autoretry_for=(ConnectionError,), retry_backoff=True, retry_jitter=False)
def once_retried(self, text):
    Note.objects.create(text=text)
    if self.request.retries < 2:
        raise ConnectionError


@shared_task(base=OnceTask, bind=True, keeps_retries=False, max_retries=3)
def once_and_never_again(self):
    """Ask for retries, the second of which is taken for a duplicate of the first."""
    raise self.retry(exc=ConnectionError("down"), countdown=60)


@shared_task(base=NoteTask)
def shout(note):
    note.text = note.text.upper()
    note.save()


@shared_task(base=HookedTask)
def hooked(queries):
    for _ in range(queries):
        Note.objects.count()


@shared_task
def typed():
    """Look up a content type, which each process remembers."""
    ContentType.objects.get_for_model(Note)
    Note.objects.count()


@shared_task
def remembered(alias):
    """Ask a cache before the database."""
    caches[alias].get_or_set("notes", Note.objects.count)


@shared_task
def commented():
    """Send the same statement with another comment each time."""
    with connection.cursor() as cursor:
        for number in range(5):
            cursor.execute(f"SELECT count(*) FROM shop_note /* task=commented, number={number} */")


@shared_task
def transfer():
    """Two statements in a transaction."""
    with transaction.atomic():
        Note.objects.create(text="moved")
        Archived.objects.using("default").none().exists()
        Note.objects.count()


@shared_task
def three():
    for _ in range(3):
        Note.objects.count()


@shared_task
def archive(text):
    Archived.objects.create(text=text)


@shared_task(bind=True, max_retries=1, default_retry_delay=30)
def tenanted(self):
    """Find the headers that the app itself adds, in a retry too."""
    assert (self.request.headers or {}).get("tenant") == "acme", vars(self.request)
    assert self.request.trace == "of the app", vars(self.request)
    if not self.request.retries:
        raise self.retry()
