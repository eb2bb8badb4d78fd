"""What a test asks for: the fixtures ``celery_perf``, ``celery_faults`` and ``celery_network``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError, UnfinishedTasksError
from pytest_celery_perf.load.calls import Loads
from pytest_celery_perf.stash import ACTIVE, OUTPUT, REFUSAL, SESSION, SPEC

if TYPE_CHECKING:
    from pytest_celery_perf.broker.base import Broker
    from pytest_celery_perf.faults import CeleryFaults
    from pytest_celery_perf.faults.network import CeleryNetwork
    from pytest_celery_perf.measure.summary import Run
    from pytest_celery_perf.model.history import History
    from pytest_celery_perf.model.pools import Comparison
    from pytest_celery_perf.session import ActiveTest, Session
    from pytest_celery_perf.worker.base import Worker


class CeleryPerf(Loads):
    """Runs tasks on the test's workers, and tells what became of them.

    Args:
        session: What the tests share.
        active: This test.
    """

    def __init__(self, session: Session, active: ActiveTest) -> None:
        self._session = session
        self._active = active
        super().__init__(
            active.trial,
            find=self._task,
            timeout_s=self._timeout_s,
            wait=self._wait,
            rehearsal=active.rehearsal,
            loads=active.loads,
            capacities=active.capacities,
        )

    def run(
        self,
        task: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        times: int = 1,
        concurrency: int | None = None,
        timeout: float | str | None = None,
    ) -> Run:
        """Publish a task, a number of times, and wait until everything that this test has published so far is done.

        Args:
            task: A task, its name, or a signature.
            args: Its arguments.
            kwargs: Its keyword arguments.
            times: How often to publish it.
            concurrency: How many of the test's tasks may be under way when one more is published; None publishes all
                at once.
            timeout: Seconds for all of this, or text such as ``"30s"``; ``celery_perf_timeout`` by default.

        Returns:
            What became of these tasks, and of all that they published; not of those that were published before.

        Raises:
            UnfinishedTasksError: Something did not finish in time; the text is a diagnosis.
            ConfigurationError: An argument is wrong.
        """
        __tracebackhide__ = True
        from pytest_celery_perf.model.arguments import arguments, keywords

        _check_count(times, "run: times")
        if concurrency is not None:
            _check_count(concurrency, "run: concurrency")
        task, positional = self._task(task), arguments(args, "celery_perf.run: args")
        named = keywords(kwargs, "celery_perf.run: kwargs")
        deadline_s = time.monotonic() + self._timeout_s(timeout)
        since_ns = time.monotonic_ns()
        for _ in range(times):
            if concurrency is not None:
                self._active.rehearsal.play()
                self._active.trial.wait(deadline_s - time.monotonic(), until_open=concurrency - 1)
            task.apply_async(args=positional, kwargs=named)
        self._wait(deadline_s - time.monotonic())
        return self._session.run_of(self._active, since_ns)

    def wait(self, timeout: float | str | None = None) -> Run:
        """Wait until everything that this test has published so far is done.

        Args:
            timeout: Seconds, or text such as ``"30s"``; ``celery_perf_timeout`` by default.

        Returns:
            What became of all tasks of this test.

        Raises:
            UnfinishedTasksError: They did not finish in time; the text is a diagnosis.
        """
        __tracebackhide__ = True
        self._wait(self._timeout_s(timeout))
        return self._session.run_of(self._active)

    def fail(
        self, task: Any = None, with_: BaseException | type[BaseException] = ConnectionError, times: int = 1
    ) -> None:
        """Have the next attempts of a task raise inside the worker, as if its own body had.

        Only of tasks that are published from now on, and of what they publish.

        Args:
            task: A task or its name; None for any.
            with_: The exception, or its class; the worker must be able to import it.
            times: How many attempts; if there are fewer, the test fails.

        Raises:
            ConfigurationError: An argument is wrong.
        """
        from pytest_celery_perf.faults.failing import failure, order_failure

        _check_count(times, "fail: times")
        order = failure(None if task is None else self._task(task).name, with_, times)
        order_failure(self._active.trial, self._active.faults.ordered, order)

    def pools(
        self,
        task: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        pools: str = "prefork:8,gevent:200,threads:32,solo",
        tasks: int | None = None,
        timeout: float | str | None = None,
    ) -> Comparison:
        """Run a task on several pools, one after the other, beside the test's own workers; print the table.

        Its tasks are none of the test's: no marker judges them.

        Args:
            task: A task or its name.
            args: Its arguments.
            kwargs: Its keyword arguments.
            pools: The pools with their concurrency.
            tasks: How many tasks each gets; four for each slot by default, and twenty at least.
            timeout: Seconds for each pool, or text such as ``"30s"``; ``celery_perf_timeout`` by default.

        Returns:
            What the task does with its time, what it did on each pool, and the pool that suits it.

        Raises:
            ConfigurationError: An argument is wrong.
            WorkerError: The task does not run at all.
        """
        __tracebackhide__ = True
        from pytest_celery_perf.pools.compare import compare_beside
        from pytest_celery_perf.pools.work import call_of

        if tasks is not None:
            _check_count(tasks, "pools: tasks")
        call = call_of(self._task(task), args, kwargs, "celery_perf.pools")
        timeout_s = self._timeout_s(timeout)
        return compare_beside(self._active.trial, self._session.stage, call, pools, tasks=tasks, timeout_s=timeout_s)

    @property
    def broker(self) -> Broker:
        """The broker that this test's workers use."""
        return self._active.pool.broker

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers of this test."""
        return tuple(member.worker for member in self._active.pool.members)

    @property
    def history(self) -> History:
        """The records of everything that this test has published, as of now."""
        return self._active.trial.history()

    def journal(self) -> str:
        """Return what has happened to the tasks of this test by now, in the order of time, as text to print."""
        from pytest_celery_perf.measure.journal import journal
        from pytest_celery_perf.report.journal import journal_text

        return journal_text(journal(self.history))

    def _task(self, task: Any) -> Any:
        __tracebackhide__ = True
        if not isinstance(task, str):
            if not hasattr(task, "apply_async"):
                raise ConfigurationError(f"celery_perf: task={task!r} is neither a task, its name nor a signature")
            return task
        tasks = self._session.stage.app.tasks
        if task not in tasks:
            from pytest_celery_perf.model.arguments import did_you_mean

            where = self._session.options.app
            raise ConfigurationError(f"there is no task {task!r} in {where}{did_you_mean(task, tasks)}")
        return tasks[task]

    def _timeout_s(self, timeout: float | str | None) -> float:
        from pytest_celery_perf.model.units import parse_duration_s

        most_s = self._session.timeout_s(self._active)
        if timeout is None:
            return most_s
        given_s = parse_duration_s(timeout, "timeout")
        return min(given_s, most_s) if self._active.spec.timeout_s else given_s

    def _wait(self, timeout_s: float) -> None:
        __tracebackhide__ = True
        if diagnosis := self._session.wait(self._active, timeout_s):
            self._active.told = True
            raise UnfinishedTasksError(diagnosis)


def _check_count(value: object, what: str) -> None:
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"celery_perf.{what}={value!r} is not a whole number from 1")


def unittest_failed(item: pytest.Item) -> bool:
    """Tell whether a test is a method of a unittest case and has failed: pytest notes that, and raises nothing."""
    return bool(getattr(item, "_excinfo", None))


@pytest.fixture
def celery_faults(request: pytest.FixtureRequest, celery_perf: CeleryPerf) -> CeleryFaults:  # noqa: ARG001 - first
    """Have workers, broker and network go wrong while tasks run; what lasts is undone at the test's end."""
    active: ActiveTest = request.node.stash[ACTIVE]
    return active.faults


@pytest.fixture
def celery_network(celery_faults: CeleryFaults) -> CeleryNetwork:
    """Play faults on the network between workers, broker and test: `celery_faults.network`, with proxies in between."""
    return celery_faults.network


@pytest.fixture
def celery_size(request: pytest.FixtureRequest) -> int:
    """The size that a test's data shall have in this of its runs: ``@pytest.mark.celery_scaling(sizes=…)``."""
    size: int = request.node.stash[SPEC].size
    return size


@pytest.fixture(scope="session")
def _celery_perf_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The session, once the test databases exist; its workers end before they are dropped."""
    if REFUSAL in request.config.stash:
        pytest.fail(request.config.stash[REFUSAL], pytrace=False)
    session = request.config.stash[SESSION]
    if session.project.uses_django:
        request.getfixturevalue("django_db_setup")
    session.databases_exist(request.session.items)
    yield session
    session.stop_workers()


@pytest.fixture
def celery_perf(request: pytest.FixtureRequest) -> Iterator[CeleryPerf]:
    """Run Celery tasks on real workers, and see what became of them."""
    for databases in ("_django_db_marker", "_django_db_helper", "transactional_db"):
        if databases in request.fixturenames:
            request.getfixturevalue(databases)  # their flush must come after our tasks have ended
    session: Session = request.getfixturevalue("_celery_perf_session")
    spec = request.node.stash[SPEC]
    with ExitStack() as stack:
        progress = stack.enter_context(request.config.stash[OUTPUT].progress(request.node.nodeid))
        try:
            active = stack.enter_context(session.test(request.node.nodeid, spec, progress))
        except CeleryPerfError as error:
            # A worker that cannot start has said why itself, and once is enough.
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        request.node.stash[ACTIVE] = active
        if hasattr(request.instance, "addCleanup"):
            # Django flushes the databases of a unittest case right after its clean-ups.
            request.instance.addCleanup(lambda: session.settle(active, failed=unittest_failed(request.node)))
        yield CeleryPerf(session, active)
