from celery.signals import before_task_publish, task_postrun, task_prerun, worker_init
from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        connection_created.connect(add_tracer)
        worker_init.connect(check_surroundings)
        task_prerun.connect(query_around)
        task_postrun.connect(query_around)
        before_task_publish.connect(add_trace)


def tracer(execute, sql, params, many, context):
    return execute(sql, params, many, context)


def add_tracer(connection, **kwargs):
    """Append a wrapper to each connection, as tracing libraries do."""
    if tracer not in connection.execute_wrappers:
        connection.execute_wrappers.append(tracer)


def check_surroundings(sender, **kwargs):
    """Refuse to boot without a migrated database and a broker."""
    from shop.models import Note

    Note.objects.exists()
    with sender.app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1)


def query_around(task, **kwargs):
    from shop.models import Note

    if task.name == "shop.tasks.hooked":
        Note.objects.exists()


def add_trace(headers, **kwargs):
    headers["trace"] = "of the app"
