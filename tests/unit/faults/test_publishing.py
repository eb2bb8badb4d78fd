"""Who publishes a task says where, for as long as that lasts."""

from __future__ import annotations

import threading

import pytest

from pytest_celery_perf.faults import publishing


def test_a_publish_is_over_that_has_raised() -> None:
    told: list[str] = []

    def send_task() -> None:
        told.append(publishing._under_way[threading.get_ident()].path)
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        publishing._noting(send_task)()
    assert (told, publishing._under_way) == ([__file__], {})


def test_a_publish_within_another_is_part_of_that() -> None:
    told: list[publishing._Publish] = []

    def send_task(others: int) -> None:
        told.append(publishing._under_way[threading.get_ident()])
        if others:
            send(others - 1)
            told.append(publishing._under_way[threading.get_ident()])

    send = publishing._noting(send_task)
    send(1)
    assert told == [told[0]] * 3
