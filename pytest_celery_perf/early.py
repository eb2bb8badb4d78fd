"""Notes what fixtures of wider scope publish: it goes to the app's own broker, and nobody should wonder where it is.

They are set up before the workers of the first test that needs them, and their tasks belong to no single test. So these
are left as they are in ordinary tests, but not without a word.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_celery_perf.model.early import EarlyTasks
from pytest_celery_perf.report.early import early_text
from pytest_celery_perf.stash import ACTIVE

_SET_UP = re.compile(r"_(?:unittest|xunit)_(\w+?)_fixture")
"""What pytest calls the fixtures that it makes of ``setUpClass``, ``setup_module`` and the like."""


@dataclass(slots=True)
class _Noted:
    """What a fixture has published so far."""

    sent: dict[str, None] = field(default_factory=dict)
    ran: dict[str, None] = field(default_factory=dict)
    broker: str = ""
    warned: bool = False


class Early:
    """A plugin of pytest; registered only where tests need us.

    Args:
        app: The Celery app, in the test process.
    """

    def __init__(self, app: Any) -> None:
        from celery import signals

        self._app = app
        self._of: dict[pytest.FixtureDef[Any], _Noted] = {}
        self._under_way: list[_Noted] = []
        self._item: pytest.Item | None = None
        signals.before_task_publish.connect(self._publishing, weak=False)
        signals.task_prerun.connect(self._running, weak=False)

    def close(self) -> None:
        """Listen no longer."""
        from celery import signals

        signals.before_task_publish.disconnect(self._publishing)
        signals.task_prerun.disconnect(self._running)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Learn which test the fixtures are set up for."""
        self._item = item

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Note what a fixture publishes, for as long as what it has made lives."""
        if fixturedef.scope == "function":
            return (yield)
        self._of[fixturedef] = noted = _Noted()
        fixturedef.addfinalizer(lambda: self._of.pop(fixturedef, None))
        self._under_way.append(noted)
        try:
            return (yield)
        finally:
            self._under_way.pop()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Keep at a test of ours what its fixtures have published; warn, once, of what somebody's broker has now."""
        active = item.stash.get(ACTIVE, None)
        if active is None:
            return
        used = [(each, noted) for each, noted in self._of.items() if each.argname in getattr(item, "fixturenames", ())]
        active.early = tuple(told for each, noted in used for told in _told(each, noted))
        fresh = [told for each, noted in used if not noted.warned for told in _told(each, noted) if told.broker]
        for _, noted in used:
            noted.warned = True
        if fresh:
            item.warn(pytest.PytestWarning(f"celery-perf: {early_text(fresh)}"))

    def _publishing(self, sender: str = "", **_: Any) -> None:
        if noted := self._noted():
            noted.sent[sender] = None
            noted.broker = noted.broker or self._app.connection_for_write().as_uri()  # which hides the password

    def _running(self, sender: Any = None, **_: Any) -> None:
        if noted := self._noted():
            noted.ran[sender.name] = None

    def _noted(self) -> _Noted | None:
        """Return where to note what is published now; None if it is no fixture's, or the test's that asks for one."""
        if not self._under_way or (self._item is not None and ACTIVE in self._item.stash):
            return None
        return self._under_way[-1]


def _told(fixture: pytest.FixtureDef[Any], noted: _Noted) -> list[EarlyTasks]:
    made = _SET_UP.match(fixture.argname)
    name = made[1] if made else f"fixture {fixture.argname!r}"
    return [
        EarlyTasks(fixture=name, scope=fixture.scope, tasks=tuple(tasks), broker=broker)
        for tasks, broker in ((noted.sent, noted.broker), (noted.ran, ""))
        if tasks
    ]
