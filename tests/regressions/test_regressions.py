"""Each budget of the example project bites: undo one optimisation, and exactly the tests that guard it fail.

A regression is a patch against ``example_project``. It is applied to a copy, and the test file that is concerned runs
there, in a process of its own, on real workers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import celery
import pytest

from tests.plugin.inner import LEAN

PATCHES = Path(__file__).with_name("patches")
EXAMPLE = Path(__file__).parents[2] / "example_project"
POINT = re.compile(r"(?<=_task):\d+ +")
"""The number of a touch point, which a version of Celery may change, and the padding of its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """What a patch breaks, and who says so."""

    patch: str
    file: str
    """The test file that is run, or one test of it."""
    fails: tuple[str, ...]
    """Exactly these of its tests fail."""
    says: tuple[str, ...]
    """What their messages say, each of them somewhere."""
    point: str = ""
    """At which of its points a sweep is enough, since unpatched it passes at all of them: one at which `says` is told.
    Without it, a sweep finds the point by itself."""
    since: tuple[int, int] = (5, 5)
    """The first version of Celery which has what the patch takes away, or misuses."""


NO_CLAIM = (
    "✗ generate_script_task query UPDATE judge_scriptgenerationjob SET status = ?, claimed_by",
    "outbound 2 (budget ≤ 1)",
    "judge/services/jobs.py",
    "select_for_update(skip_locked=True)",
)

HALF = "execute_code_task:6"
"""Between the two queries of a submission."""

DRILLS = ("deploy", "broker_restart", "network_partition", "worker_oom", "long_task")

REGRESSIONS = (
    Regression(
        patch="01-n-plus-one-on-test-cases",
        file="test_query_budgets.py",
        fails=("test_execute_code[1]", "test_execute_code[20]", "test_execute_code[100]"),
        says=("N+1", "SELECT … FROM judge_testcase", "judge/tasks.py"),
    ),
    Regression(
        patch="02-full-user-row",
        file="test_query_budgets.py",
        fails=tuple(f"test_execute_code[{cases}]" for cases in (0, 1, 20, 100)),
        says=("FROM auth_user", "queries 5 (budget = 4)"),
    ),
    Regression(
        patch="03-full-save-of-the-problem",
        file="test_load.py",
        fails=("test_fifty_submissions_at_once",),
        says=("{'submissions': 50}",),
    ),
    Regression(
        patch="04-a-save-for-each-test-case",
        file="test_query_budgets.py",
        fails=("test_generate_script", "test_generate_script_writes_in_batches"),
        says=("INSERT INTO judge_testcase", "bulk_create"),
    ),
    Regression(
        patch="05-no-bulk-update",
        file="test_query_budgets.py",
        fails=("test_generate_outputs",),
        says=("42", "N+1", "UPDATE judge_testcase"),
    ),
    Regression(
        patch="06-no-select-related",
        file="test_query_budgets.py",
        fails=("test_generate_hints",),
        says=("SELECT", "FROM judge_problem"),
    ),
    Regression(
        patch="07-cache-is-not-asked",
        file="test_cache.py",
        fails=("test_the_second_call_is_served_by_the_cache",),
        says=("{'/extract': 2}",),
    ),
    Regression(
        patch="08-cache-without-ttl",
        file="test_cache.py",
        fails=("test_what_was_extracted_is_kept_for_an_hour",),
        says=("-1",),
    ),
    Regression(
        patch="09-no-claim",
        file="test_function.py",
        fails=("test_a_job_is_processed_once",),
        says=("{'/generator': 2}",),
    ),
    Regression(
        patch="09-no-claim",
        file="test_idempotent.py",
        fails=("test_a_job_that_is_published_twice",),
        says=NO_CLAIM,
    ),
    Regression(
        patch="10-early-acknowledgment",
        file="test_crash.py",
        fails=("test_a_killed_process", "test_a_killed_worker"),
        says=("LOST", "acks_late=True"),
    ),
    Regression(
        patch="11-no-reject-on-worker-lost",
        file="test_crash.py",
        fails=("test_a_killed_process",),
        says=("LOST", "reject_on_worker_lost=True"),
    ),
    Regression(
        patch="12-no-backoff",
        file="test_retries.py",
        fails=("test_a_lost_connection", "test_a_user_does_not_wait_for_long"),
        says=("exponential", "retry_backoff"),
    ),
    Regression(
        patch="13-no-jitter",
        file="test_retries.py",
        fails=("test_a_lost_connection", "test_a_user_does_not_wait_for_long"),
        says=("jitter",),
    ),
    Regression(
        patch="14-backoff-without-maximum",
        file="test_retries.py",
        fails=("test_an_outage_that_does_not_end",),
        says=("retry_backoff_max", "600"),
    ),
    Regression(
        patch="15-no-autoretry",
        file="test_retries.py",
        fails=("test_an_outage_of_the_ai_service",),
        says=("AIUnavailableError", "autoretry_for"),
    ),
    Regression(
        patch="16-retries-what-cannot-succeed",
        file="test_retries.py",
        fails=("test_what_cannot_succeed_is_not_tried_again",),
        says=("UnsupportedLanguageError", "DoesNotExist"),
    ),
    Regression(
        patch="17-wrong-queue",
        file="test_routing.py",
        fails=("test_extract",),
        says=("execution", "ai"),
    ),
    Regression(
        patch="18-priority-not-turned-round",
        file="test_routing.py",
        fails=(
            "test_execute_code",
            "test_generate_hints",
            "test_generation",
            "test_extract",
            "test_maintenance",
            "test_important_tasks_start_first",
        ),
        says=("priority 0 first",),
    ),
    Regression(
        patch="19-delete-loads-the-row",
        file="test_query_budgets.py",
        fails=("test_delete_job",),
        says=("FROM judge_scriptgenerationjob", "queries 2 (budget = 1)"),
    ),
    Regression(
        patch="20-delete-stores-a-result",
        file="test_function.py",
        fails=("test_a_job_is_deleted",),
        says=("ignore_result=False",),
    ),
    Regression(
        patch="21-hints-generated-again",
        file="test_query_budgets.py",
        fails=("test_generate_hints_has_nothing_to_do[known]",),
        says=("UPDATE judge_searchhistory", "queries 2 (budget = 1)"),
    ),
    Regression(
        patch="22-no-early-validation",
        file="test_query_budgets.py",
        fails=("test_generate_outputs_validates_first",),
        says=("UPDATE judge_testcase",),
    ),
    Regression(
        patch="23-submission-counted-twice",
        file="test_crash.py",
        fails=("test_a_submission_is_not_counted_twice",),
        says=("{'submissions': 2}",),
    ),
    Regression(
        patch="24-half-a-submission",
        file="test_crash.py",
        fails=("test_half_a_submission_is_no_submission",),
        says=("(1, {})",),
    ),
    Regression(
        patch="25-orphaned-claim",
        file="test_crash.py",
        fails=("test_a_claimed_job_is_not_orphaned",),
        says=("('processing', 0)",),
    ),
    Regression(
        patch="10-early-acknowledgment",
        file="test_sweep.py::test_a_deletion",
        fails=("test_a_deletion",),
        says=("✗ delete_job_task started", "LOST: it was acknowledged before it ran (acks_late=False)"),
    ),
    Regression(
        patch="11-no-reject-on-worker-lost",
        file="test_sweep.py::test_a_deletion",
        fails=("test_a_deletion",),
        says=("LOST: Celery acknowledges the message of a child that died (reject_on_worker_lost=False)",),
    ),
    Regression(
        patch="15-no-autoretry",
        file="test_sweep.py::test_a_page",
        fails=("test_a_page",),
        point="extract_problem_info_task:3",
        says=("✗ extract_problem_info_task connect", "retry it: autoretry_for=(", "judge/services/ai.py"),
    ),
    Regression(
        patch="23-submission-counted-twice",
        file="test_sweep.py::test_a_submission",
        fails=("test_a_submission",),
        point="execute_code_task:10",
        says=("✗ execute_code_task acknowledgment", "judge_problem: metadata.submissions is 2 instead of 1"),
    ),
    Regression(
        patch="24-half-a-submission",
        file="test_sweep.py::test_a_submission",
        fails=("test_a_submission",),
        point=HALF,
        says=("✗ execute_code_task query UPDATE judge_problem", "metadata.submissions is absent instead of 1"),
    ),
    Regression(
        patch="25-orphaned-claim",
        file="test_sweep.py::test_a_script",
        fails=("test_a_script",),
        point="generate_script_task:4",
        says=("status is 'processing' instead of 'completed'", "✗ generate_script_task connect"),
    ),
    Regression(
        patch="26-completion-without-a-transaction",
        file="test_sweep.py::test_a_script",
        fails=("test_a_script",),
        point="generate_script_task:6",
        says=("✗ generate_script_task query INSERT INTO judge_testcase", "judge_testcase: a row is missing"),
    ),
    Regression(
        patch="27-cache-written-before-the-database",
        file="test_sweep.py::test_a_page",
        fails=("test_a_page",),
        point="extract_problem_info_task:5",
        says=("✗ extract_problem_info_task query", "judge_problem: a row is missing", "judge/tasks.py"),
    ),
    Regression(
        patch="28-unbounded-poison",
        file="test_drills.py::test_a_task_that_kills_its_worker_is_given_up",
        fails=("test_a_task_that_kills_its_worker_is_given_up[poison_pill]",),
        says=("killed by one task 5, and it went on (budget ≤ 4)", "retry_on_worker_lost=True"),
        since=(5, 7),
    ),
    Regression(
        patch="29-visibility-timeout-below-the-time-limit",
        file="test_drills.py::test_a_submission_is_judged_once",
        fails=tuple(f"test_a_submission_is_judged_once[{drill}]" for drill in DRILLS),
        says=(
            "OVERLAPPING",
            "delivered again 1× (budget = 0×)",
            "raise visibility_timeout in broker_transport_options",
        ),
    ),
    Regression(
        patch="30-no-time-limit",
        file="test_drills.py::test_a_submission_is_judged_once",
        fails=("test_a_submission_is_judged_once[long_task]",),
        says=("OVERLAPPING", "delivered again 1× (budget = 0×)", "set time_limit= below the visibility timeout"),
    ),
    Regression(
        patch="31-countdown-beyond-the-visibility-timeout",
        file="test_drills.py::test_a_script_is_not_postponed_for_too_long",
        fails=("test_a_script_is_not_postponed_for_too_long[eta_beyond_visibility]",),
        says=("DUPLICATED", "longest countdown", "2h"),
    ),
    Regression(
        patch="32-cancelled-when-the-connection-is-lost",
        file="test_drills.py::test_a_submission_on_a_worker_that_is_full",
        fails=("test_a_submission_on_a_worker_that_is_full[broker_restart]",),
        says=("LOST", "set worker_cancel_long_running_tasks_on_connection_loss=False"),
    ),
    Regression(
        patch="33-cold-shutdown",
        file="test_drills.py::test_a_submission_is_judged_once",
        fails=("test_a_submission_is_judged_once[deploy]",),
        says=("executions 2 (budget ≤ 1)", "a rolling restart under load"),
    ),
    Regression(
        patch="34-published-before-the-commit",
        file="test_faults.py::test_a_request_that_is_rolled_back",
        fails=("test_a_request_that_is_rolled_back",),
        says=(
            "failed 1 (budget = 0)",
            "FAILED judge.tasks.generate_script_task",
            "job 2: it was deleted, or never committed",
        ),
    ),
    Regression(
        patch="35-counted-before-it-is-saved",
        file="test_sweep.py::test_a_submission",
        fails=("test_a_submission",),
        point="execute_code_task:6",
        says=("✗ execute_code_task query INSERT INTO judge_searchhistory", "metadata.submissions is 2 instead of 1"),
    ),
    Regression(
        patch="36-count-read-and-written-back",
        file="test_faults.py::test_two_submissions_at_the_same_time",
        fails=("test_two_submissions_at_the_same_time",),
        says=("(2, {'submissions': 1}) == (2, {'submissions': 2})",),
    ),
    Regression(
        patch="37-unique-key-that-nobody-expects",
        file="test_idempotent.py",
        fails=("test_a_submission_that_is_delivered_twice",),
        says=("FAILED: a delivery failed with IntegrityError", "refusals=[IntegrityError]"),
    ),
    Regression(
        patch="38-looked-before-the-insert",
        file="test_idempotent.py",
        fails=("test_a_submission_that_is_delivered_twice",),
        says=("judge_searchhistory: a row too many", "metadata.submissions is 2 instead of 1"),
    ),
    Regression(
        patch="39-asked-before-the-claim",
        file="test_idempotent.py",
        fails=("test_a_job_that_is_published_twice",),
        says=("outbound 2 (budget ≤ 1)", "a call cannot be taken back: claim the work before it"),
    ),
    Regression(
        patch="40-created-without-a-look",
        file="test_sweep.py::test_a_page",
        fails=("test_a_page",),
        point="extract_problem_info_task:5",
        says=(
            "✗ extract_problem_info_task cache set problem-info:#",
            "FAILED: it failed with django.db.utils.IntegrityError",
        ),
    ),
    Regression(
        patch="41-marked-as-done-before-it-is",
        file="test_sweep.py::test_a_submission",
        fails=("test_a_submission",),
        point="execute_code_task:6",
        says=("✗ execute_code_task query INSERT INTO judge_searchhistory", "judge_searchhistory: a row is missing"),
    ),
    Regression(
        patch="42-error-swallowed",
        file="test_sweep.py::test_hints",
        fails=("test_hints",),
        point="generate_hints_task:4",
        says=("✗ generate_hints_task connect", "hints is [] instead of absent", "judge/services/ai.py"),
    ),
    Regression(
        patch="43-another-key-for-each-request",
        file="test_sweep.py::test_hints",
        fails=("test_hints",),
        point="generate_hints_task:5",
        says=(
            "✗ generate_hints_task query UPDATE judge_searchhistory",
            "the invariant billed_once is broken: assert [2] == [1]",
        ),
    ),
    Regression(
        patch="44-deletion-that-must-find-its-row",
        file="test_idempotent.py::test_a_deletion_that_is_delivered_twice",
        fails=("test_a_deletion_that_is_delivered_twice",),
        says=("FAILED: a delivery failed with DoesNotExist", "judge/tasks.py"),
    ),
    Regression(
        patch="45-put-back-at-the-time-limit",
        file="test_faults.py::test_a_submission_that_hangs",
        fails=("test_a_submission_that_hangs",),
        says=("executions 2 (budget ≤ 1)", "acks_on_failure_or_timeout=False puts back without a bound"),
        since=(5, 7),
    ),
    Regression(
        patch="46-retries-what-takes-too-long",
        file="test_faults.py::test_a_submission_that_takes_too_long",
        fails=("test_a_submission_that_takes_too_long",),
        says=("attempts 2 (budget = 1)",),
    ),
    Regression(
        patch="47-claim-is-kept-after-a-failure",
        file="test_retries.py",
        fails=("test_a_script_that_never_comes",),
        says=("'processing'",),
    ),
    Regression(
        patch="48-retries-within-retries",
        file="test_retries.py",
        fails=("test_an_outage_of_the_ai_service", "test_a_script_after_a_failure"),
        says=("attempts 1 (budget = 3)", "attempts 1 (budget = 2)"),
    ),
    Regression(
        patch="49-statistics-without-ttl",
        file="test_uses.py",
        fails=("test_nothing_is_kept_for_ever",),
        says=("keys without a TTL 1 (budget = 0)", "judge/services/cache.py", "user-stats"),
    ),
    Regression(
        patch="50-cache-is-not-filled",
        file="test_uses.py",
        fails=("test_a_page_is_read_from_the_cache",),
        says=("hit ratio 0 % (budget ≥ 60 %)", "judge/services/cache.py"),
    ),
    Regression(
        patch="51-every-failure-is-logged",
        file="test_uses.py",
        fails=("test_three_failures_are_logged",),
        says=("same text", "judge/services/submissions.py", "log the first few, then how many there were"),
    ),
    Regression(
        patch="52-a-call-for-each-failure",
        file="test_uses.py",
        fails=("test_the_ai_service_is_asked_once",),
        says=("calls 3 (budget = 1)", "judge/services/ai.py"),
    ),
    Regression(
        patch="53-a-connection-for-each-message",
        file="exams/test_costs.py",
        fails=("test_one_connection_for_all_mail",),
        says=("calls 30 (budget = 1)", "exams/services/mail.py"),
    ),
    Regression(
        patch="54-every-upload-is-loaded",
        file="exams/test_costs.py",
        fails=("test_other_uploads_are_not_loaded",),
        says=("memory added", "budget ≤ 32MiB"),
    ),
    Regression(
        patch="68-documents-are-kept-open",
        file="exams/test_costs.py::test_documents_are_not_kept",
        fails=("test_documents_are_not_kept",),
        says=(
            "memory growth per 1,000 executions",
            "(budget ≤ 200MiB)",
            "what outlives an execution of parse_document_task",
        ),
    ),
    Regression(
        patch="55-scores-are-added-up-for-each-mark",
        file="exams/test_costs.py",
        fails=("test_statistics_are_computed_once",),
        says=("Python calls", "budget ≤ 5,000"),
    ),
    Regression(
        patch="56-waits-in-a-busy-loop",
        file="exams/test_costs.py::test_waiting_costs_no_cpu",
        fails=("test_waiting_costs_no_cpu",),
        says=("CPU share of the runtime", "budget ≤ 20 %"),
    ),
    Regression(
        patch="57-one-question-at-a-time",
        file="exams/test_rates.py::test_forty_questions",
        fails=("test_forty_questions",),
        says=("drained in", "budget ≤ 10s", "succeeded within 12s", "budget ≥ 95 %"),
    ),
    Regression(
        patch="58-documents-in-the-queue-of-what-waits",
        file="exams/test_rates.py::test_a_full_queue_of_what_waits",
        fails=("test_a_full_queue_of_what_waits",),
        says=("waited behind", "of extract_topics_task (budget ≤ 0)"),
    ),
    Regression(
        patch="59-questions-are-read-one-by-one",
        file="exams/test_costs.py",
        fails=("test_questions_are_indexed_together",),
        says=("queries per question +1.00 (budget ≤ 0)", "exams/tasks/io.py"),
    ),
    Regression(
        patch="60-seats-are-read-one-by-one",
        file="exams/test_costs.py",
        fails=("test_queries_do_not_grow_with_the_candidates[update_order_copy_task]",),
        says=("queries per candidate +1.00 (budget ≤ 0)", "exams/tasks/cpu.py"),
    ),
    Regression(
        patch="61-children-have-the-priority-of-their-queue",
        file="records/test_routing.py",
        fails=("test_children_are_as_urgent_as_their_parent",),
        says=("priority 7 (budget = 1)", "priority 5 (budget = 1)", "priority 8 (budget = 1)"),
    ),
    Regression(
        patch="62-pattern-that-matches-nothing",
        file="records/test_routing.py::test_each_task_has_its_queue",
        fails=("test_each_task_has_its_queue",),
        says=("queue default (budget = email)",),
    ),
    Regression(
        patch="63-urgency-not-turned-round",
        file="records/test_routing.py",
        fails=(
            "test_each_task_has_its_queue",
            "test_children_are_as_urgent_as_their_parent",
            "test_urgent_tasks_start_first",
        ),
        says=("the lower number is served first", "turn them round"),
    ),
    Regression(
        patch="64-a-limit-of-an-hour",
        file="records/test_reliability.py::test_a_task_that_takes_long",
        fails=("test_a_task_that_takes_long[long_task]",),
        says=("OVERLAPPING", "time limit", "1h"),
    ),
    Regression(
        patch="65-one-query-more",
        file="test_locked.py",
        fails=("test_a_submission",),
        says=(
            "celery_lock judge.tasks.execute_code_task: queries 5, +1 query (budget = 4)",
            "+1  SELECT ? AS a FROM judge_problem WHERE id = ? LIMIT ?  0 → 1  judge/tasks.py",
            "or accept it: pytest --celery-perf-update tests/test_locked.py::test_a_submission",
        ),
    ),
    Regression(
        patch="66-one-call-more",
        file="test_locked.py",
        fails=("test_a_script",),
        says=(
            "celery_lock judge.tasks.generate_script_task: outbound calls 2, +1 outbound call (budget = 1)",
            "+1  outbound localhost  1 → 2  judge/services/ai.py",
        ),
    ),
    Regression(
        patch="67-one-task-more",
        file="test_locked.py",
        fails=("test_a_submission",),
        says=(
            "celery_lock judge.tasks.execute_code_task: published tasks 1, +1 published task (budget = 0)",
            "+1  published judge.tasks.warm_user_stats_cache_task  0 → 1",
            "celery_lock judge.tasks.warm_user_stats_cache_task: executions 1, +1 execution (budget = 0)",
        ),
    ),
)


ONE_BY_ONE = ("test_sweep.py", "exams/test_rates.py")
GOOD = sorted(
    {
        # Sweeps and loads take long: one by one, they do not keep the others waiting.
        regression.file if regression.file.startswith(ONE_BY_ONE) else regression.file.partition("::")[0]
        for regression in REGRESSIONS
    }
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the example project."""
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "db.sqlite3*")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example_project", ignore=ignored))


def test_every_patch_is_expected_to_break_something() -> None:
    """No patch lies about unused, none is missing."""
    assert {regression.patch for regression in REGRESSIONS} == {path.stem for path in PATCHES.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.patch)
def test_a_regression_is_found(regression: Regression, copy: Path) -> None:
    """Exactly the expected tests fail, with the expected words."""
    if celery.VERSION[:2] < regression.since:
        pytest.skip(f"Celery {celery.__version__} has nothing to break there")
    _apply(PATCHES / f"{regression.patch}.patch", copy)

    said, failures = _run(copy, regression.file, regression.point)

    assert sorted(failures) == sorted(regression.fails), said
    told = "\n".join(failures.values())
    assert [words for words in regression.says if words not in told] == [], told


@pytest.mark.slow
@pytest.mark.postgresql
def test_the_missing_claim_is_found_on_postgresql(
    copy: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the two deliveries see each other's transactions otherwise than on SQLite, which writes one at a time."""
    # The test database is called after this one, and dropped by the inner test run.
    monkeypatch.setenv("POSTGRES_DSN", f"{postgres_dsn.rpartition('/')[0]}/claim_{token_hex(4)}")
    _apply(PATCHES / "09-no-claim.patch", copy)

    said, failures = _run(copy, "test_idempotent.py")

    assert [*failures] == ["test_a_job_that_is_published_twice"], said
    assert [words for words in NO_CLAIM if words not in failures["test_a_job_that_is_published_twice"]] == [], said


@pytest.mark.slow
@pytest.mark.postgresql
def test_half_a_submission_is_found_on_postgresql(
    copy: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a killed process leaves its transaction to the server, and keys that it has drawn are gone."""
    monkeypatch.setenv("POSTGRES_DSN", f"{postgres_dsn.rpartition('/')[0]}/half_{token_hex(4)}")
    _apply(PATCHES / "24-half-a-submission.patch", copy)

    said, failures = _run(copy, "test_sweep.py::test_a_submission", HALF)

    assert [*failures] == ["test_a_submission"], said
    assert "metadata.submissions is absent instead of 1" in failures["test_a_submission"]


@pytest.mark.slow
@pytest.mark.parametrize("file", GOOD)
def test_the_example_itself_is_free_of_them(copy: Path, file: str) -> None:
    """Unpatched, every test passes: what fails above fails because of its patch."""
    said, failures = _run(copy, file)

    assert failures == {}, said


def _apply(patch: Path, folder: Path) -> None:
    # Outside of any repository: inside one, git would take the paths as relative to its root, and do nothing.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", "--whitespace=nowarn", str(patch)]
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=30)


def _run(folder: Path, file: str, point: str = "") -> tuple[str, dict[str, str]]:
    """Run a test file of a project; return what pytest printed and the message of each test that failed, by name."""
    junit = folder / "junit.xml"
    outer = re.compile("PYTEST_|COV_|COVERAGE_|DJANGO_SETTINGS_MODULE$")
    environment = {name: value for name, value in os.environ.items() if not outer.match(name)}
    environment |= {"CELERY_PERF_BROKER": "process", "CELERY_PERF_POINT": point}
    command = [sys.executable, "-m", "pytest", *LEAN, f"tests/{file}"]
    command += ["-p", "no:cacheprovider", f"--junitxml={junit}"]
    process = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    said = process.stdout + process.stderr
    assert process.returncode in {0, 1}, said
    cases = ET.parse(junit).getroot().iter("testcase")
    messages = {
        case.get("name", ""): [problem for kind in ("failure", "error") for problem in case.findall(kind)]
        for case in cases
    }
    told = {name: "\n".join(p.text or "" for p in problems) for name, problems in messages.items() if problems}
    return said, {name: POINT.sub(" ", text) for name, text in told.items()}
