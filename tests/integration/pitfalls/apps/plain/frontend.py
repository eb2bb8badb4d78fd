"""The app of a web process. It knows the tasks of the other one by name only, and has settings of its own."""

from celery import Celery

app = Celery("frontend", broker="redis://127.0.0.1:1/0")
app.conf.update(task_default_queue="jobs", task_always_eager=True, result_backend="redis://127.0.0.1:1/1")


@app.task(name="jobs.resize", shared=False)
def resize(width):
    raise NotImplementedError("the workers have the code")
