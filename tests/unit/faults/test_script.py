from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.script import LONGEST_S, MOST_STARTS, SCRIPTED, check, plan
from pytest_celery_perf.model.faults import FAULT_KINDS

seeds = st.integers(min_value=0, max_value=2**32)


@given(seeds, st.integers(min_value=1, max_value=30))
def test_a_seed_always_gives_the_same_script(seed: int, steps: int) -> None:
    assert plan(seed, steps, SCRIPTED) == plan(seed, steps, SCRIPTED)


@given(seeds)
def test_a_longer_script_begins_like_a_shorter_one(seed: int) -> None:
    assert plan(seed, 9, SCRIPTED)[:4] == plan(seed, 4, SCRIPTED)


@given(seeds)
def test_every_step_is_within_bounds(seed: int) -> None:
    before = 0
    for step in plan(seed, 20, SCRIPTED):
        assert step.kind in SCRIPTED
        assert 1 <= step.start - before <= MOST_STARTS
        assert (0 < step.lasting_s <= LONGEST_S) == FAULT_KINDS[step.kind].lasts
        before = step.start


def test_seeds_differ() -> None:
    assert len({plan(seed, 5, SCRIPTED) for seed in range(50)}) == 50


def test_a_step_is_told_in_words() -> None:
    steps = plan(1, 2, ("freeze",)) + plan(1, 1, ("quit",))
    assert ["freeze for 0.86 s at start 3", "freeze for 0.21 s at start 5", "quit at start 3"] == [
        step.name for step in steps
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("7", 1, None), "seed='7' is not a whole number"),
        ((7, 0, None), "steps=0 is not a whole number from 1"),
        ((7, 1, ["kill_broker"]), "kinds='kill_broker' is not one of freeze, quit"),
        ((7, 1, "freeze"), "kinds='freeze' is not a list"),
        ((7, 1, []), "kinds=[]: expected some of freeze, quit"),
    ],
)
def test_mistakes(arguments: tuple[object, object, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        check(*arguments, available=["freeze", "quit"])
    assert words in str(error.value)


def test_all_kinds_that_are_available_are_drawn_from() -> None:
    assert check(1, 2, None, ["freeze", "quit"]) == ("freeze", "quit")
