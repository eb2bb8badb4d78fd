from __future__ import annotations

from pytest_celery_perf.broker import ports
from pytest_celery_perf.broker.settings import ServerSettings


def test_candidates_are_distinct_and_below_the_ephemeral_range() -> None:
    found = list(ports.candidates())

    assert len(found) == len(set(found)) >= 20
    assert all(1024 < port < 32768 for port in found)


def test_candidates_differ_between_runs() -> None:
    assert list(ports.candidates()) != list(ports.candidates())


def test_every_server_has_a_password_of_its_own_that_repr_hides() -> None:
    one, other = ServerSettings(), ServerSettings()

    assert one.password != other.password
    assert one.password not in repr(one)
    assert f"requirepass {one.password}\n" in one.text("port 1")
    assert f"redis://:{one.password}@h:1/0" == one.url("h", 1)


def test_persistence_is_off_unless_asked_for() -> None:
    assert 'save ""\nappendonly no\n' in ServerSettings().text()
    assert "appendonly yes\nappendfsync always\n" in ServerSettings(append_only=True).text()
