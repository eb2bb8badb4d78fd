from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from contextlib import closing
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.network.toxics import Direction, Toxic


def elapsed_s(scene: Callable[[Direction], Coroutine[Any, Any, None]], *toxics: Toxic) -> float:
    """Play a scene in a loop whose time passes in jumps, from one timer to the next."""
    now_s = 100.0
    selector = selectors.DefaultSelector()
    look = selector.select

    def jump(timeout: float | None = None) -> list[Any]:
        nonlocal now_s
        assert timeout is not None, "it waits for ever"
        now_s += max(0.0, timeout)
        return look(0)

    async def play() -> None:
        direction = Direction()
        for toxic in toxics:
            direction.add(toxic)
        await scene(direction)

    loop = asyncio.SelectorEventLoop(selector)
    with closing(loop), patch.object(selector, "select", jump), patch.object(loop, "time", lambda: now_s):
        loop.run_until_complete(play())
    return now_s - 100.0


async def sent_now(direction: Direction) -> None:
    await direction.arrival(asyncio.get_running_loop().time())


def test_a_good_network_takes_no_time() -> None:
    assert elapsed_s(sent_now) == 0


def test_latencies_add_up() -> None:
    assert elapsed_s(sent_now, Toxic(latency_s=0.2), Toxic(latency_s=0.05)) == pytest.approx(0.25)


@pytest.mark.parametrize(("luck", "expected_s"), [(-1, 0.15), (0, 0.2), (1, 0.25)])
def test_jitter_goes_both_ways(luck: float, expected_s: float) -> None:
    async def scene(direction: Direction) -> None:
        await direction.arrival(asyncio.get_running_loop().time(), luck)

    assert elapsed_s(scene, Toxic(latency_s=0.2, jitter_s=0.05)) == pytest.approx(expected_s)


def test_nothing_arrives_before_it_was_sent() -> None:
    assert Toxic(latency_s=0.1, jitter_s=1.0).delay_s(-1) == 0


def test_what_was_sent_long_ago_has_arrived() -> None:
    async def scene(direction: Direction) -> None:
        await direction.arrival(asyncio.get_running_loop().time() - 5)

    assert elapsed_s(scene, Toxic(latency_s=1.0)) == 0


def test_silence_lasts_until_it_is_lifted_and_loses_nothing() -> None:
    async def scene(direction: Direction) -> None:
        silence = Toxic(latency_s=math.inf)
        direction.add(silence)
        asyncio.get_running_loop().call_later(3.0, direction.remove, silence)
        await sent_now(direction)

    assert elapsed_s(scene) == pytest.approx(3.0)


def test_silence_falls_on_what_is_under_way() -> None:
    async def scene(direction: Direction) -> None:
        silence = Toxic(latency_s=math.inf)
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, direction.add, silence)
        loop.call_later(4.0, direction.remove, silence)
        await sent_now(direction)

    assert elapsed_s(scene, Toxic(latency_s=1.0)) == pytest.approx(4.0)


def test_of_two_equal_toxics_each_is_removed_by_itself() -> None:
    async def scene(direction: Direction) -> None:
        first, second = Toxic(latency_s=1.0), Toxic(latency_s=1.0)
        direction.add(first)
        direction.add(second)
        direction.remove(first)
        await sent_now(direction)

    assert elapsed_s(scene) == pytest.approx(1.0)


def test_a_bandwidth_is_shared() -> None:
    async def send(direction: Direction, data: bytes) -> None:
        for piece in direction.pieces(data):
            await direction.passage(len(piece))

    async def scene(direction: Direction) -> None:
        await asyncio.gather(send(direction, bytes(3000)), send(direction, bytes(1000)))

    assert elapsed_s(scene, Toxic(bytes_per_s=2000)) == pytest.approx(2.0)


def test_a_bandwidth_that_was_not_used_is_not_saved_up() -> None:
    async def scene(direction: Direction) -> None:
        await asyncio.sleep(10)
        await direction.passage(1000)

    assert elapsed_s(scene, Toxic(bytes_per_s=1000)) == pytest.approx(11.0)


def test_between_slices_time_passes() -> None:
    async def scene(direction: Direction) -> None:
        for piece in direction.pieces(b"abcdef"):
            await direction.passage(len(piece))

    assert elapsed_s(scene, Toxic(slice_bytes=2, gap_s=0.5)) == pytest.approx(1.5)


@given(
    data=st.binary(max_size=200),
    sizes=st.lists(st.integers(min_value=1, max_value=50), max_size=3),
    rate=st.none() | st.floats(min_value=0.1, max_value=1e6),
)
def test_pieces_are_the_whole_and_none_is_too_large(data: bytes, sizes: list[int], rate: float | None) -> None:
    direction = Direction()
    for size in sizes:
        direction.add(Toxic(slice_bytes=size, gap_s=0))
    if rate is not None:
        direction.add(Toxic(bytes_per_s=rate))
    pieces = [bytes(piece) for piece in direction.pieces(data)]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= min(sizes, default=len(data)) for piece in pieces)
    assert all(len(one) >= len(other) for one, other in pairwise(pieces))
