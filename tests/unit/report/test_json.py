"""The report file says everything, follows its schema, and can be read back."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.gate import Comparison, Decision, GateReport, Series, Standing
from pytest_celery_perf.model.history import Snapshot
from pytest_celery_perf.model.journal import JournalEntry
from pytest_celery_perf.model.load import CapacityFigures, LoadFigures, Published, Step, Way
from pytest_celery_perf.model.record import TaskError
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.settings import Override, Setting
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.json import Mode, Report, dump, load
from tests.unit.histories import at, execution, failed, fault, history, options, query, retried
from tests.unit.report.schema import report_schema

PASSED = TestResult(
    nodeid="tests/test_shop.py::test_pay",
    outcome="passed",
    verdicts=(
        Verdict(
            marker="celery_queries",
            task="shop.tasks.charge",
            status=Status.PASS,
            checks=(Check(metric="queries", actual="1", budget="≤ 4", ok=True),),
        ),
    ),
    rows=(
        TaskRow(
            name="shop.tasks.charge", tasks=1, executions=1, succeeded=1, failed=0, lost=0, retries=0, queries_max=1
        ),
    ),
    loads=(
        LoadFigures(
            tasks=60,
            done=60,
            failed=1,
            published=(Published(task="shop.tasks.charge", way=Way.COPIES),),
            intended_rate=20.0,
            actual_rate=20.1,
            throughput=19.9,
            p50_s=0.01,
            p95_s=0.02,
            p99_s=None,
            max_s=0.03,
            lag_s=0.001,
            drain_s=0.01,
            stall_s=0.2,
        ),
    ),
    capacities=(
        CapacityFigures(
            budget_s=0.2,
            workers=1,
            rate=80.0,
            breaks_at=90.0,
            steps=(Step(rate_per_s=90.0, p95_s=None, late=0.1, throughput=80.0, held=False),),
        ),
    ),
    history=history(execution(queries=(query(),))),
)
FAILED = TestResult(
    nodeid="tests/test_shop.py::test_refund",
    outcome="failed",
    verdicts=(
        Verdict(
            marker="celery_retries",
            task="shop.tasks.refund",
            status=Status.FAIL,
            evidence=("it was never tried again",),
            fix=("autoretry_for=(ConnectionError,)",),
            places=(Frame(path="/shop/tasks.py", line=20, function="refund"),),
        ),
    ),
    message="celery_retries shop.tasks.refund: it was never tried again",
    place=Frame(path="/shop/tests/test_shop.py", line=7, function="test_refund"),
    history=history(
        retried(countdown_s=2.0),
        failed(retries=1, received=20, started=21),
        faults=(fault(),),
        problems=("spool",),
        unfinished=frozenset({"t2", "t1"}),
        tasks={"shop.tasks.charge": options(time_limit_s=60.0)},
        snapshots=(Snapshot(at_ns=at(9), reason="the end", queues=(("celery", ("t2",)),), unacked=("t1",)),),
        states={"t1": "RETRY"},
    ),
    journal=(JournalEntry(at_ns=at(9), kind="snapshot", actor="broker", text="charge[t1] in unacked"),),
)
GATE = GateReport(
    base="1a2b3c4 (merge base with origin/main)",
    head="9f8e7d6",
    differences={"celery": ("5.6.0", "5.7.0")},
    notes=("pinned to core 1",),
    epochs=2,
    duration_s=12.5,
    comparisons=(
        Comparison(
            test="tests/test_shop.py::test_pay",
            standing=Standing.COMPARED,
            task="shop.tasks.charge",
            metric="runtime",
            threshold=2000.0,
            series=Series(base=(0.1, 0.11), head=(0.15, 0.16)),
            decision=Decision(
                status=Status.INCONCLUSIVE, log_e_fail=3.5, log_e_pass=-4.25, effect=0.47, detectable=None
            ),
        ),
        Comparison(test="tests/test_shop.py::test_refund", standing=Standing.NEW),
    ),
)
REPORT = Report(
    created="2026-11-21T22:50:00+00:00",
    environment={"python": "3.11.7", "celery": "5.7.0", "pytest_celery_perf": "0.1.0"},
    settings=(Setting(name="broker", value="redis://:s3cret@host/0", source="ini"),),
    overrides=(Override(name="broker_url", was="redis://:s3cret@host/1"),),
    root="/shop",
    gate=GATE,
    tests=(PASSED, FAILED),
)


def parsed(mode: Mode = Mode.RECORDS) -> Any:
    return json.loads(dump(REPORT, mode))


def test_a_report_can_be_read_back() -> None:
    read = load(dump(REPORT))
    assert read.tests == REPORT.tests
    assert read.environment == REPORT.environment
    assert read.gate == GATE
    assert load(dump(read)) == read


def test_the_file_begins_with_schema_and_mode() -> None:
    data = parsed()
    assert list(data) == [
        "schema",
        "mode",
        "created",
        "environment",
        "settings",
        "overrides",
        "status",
        "root",
        "gate",
        "tests",
    ]
    assert (data["schema"], data["mode"]) == (1, "records")


def test_the_gate_is_told_epoch_by_epoch_with_its_evidence() -> None:
    compared, new = parsed()["gate"]["comparisons"]
    assert compared["series"] == {"base": [0.1, 0.11], "head": [0.15, 0.16]}
    assert (compared["decision"]["log_e_fail"], compared["threshold"]) == (3.5, 2000.0)
    assert (new["standing"], new["decision"]) == ("NEW", None)
    assert json.loads(dump(replace(REPORT, gate=None)))["gate"] is None


def test_a_report_of_an_older_version_can_be_read() -> None:
    data = parsed()
    del data["gate"], data["root"], data["status"]
    for test in data["tests"]:
        del test["message"], test["place"]
        for verdict in test["verdicts"]:
            del verdict["places"]
    read = load(json.dumps(data))
    assert (read.gate, read.root, read.tests[1].message, read.tests[1].place) == (None, "", "", None)
    assert read.tests[0] == PASSED


def test_each_test_holds_verdicts_rows_and_records() -> None:
    passed, refused = parsed()["tests"]
    assert passed["verdicts"][0]["checks"] == [
        {"metric": "queries", "actual": "1", "budget": "≤ 4", "ok": True, "unknown": False}
    ]
    assert passed["rows"][0]["queries_max"] == 1
    assert passed["rows"][0]["runtime_p95_s"] is None
    assert [each["outcome"] for each in refused["history"]["executions"]] == ["retried", "failed"]
    assert refused["history"]["faults"][0]["kind"] == "kill-worker"
    assert refused["history"]["workers"][0]["name"] == "main@host"
    assert refused["history"]["problems"] == ["spool"]


def test_equal_reports_make_equal_files() -> None:
    environment = dict(reversed(REPORT.environment.items()))
    other = replace(FAILED, history=replace(FAILED.history, unfinished=frozenset({"t1", "t2"})))
    assert dump(REPORT) == dump(replace(REPORT, environment=environment, tests=(PASSED, other)))


def test_aggregates_leave_out_what_grows_with_the_tasks() -> None:
    data = parsed(Mode.AGGREGATES)
    for test in data["tests"]:
        assert {"publications", "executions"}.isdisjoint(test["history"])
        assert test["journal"] == []
    assert [test["verdicts"] for test in data["tests"]] == [test["verdicts"] for test in parsed()["tests"]]


def test_aggregates_can_be_read_back_with_empty_histories() -> None:
    read = load(dump(REPORT, Mode.AGGREGATES))
    assert [test.rows for test in read.tests] == [PASSED.rows, FAILED.rows]
    assert [test.history.executions for test in read.tests] == [(), ()]
    assert read.tests[1].history.faults == FAILED.history.faults


def test_no_password_is_in_the_file() -> None:
    text = dump(REPORT)
    assert "s3cret" not in text
    assert "redis://:***@host/0" in text


def test_an_error_message_that_no_encoding_can_hold_is_written_and_read() -> None:
    odd = TaskError(type="builtins.OSError", message="\udcff \x00 ✗")
    test = replace(PASSED, history=history(failed(error=odd)))
    text = dump(replace(REPORT, tests=(test,)))
    assert text.isascii()
    assert load(text).tests[0].history.executions[0].error == odd


def test_a_figure_that_is_no_number_is_an_error() -> None:
    row = replace(PASSED.rows[0], runtime_p95_s=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump(replace(REPORT, tests=(replace(PASSED, rows=(row,)),)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "there is no schema"),
        ("{}", "there is no schema"),
        ('{"schema": 2, "mode": "records"}', "its schema is 2"),
    ],
)
def test_another_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"{said}, and this version of pytest-celery-perf reads 1"):
        load(text)


def test_a_report_without_tests_is_none() -> None:
    data = {key: value for key, value in parsed(Mode.RECORDS).items() if key != "tests"}
    with pytest.raises(ValueError, match="it has no tests, not even an empty list of them"):
        load(json.dumps(data))
    assert load(json.dumps({**data, "tests": []})).tests == ()


def test_an_outcome_that_there_is_not_is_refused() -> None:
    data = parsed(Mode.RECORDS)
    data["tests"][0]["outcome"] = "zzz"
    with pytest.raises(ValueError, match=r"Report.tests\[0\].outcome: 'zzz' is none of passed, failed, skipped, rerun"):
        load(json.dumps(data))


def test_the_schema_is_that_of_the_model() -> None:
    written = json.loads(files("pytest_celery_perf.report").joinpath("schema.json").read_text("utf-8"))
    assert report_schema() == written, "run: python tests/unit/report/schema.py > pytest_celery_perf/report/schema.json"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_file_follows_the_schema(mode: Mode) -> None:
    validator = pytest.importorskip(
        "jsonschema", reason="needs jsonschema (pip install jsonschema)"
    ).Draft202012Validator
    validator.check_schema(report_schema())
    check = validator(report_schema())
    assert [error.message for error in check.iter_errors(parsed(mode))] == []


def test_a_file_with_something_missing_or_wrong_breaks_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema (pip install jsonschema)")
    check = jsonschema.Draft202012Validator(report_schema())
    data = parsed()
    del data["tests"][0]["history"]["executions"][0]["worker"]
    data["tests"][1]["verdicts"][0]["status"] = "MAYBE"
    messages = " ".join(sorted(error.message for error in check.iter_errors(data)))
    assert "'MAYBE' is not one of ['PASS', 'FAIL', 'INCONCLUSIVE']" in messages
    assert "'worker' is a required property" in messages
