"""A process whose tasks are greenlets tells where each of them is, which no thread shows."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.probe.stacks import STACK_SIGNAL, greenlet_heading, greenlets_path, stack_path

pytestmark = [
    pytest.mark.gevent,
    pytest.mark.skipif(STACK_SIGNAL is None, reason="this system has no realtime signals"),
]

OURS = re.compile('File "<string>", line [0-9]+ in (.*)')
GREENLETS = """
from gevent import monkey
monkey.patch_all()

import sys
import time
from types import SimpleNamespace
import gevent
from pytest_celery_perf.probe import context, stacks

class Lazy:
    @property
    def __class__(self):
        print("a lazy object was made", flush=True)

def helper():
    time.sleep(1000)

def waits():
    time.sleep(1000)

def spawns():
    gevent.spawn(helper).join()

def computes():
    print("ready", flush=True)
    while True:
        pass

def blocks():
    print("ready", flush=True)
    monkey.get_original("time", "sleep")(1000)

def idles():
    print("ready", flush=True)
    time.sleep(1000)

def task(body):
    context.enter(SimpleNamespace(task_id=body.__name__))
    stacks.answer(sys.argv[1])
    body()

context.configure("gevent")
lazy = Lazy()
of_no_task = gevent.spawn(helper)
first = [gevent.spawn(task, body) for body in (waits, spawns)]
gevent.joinall([*first, gevent.spawn_later(0.01, task, eval(sys.argv[2]))])
"""


@pytest.fixture(params=["idles", "computes", "blocks"])
def last(request: pytest.FixtureRequest) -> str:
    """What the task does that began last."""
    return str(request.param)


@pytest.fixture
def process(last: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", GREENLETS, str(tmp_path), last]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_greenlets_of_tasks(process: subprocess.Popen[str], last: str, tmp_path: Path) -> None:
    assert STACK_SIGNAL is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(STACK_SIGNAL)

    stacks = written(Path(greenlets_path(str(tmp_path), process.pid))).strip().split("\n\n")
    assert sorted(
        [
            [greenlet_heading("waits"), "waits", "task"],
            [greenlet_heading("spawns"), "spawns", "task"],
            [greenlet_heading("spawns"), "helper"],
            [greenlet_heading(last), last, "task"],
        ]
    ) == sorted([stack.splitlines()[0], *OURS.findall(stack)] for stack in stacks)
    assert "most recent call first" in written(Path(stack_path(str(tmp_path), process.pid)))
    process.kill()
    assert process.stdout.read() == "", "an object that was only looked at has run code"


def written(path: Path) -> str:
    deadline_s = time.monotonic() + 60
    while not (text := path.read_text()).endswith("\n"):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    return text
