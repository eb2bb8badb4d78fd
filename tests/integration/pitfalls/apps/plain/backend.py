"""The app of the workers."""

from celery import Celery

app = Celery("backend", broker="amqp://127.0.0.1:1//", set_as_current=False)
app.conf.task_default_queue = "jobs"


@app.task(name="jobs.resize")
def resize(width):
    return width
