"""What stands before anything else of a run is started, and until all of it is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from pytest_celery_perf.guard import Guard
from pytest_celery_perf.rundir import RunDirectory
from pytest_celery_perf.worker.warm import Zygote


class Groundwork:
    """The directory of the run, the guard, and the process that imports the app.

    The first worker waits for that import longer than for all the rest, so this module imports little:
    what else a run needs is imported and started meanwhile.

    Args:
        path: Folders from which the tests import, but which Python does not know of by itself.
    """

    def __init__(self, path: Iterable[Path] = ()) -> None:
        self.path = tuple(each for each in path if each != Path.cwd())  # where `celery` looks anyway
        self.zygote: Zygote | None = None
        with ExitStack() as stack:
            self.rundir = RunDirectory.create()
            stack.callback(self.rundir.remove)
            self.guard = Guard()
            self.guard.start()
            stack.callback(self.guard.close)
            self.guard.directory(self.rundir.path)
            stack.callback(self._end_zygote)
            self._closing = stack.pop_all()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a worker: those of the tests, and the mark by which the guard finds it."""
        variables = {**os.environ, **self.guard.environment}
        if self.path:
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, (*map(str, self.path), variables.get("PYTHONPATH"))))
        return variables

    def preload(self, app: str) -> None:
        """Begin to import an app in the process that workers are forked from.

        Args:
            app: As Celery's ``-A`` takes it.
        """
        self._end_zygote()
        log = self.rundir.path / "logs" / "preload.log"
        self.zygote = Zygote(app=app, environment=self.environment, cwd=Path.cwd(), log=log, guard=self.guard)
        self.zygote.start()

    def _end_zygote(self) -> None:
        zygote, self.zygote = self.zygote, None
        if zygote is not None:
            zygote.close()

    def close(self) -> None:
        """Remove it all."""
        self._closing.close()
