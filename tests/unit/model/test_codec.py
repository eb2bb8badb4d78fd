"""What leaves the process comes back equal, and what is not of the model is refused by name."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.model.record import Execution, Frame, Outcome, QueryUse, WorkerInfo
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import execution, query, worker

QUERY = query(stacks=(((Frame(path="/app/tasks.py", line=3, function="pay"),), 2),))


@settings(max_examples=50)
@given(st.from_type(Execution).filter(lambda each: "NaN" not in json.dumps(encode(each))))  # equals not even itself
def test_whatever_an_execution_holds_survives_json(value: Execution) -> None:
    assert value == decode(Execution, json.loads(json.dumps(encode(value))))


def test_nested_values_enumerations_and_sets_survive_json() -> None:
    for value in (execution(queries=(QUERY,), outcome=Outcome.FAILED), worker(registered=frozenset({"b", "a"}))):
        assert value == decode(type(value), json.loads(json.dumps(encode(value))))


def test_the_order_is_that_of_the_fields_and_sets_are_sorted() -> None:
    data = encode(worker(registered=frozenset({"c", "a", "b"})))
    assert [field.name for field in dataclasses.fields(WorkerInfo)] == list(data)
    assert data["registered"] == ["a", "b", "c"]


def test_an_integer_where_seconds_are_expected_is_a_float_again() -> None:
    data = encode(execution(outcome=Outcome.RETRIED)) | {"countdown_s": 2}
    assert type(decode(Execution, data).countdown_s) is float


def test_a_value_of_no_type_of_the_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"cannot encode .*complex is no type of the model"):
        encode(1j)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "MAYBE"}, "'MAYBE' is not a valid Status"),
        ({"marker": 3}, r"Verdict\.marker: expected str, found 3"),
        ({"fix": [1]}, r"Verdict\.fix\[0\]: expected str, found 1"),
        ({"fix": "text"}, r"Verdict\.fix: expected list, found 'text'"),
        ({"colour": "red"}, "Verdict: missing or unknown: colour"),
        ({"outcome": "PASS", "colour": "red"}, "Verdict: missing or unknown: colour, outcome"),
        ({"checks": [{"metric": "queries"}]}, r"Verdict\.checks\[0\]: missing or unknown: actual, budget, ok"),
    ],
)
def test_data_of_another_shape_is_refused_with_its_place(change: dict[str, object], message: str) -> None:
    data = encode(Verdict(marker="celery_queries", task="shop.tasks.pay", status=Status.PASS)) | change
    with pytest.raises(ValueError, match=message):
        decode(Verdict, data)


def test_a_truth_value_is_no_number_and_a_pair_has_two_items() -> None:
    with pytest.raises(ValueError, match=r"QueryUse\.count: expected int, found True"):
        decode(QueryUse, encode(QUERY) | {"count": True})
    with pytest.raises(ValueError, match=r"QueryUse\.stacks\[0\]: expected 2 items, found 1"):
        decode(QueryUse, encode(QUERY) | {"stacks": [[[]]]})


def test_what_has_a_default_may_be_missing_as_in_the_data_of_an_older_version() -> None:
    verdict = Verdict(marker="celery_queries", task="shop.tasks.pay", status=Status.PASS)
    assert verdict == decode(Verdict, {"marker": "celery_queries", "task": "shop.tasks.pay", "status": "PASS"})
    with pytest.raises(ValueError, match="Verdict: missing or unknown: status, task"):
        decode(Verdict, {"marker": "celery_queries"})
