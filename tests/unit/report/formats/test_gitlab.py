"""GitLab's two reports: figures, as Prometheus' own parser and GitLab's way to split lines read them; findings."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_celery_perf.measure.registry import counter
from pytest_celery_perf.model.summary import FigureRow
from pytest_celery_perf.report.formats.gitlab_codequality import gitlab_codequality
from pytest_celery_perf.report.formats.gitlab_metrics import gitlab_metrics

from .reports import AWKWARD, CHARGE, EMPTY, PAY, REFUND, REPORT, frame, result, verdict

# -- metrics ---------------------------------------------------------------------------------


def samples(text: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def as_gitlab_reads(text: str) -> dict[str, str]:
    """Split as `Gitlab::Ci::Parsers::Metrics::Generic` does: without what follows a `#`, as a shell splits words."""
    lines = (shlex.split(re.sub("#.*$", "", line)) for line in text.splitlines() if line.strip())
    return {line[0]: line[1] for line in lines if line}


def test_each_figure_is_a_sample_of_a_family_with_its_unit() -> None:
    found = samples(gitlab_metrics(REPORT))
    test = AWKWARD.replace("#", "%23")
    assert found["celery_perf_runtime_seconds", test, CHARGE, "median"] == pytest.approx(0.0195)
    assert found["celery_perf_memory_peak_bytes", test, "shop.tasks.mail", "max"] == 4 << 20
    assert found["celery_perf_throughput_per_second", test, "all tasks"] == 45.5
    assert found["celery_perf_utilisation_ratio", test, "worker mail"] == 0.75
    assert found["celery_perf_failed", test, CHARGE] == 1
    rows = "count rows, in \\ all"
    assert found["celery_perf_count_rows_in_all", test, "shop.tasks.mail", "median", rows] == 12
    units = {family.name: family.unit for family in text_string_to_metric_families(gitlab_metrics(REPORT))}
    assert units["celery_perf_runtime_seconds"] == "seconds"


def test_counters_that_differ_in_signs_alone_are_two() -> None:
    rows = [FigureRow(metric=counter(name), executions=1, median=n, max=n) for n, name in enumerate(("a/b", "a b"))]
    test = replace(PAY, rows=(replace(PAY.rows[0], figures=tuple(rows)),))
    found = samples(gitlab_metrics(replace(REPORT, tests=(test,))))
    medians = {key[-1]: value for key, value in found.items() if key[0] == "celery_perf_count_a_b" and "median" in key}
    assert medians == {counter("a/b").name: 0, counter("a b").name: 1}


def test_failures_are_counted() -> None:
    found = samples(gitlab_metrics(REPORT))
    assert found["celery_perf_tests", "failed"] == 5
    assert found["celery_perf_tests", "passed"] == 2
    assert found["celery_perf_verdicts", "INCONCLUSIVE"] == 1
    assert samples(gitlab_metrics(EMPTY))["celery_perf_tests", "failed"] == 0


def test_what_was_compared_is_told() -> None:
    found = samples(gitlab_metrics(REPORT))
    assert found["celery_perf_change_ratio", "tests/test_shop.py::test_slower", CHARGE, "runtime"] == 0.47


def test_gitlab_reads_as_many_metrics_as_prometheus_does() -> None:
    text = gitlab_metrics(REPORT)
    read = as_gitlab_reads(text)
    assert sorted(map(float, read.values())) == sorted(samples(text).values())
    assert read["celery_perf_tests{outcome=failed}"] == "5"


def test_a_test_that_ran_twice_gives_its_last_figures() -> None:
    text = gitlab_metrics(replace(REPORT, tests=(PAY, PAY)))
    assert samples(text) == {**samples(gitlab_metrics(replace(REPORT, tests=(PAY,)))), **_twice(text)}


def _twice(text: str) -> dict[tuple[str, ...], float]:
    return {
        key: value for key, value in samples(text).items() if key[0] in {"celery_perf_tests", "celery_perf_verdicts"}
    }


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")))
def test_any_name_of_a_test_comes_back(name: str) -> None:
    found = samples(gitlab_metrics(replace(REPORT, tests=(replace(PAY, nodeid=name),))))
    assert found["celery_perf_throughput_per_second", name.replace("#", "%23"), "all tasks"] == 45.5


# -- code quality ----------------------------------------------------------------------------

DOCUMENTED = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!/|\./)."},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""Source: GitLab, "Code Quality", "Code Quality report format"."""


def issues(text: str) -> list[dict[str, Any]]:
    data = json.loads(text)
    Draft202012Validator(DOCUMENTED).validate(data)
    return list(data)


def test_findings_follow_what_gitlab_documents() -> None:
    found = issues(gitlab_codequality(REPORT))
    assert [each["severity"] for each in found] == ["critical", *["major"] * 5, "minor", "info", "info"]
    (queries,) = (each for each in found if each["check_name"] == "celery_queries" and each["severity"] == "major")
    assert queries["location"] == {"path": "shop/tasks.py", "lines": {"begin": 20}}
    assert queries["description"] == (f"celery_queries shop.tasks.charge: queries 41 (budget ≤ 4) ({REFUND.nodeid})")
    assert issues(gitlab_codequality(EMPTY)) == []


def test_a_finding_without_a_line_is_at_the_beginning_of_its_tests_file() -> None:
    (issue,) = issues(gitlab_codequality(replace(EMPTY, tests=(result("tests/test_a.py::test", "failed"),))))
    assert issue["location"] == {"path": "tests/test_a.py", "lines": {"begin": 1}}


def test_a_fingerprint_survives_other_figures_and_lines_and_differs_where_the_finding_does() -> None:
    def fingerprints(**fields: Any) -> list[str]:
        test = result("test_a", "failed", verdict(**fields))
        return [each["fingerprint"] for each in issues(gitlab_codequality(replace(EMPTY, tests=(test,))))]

    assert fingerprints() == fingerprints(evidence=("other",), places=(frame(line=5),))
    assert len({*fingerprints(), *fingerprints(task="other"), *fingerprints(marker="celery_cpu")}) == 3
    every = [each["fingerprint"] for each in issues(gitlab_codequality(replace(REPORT, tests=REPORT.tests * 2)))]
    assert len(every) == len(set(every)), "GitLab drops one of two that are equal"
