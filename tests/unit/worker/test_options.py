from __future__ import annotations

import shlex

import click
import pytest
from celery import Celery

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.worker.options import (
    WorkerOptions,
    command_options,
    from_arguments,
    has_children,
    named_pool,
    parse_line,
    read,
)

PRODUCTION = (
    "-Q execution,urgent -c 8 -P prefork --max-tasks-per-child=1000 --prefetch-multiplier=4 -O fair --autoscale=8,2 "
    "-l INFO -B -E --time-limit=300 --without-heartbeat --logfile=/var/log/celery/%n.log --pidfile=/run/celery/%n.pid"
)


def test_a_line_is_a_name_and_options_as_in_production() -> None:
    expected = WorkerSpec(name="execution", options=tuple(shlex.split(PRODUCTION)))
    assert expected == parse_line(f"execution: {PRODUCTION}")


@pytest.mark.parametrize("line", ["", "execution", ": -c 8", "a b: -c 8", "execution@host: -c 8"])
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ConfigurationError, match='expected "name: options of celery worker"'):
        parse_line(line)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--concurency=3", "No such option '--concurency'"),
        ("-c many", "-c"),
        ("-c", "Option '-c' requires an argument"),
        ("-P forks", "'forks' is not one of 'prefork'"),
        ("--prefetch-multiplier=x", "'x' is not a valid integer"),
        ("-Q 'a", "No closing quotation"),
        ("celery -A proj worker -c 2", "No such option '-A'"),
        ("worker -c 2", "write what stands behind 'celery worker'"),
    ],
)
def test_what_celery_would_refuse_is_refused_with_its_words(options: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_line(f"ai: {options}")
    assert "celery_perf_workers: worker 'ai'" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", WorkerOptions(pool="prefork", concurrency=None, queues=())),
        ("-c 0", WorkerOptions(pool="prefork", concurrency=None, queues=())),
        (PRODUCTION, WorkerOptions(pool="prefork", concurrency=8, queues=("execution", "urgent"))),
        ("--pool=gevent --concurrency 50", WorkerOptions(pool="gevent", concurrency=50, queues=())),
        ("-Psolo -Qa -X b", WorkerOptions(pool="solo", concurrency=None, queues=("a",))),
        ("-c 2 worker.prefetch_multiplier=4", WorkerOptions(pool="prefork", concurrency=2, queues=())),
    ],
)
def test_options_mean_what_celery_understands(options: str, expected: WorkerOptions) -> None:
    assert expected == read(shlex.split(options))


def test_the_apps_settings_are_the_defaults() -> None:
    app = Celery(set_as_current=False)
    app.conf.update(worker_pool="threads", worker_concurrency=5)
    assert WorkerOptions(pool="threads", concurrency=5, queues=()) == read([], app=app)


def test_an_option_of_the_apps_own_is_known() -> None:
    app = Celery(set_as_current=False)
    app.user_options["worker"].add(click.Option(["--region"]))
    assert parse_line("eu: --region=eu", app=app).options == ("--region=eu",)


def test_marker_arguments_become_options() -> None:
    expected = ("-Q", "a,b", "-P", "threads", "-c", "4", "--prefetch-multiplier", "1", "-O", "fair")
    actual = from_arguments(queues=["a", "b"], pool="threads", concurrency=4, prefetch=1, options="-O fair")
    assert expected == actual
    assert from_arguments(queues="a,b") == ("-Q", "a,b")
    assert from_arguments() == ()


def test_a_wrong_marker_argument_names_the_marker() -> None:
    with pytest.raises(ConfigurationError, match=r"celery_worker: '-P forks': .*'forks' is not one of"):
        from_arguments(pool="forks")


def test_children_that_would_record_nothing_are_refused() -> None:
    if not any(option.name == "pool_start_method" for option in _celerys_options()):
        pytest.skip("this Celery has no --pool-start-method, which came with 5.7")
    with pytest.raises(ConfigurationError, match="children that record nothing"):
        read(["--pool-start-method=spawn"])


def _celerys_options() -> list[click.Parameter]:
    from celery.bin.worker import worker

    return list(worker.params)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-c 2", "-c 2 --without-mingle --without-gossip -n w@h"),
        ("-c 2 --without-mingle", "-c 2 --without-mingle --without-gossip -n w@h"),
        ("--with-mingle", "--without-gossip -n w@h"),
        ("--with-gossip -c 2 --with-mingle", "-c 2 -n w@h"),
    ],
)
def test_a_worker_boots_without_mingle_and_gossip_unless_asked(options: str, expected: str) -> None:
    spec = WorkerSpec(name="w", options=tuple(shlex.split(options)))
    assert tuple(shlex.split(expected)) == command_options(spec, "w@h")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", None),
        ("-c 2", None),
        ("-c 2 -P gevent", "gevent"),
        ("--pool gevent", "gevent"),
        ("--pool=solo -c 1", "solo"),
        ("-P", None),
    ],
)
def test_the_pool_is_found_where_celery_looks_for_it(options: str, expected: str | None) -> None:
    assert expected == named_pool(shlex.split(options))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("prefork", True),
        ("processes", True),
        ("celery.concurrency.prefork:TaskPool", True),
        ("custom", True),
        ("their.pools:Forest", True),
        ("threads", False),
        ("solo", False),
        ("gevent", False),
        ("celery.concurrency.thread:TaskPool", False),
    ],
)
def test_which_pools_have_children(pool: str, expected: bool) -> None:
    assert expected == has_children(pool)
