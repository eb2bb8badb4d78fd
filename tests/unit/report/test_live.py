"""A sign of life comes when it is due, and not before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_celery_perf.model.load import Pace
from pytest_celery_perf.report.live import Comparing, LiveLine, Progress


class Clock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Screen:
    """A terminal's line: what was written, and what can be seen of it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    @property
    def line(self) -> str:
        cells: list[str] = []
        column = 0
        for character in "".join(self.written):
            if character == "\r":
                column = 0
                continue
            cells[column : column + 1] = [character]
            column += 1
        return "".join(cells).rstrip()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def ticks(clock: Clock, seconds: float, step_s: float) -> Iterator[int]:
    for number in range(round(seconds / step_s)):
        clock.now_s += step_s
        yield number


def test_short_work_shows_nothing(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_pay")
    for _ in ticks(clock, 0.9, 0.1):
        live.update(Progress(published=5, finished=0))
    live.close()
    assert screen.written == []


def test_long_work_shows_a_line_that_renews_itself(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_pay")
    clock.now_s += 12
    live.update(Progress(published=50, finished=37, failed=2))
    assert screen.line == "celery-perf: 37/50 tasks finished, 2 failed, 12s · test_pay"
    clock.now_s += 1
    live.update(Progress(published=50, finished=50))
    assert screen.line == "celery-perf: 50/50 tasks finished, 13s · test_pay"
    assert "\n" not in "".join(screen.written)


def test_the_line_is_renewed_at_most_ten_times_a_second(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_pay")
    clock.now_s += 1
    for number in ticks(clock, 2.0, 0.001):
        live.update(Progress(published=5000, finished=number))
    assert 15 <= len(screen.written) <= 20


def test_an_unchanged_line_is_not_written_again(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_pay")
    clock.now_s += 2
    for _ in ticks(clock, 0.45, 0.15):
        live.update(Progress(published=5, finished=1))
    assert len(screen.written) == 1


def test_closing_wipes_the_line(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_pay")
    clock.now_s += 2
    live.update(Progress(published=5, finished=1))
    assert screen.line
    live.close()
    live.close()
    assert screen.line == ""
    assert screen.written[-1].endswith("\r")


def test_the_line_stays_within_the_terminal(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="tests/test_shop.py::test_pay", width=40)
    clock.now_s += 2
    live.update(Progress(published=5, finished=1))
    assert len(screen.line) == 39


def test_a_log_gets_a_line_every_thirty_seconds(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=False, label="test_pay", width=20, unicode=False)
    for number in ticks(clock, 150, 0.5):
        live.update(Progress(published=500, finished=number))
    live.close()
    assert screen.written == [
        "celery-perf: 59/500 tasks finished, 30s | test_pay\n",
        "celery-perf: 119/500 tasks finished, 60s | test_pay\n",
        "celery-perf: 179/500 tasks finished, 90s | test_pay\n",
        "celery-perf: 239/500 tasks finished, 2min | test_pay\n",
        "celery-perf: 299/500 tasks finished, 2.5min | test_pay\n",
    ]


def test_a_wait_may_block_until_the_next_sign_of_life_is_due(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=False, label="test_pay")
    assert live.due_in_s == 30
    clock.now_s += 12
    assert live.due_in_s == 18
    clock.now_s += 20
    assert live.due_in_s == 0
    live.update(Progress(published=5, finished=1))
    assert live.due_in_s == 30


def test_a_load_tells_its_pace(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_rush")
    clock.now_s += 12
    live.update(Progress(published=900, finished=600, failed=2, pace=Pace(rate_per_s=51.26, p95_s=0.182, eta_s=371)))
    assert (
        screen.line
        == ("celery-perf: 600/900 tasks finished, 2 failed, 51.3/s, p95 182ms, 6.18min to go, 12s · test_rush"[:79])
    )


def test_what_is_not_known_of_a_pace_is_not_told(clock: Clock, screen: Screen) -> None:
    live = LiveLine(screen.write, clock, terminal=True, label="test_rush")
    clock.now_s += 2
    live.update(Progress(published=9, finished=1, pace=Pace(rate_per_s=0.5, p95_s=None, eta_s=None)))
    assert screen.line == "celery-perf: 1/9 tasks finished, 30/min, 2s · test_rush"


@pytest.mark.parametrize(
    ("epoch", "told"),
    [
        (0, "2/10 tests run for the first time, at most 90s to go, 0s · 1a2b3c4"),
        (3, "epoch 3, 2/10 tests decided, at most 90s to go, 0s · 1a2b3c4"),
    ],
)
def test_a_comparison(epoch: int, told: str) -> None:
    written: list[str] = []
    times = iter([0.0, 30.0 - 1e-9, 30.0])
    line = LiveLine(written.append, lambda: next(times), terminal=False, label="1a2b3c4")
    progress = Comparing(epoch=epoch, decided=2, tests=10, left_s=90)
    line.update(progress)
    assert written == []
    line.update(progress)
    assert written == [f"celery-perf: {told.replace(' 0s', ' 30s')}\n"]
