"""``celery_queries`` passes good tasks, and tells what to change in the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_celery_perf.judge.queries import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Frame, Outcome, QueryUse
from pytest_celery_perf.model.spec import QueriesBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, crashed, execution, failed, fault, history, publication, query, retried, worker

ROOT = Path("/app")


def frame(line: int, function: str = "charge", path: str = "/app/shop/tasks.py") -> Frame:
    return Frame(path=path, line=line, function=function)


AUTHOR = 'SELECT "shop_author"."id", "shop_author"."name" FROM "shop_author" WHERE "shop_author"."id" = %s LIMIT 21'
BOOKS = 'SELECT "shop_book"."id", "shop_book"."title" FROM "shop_book" ORDER BY "shop_book"."id"'
AUTHOR_SHOWN = "SELECT … FROM shop_author WHERE id = ? LIMIT ?"


def authors(count: int, sql: str = AUTHOR, **fields: Any) -> QueryUse:
    """Build a query in a loop: a property of a model, read by the task."""
    stack = (frame(30, "Book.byline", "/app/shop/models.py"), frame(7))
    return query(count, sql=sql, **{"stacks": ((stack, min(count, 8)),), "ms": 0.9, **fields})


def books(**fields: Any) -> QueryUse:
    return query(1, sql=BOOKS, **{"stacks": (((frame(5),), 1),), "ms": 0.4, **fields})


def verdict_on(budget: QueriesBudget, *executions: Execution, **fields: Any) -> Verdict:
    (verdict,) = judge(budget, history(*executions, **fields), ROOT)
    return verdict


def figures(verdict: Verdict) -> list[tuple[str, str, str, bool]]:
    return [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks]


def test_a_good_task_passes_every_check() -> None:
    budget = QueriesBudget(
        max=2, exact=2, using=(("default", 1), ("replica", 1)), verbs=(("SELECT", 2), ("update", 0)), no_n_plus_one=True
    )
    verdict = verdict_on(budget, execution(queries=(books(), books(alias="replica"))))
    assert verdict.status is Status.PASS
    assert (verdict.evidence, verdict.fix) == ((), ())
    assert figures(verdict) == [
        ("queries", "≤ 2", "2", True),
        ("queries", "= 2", "2", True),
        ("queries on default", "≤ 1", "1", True),
        ("queries on replica", "≤ 1", "1", True),
        ("SELECT", "≤ 2", "2", True),
        ("UPDATE", "≤ 0", "0", True),
        ("N+1 statements", "= 0", "0", True),
    ]


def test_too_many_queries_are_shown_with_count_time_text_and_place() -> None:
    verdict = verdict_on(
        QueriesBudget(max=2),
        execution(
            queries=(books(), authors(3), query(2, sql="BEGIN"), query(4, phase="hooks")),
            connects=1,
            connect_ns=7_000_000,
        ),
    )
    assert figures(verdict) == [("queries", "≤ 2", "4", False)]
    assert verdict.evidence == (
        "charge[t1], attempt 1, prefork process 811: 4 queries on default",
        f"  3× 900µs  {AUTHOR_SHOWN}  shop/models.py:30 Book.byline ← shop/tasks.py:7 charge  ← N+1",
        "  1× 400µs  SELECT … FROM shop_book ORDER BY id             shop/tasks.py:5 charge",
        "not counted: 2 transaction control, 1 connect (7ms), 4 in hooks · unattributed 0",
    )
    (fix,) = verdict.fix
    assert fix.startswith(
        f"shop/models.py:30 Book.byline repeats `{AUTHOR_SHOWN}`: load the rows together: select_related(…)"
    )


def test_the_worst_execution_is_shown() -> None:
    verdict = verdict_on(
        QueriesBudget(max=2),
        execution("good", queries=(books(),)),
        execution("bad", queries=(books(), authors(20)), first_in_process=True),
        execution("middling", queries=(books(), authors(3))),
    )
    assert verdict.checks[0].actual == "21"
    assert verdict.evidence[0] == (
        "charge[bad], attempt 1, prefork process 811, first of its process: 21 queries on default"
    )
    assert verdict.evidence[-1] == "judged 3 executions: 1 to 21 queries each"


def test_each_attempt_is_judged_on_its_own() -> None:
    first, second = retried(countdown_s=1, queries=(books(),)), execution(retries=1, queries=(books(), books()))
    assert verdict_on(QueriesBudget(max=1), first, second).evidence[0].startswith("charge[t1], attempt 2,")
    assert verdict_on(QueriesBudget(max=2), first, second).status is Status.PASS


def test_paths_outside_of_the_root_are_whole() -> None:
    (verdict,) = judge(QueriesBudget(max=0), history(execution(queries=(books(),))), Path("/elsewhere"))
    assert "/app/shop/tasks.py:5 charge" in verdict.evidence[1]


def test_exact_fails_in_both_directions_and_says_what_to_write() -> None:
    more = verdict_on(QueriesBudget(exact=1), execution(queries=(books(), authors(1))))
    assert figures(more) == [("queries", "= 1", "2", False)]
    assert more.fix == (
        "each statement is sent once: leave one out, merge some of them, or raise the budget on purpose",
    )
    fewer = verdict_on(QueriesBudget(exact=3), execution(queries=(books(),)))
    assert figures(fewer) == [("queries", "= 3", "1", False)]
    assert fewer.fix == ("fewer queries than expected: if that is the improvement you made, write exact=1",)


def test_exact_leaves_out_attempts_that_stopped_half_way() -> None:
    attempts = retried(countdown_s=1, queries=()), execution(retries=1, queries=(books(),))
    assert verdict_on(QueriesBudget(exact=1), *attempts).status is Status.PASS
    assert verdict_on(QueriesBudget(exact=1), failed(queries=())).status is Status.FAIL, "there is no other"


def test_a_database_that_nobody_has_heard_of_must_be_used() -> None:
    uses = execution(queries=(books(alias="app.db"),))
    misspelt = verdict_on(QueriesBudget(using=(("ap.db", 9),), unheard_of=("ap.db",)), uses)
    assert figures(misspelt) == [
        ("uses of database 'ap.db'", "≥ 1", "0 (seen: app.db)", False),
        ("queries on ap.db", "≤ 9", "0", True),
    ]
    assert misspelt.fix[0].startswith("an engine of SQLAlchemy is known by its logging_name, else by the name of its")
    assert verdict_on(QueriesBudget(using=(("app.db", 9),), unheard_of=("app.db",)), uses).status is Status.PASS


def test_a_budget_of_one_database_marks_its_statements() -> None:
    verdict = verdict_on(
        QueriesBudget(using=(("replica", 0), ("default", 1))), execution(queries=(books(), books(alias="replica")))
    )
    assert figures(verdict)[0] == ("queries on replica", "≤ 0", "1", False)
    assert verdict.evidence[0].endswith(": 1 query on default, 1 on replica")
    assert [line.split("  ")[2].split(":")[0] for line in verdict.evidence if line.endswith("← over budget")] == [
        "replica"
    ]


def test_a_budget_of_one_verb_marks_its_statements() -> None:
    update = query(2, sql="UPDATE shop_book SET pages = %s", stacks=(((frame(8),), 1), ((frame(9),), 1)))
    verdict = verdict_on(QueriesBudget(verbs=(("update", 1),)), execution(queries=(books(), update)))
    assert figures(verdict) == [("UPDATE", "≤ 1", "2", False)]
    assert [line for line in verdict.evidence if "over budget" in line] == [
        "  2×   1ms  UPDATE shop_book SET pages = ?       shop/tasks.py:8 charge  ← over budget"
    ]
    assert verdict.evidence[2].strip() == "shop/tasks.py:9 charge"
    assert verdict.evidence[2].index("shop") == verdict.evidence[1].index("shop/")


def test_an_n_plus_one_fails_whatever_the_number() -> None:
    verdict = verdict_on(QueriesBudget(max=100, no_n_plus_one=True), execution(queries=(books(), authors(20))))
    assert figures(verdict) == [("queries", "≤ 100", "21", True), ("N+1 statements", "= 0", "1 (×20)", False)]
    assert verdict.evidence[1].endswith("← N+1")


def test_the_lines_that_are_wrong_are_its_places_else_those_of_all_statements() -> None:
    queries = (books(), authors(20))
    found = verdict_on(QueriesBudget(no_n_plus_one=True), execution(queries=queries))
    assert [(place.path, place.line) for place in found.places] == [("/app/shop/models.py", 30)]
    once = verdict_on(QueriesBudget(max=0), execution(queries=(books(),)))
    assert [(place.path, place.line) for place in once.places] == [("/app/shop/tasks.py", 5)]
    assert verdict_on(QueriesBudget(max=21), execution(queries=queries)).places == ()


def test_of_many_calls_from_several_places_the_least_is_told() -> None:
    stacks = (((frame(7),), 6), ((frame(9),), 2))
    verdict = verdict_on(QueriesBudget(no_n_plus_one=True), execution(queries=(authors(50, stacks=stacks),)))
    assert "shop/tasks.py:7 charge ×6 or more" in verdict.evidence[1]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT a.b FROM a WHERE a.c_id = %s", "prefetch_related(…)"),
        ("SELECT COUNT(*) AS n FROM a WHERE a.c_id = %s", "annotate(…)"),
        ("SELECT 1 AS a FROM b WHERE b.c = %s LIMIT 1", "annotate(Exists(…))"),
        ("UPDATE a SET b = %s WHERE id = %s", "bulk_update(…, batch_size=…)"),
        ("INSERT INTO a (b) VALUES (%s)", "bulk_create(…, batch_size=…)"),
        ("DELETE FROM a WHERE id IN (%s)", "filter(pk__in=…).delete()"),
        ("REFRESH a", "send it once for all rows"),
    ],
)
def test_the_advice_suits_the_statement(sql: str, words: str) -> None:
    verdict = verdict_on(QueriesBudget(max=1), execution(queries=(authors(3, sql=sql),)))
    assert words in verdict.fix[0]


def test_repeated_writes_are_marked() -> None:
    verdict = verdict_on(QueriesBudget(max=1), execution(queries=(authors(3, sql="UPDATE a SET b = %s"),)))
    assert verdict.evidence[1].endswith("← repeated")


def test_many_statements_are_counted_in_the_end() -> None:
    uses = tuple(query(2, sql=f"SELECT a{number} FROM b") for number in range(20))
    verdict = verdict_on(QueriesBudget(max=1), execution(queries=uses))
    assert "  … and 8 more statements (16 queries)" in verdict.evidence


def test_no_queries_at_all() -> None:
    verdict = verdict_on(QueriesBudget(exact=1), execution())
    assert verdict.evidence == (
        "charge[t1], attempt 1, prefork process 811: no queries",
        "not counted: nothing · unattributed 0",
    )


def test_warmup_leaves_out_the_first_of_each_process() -> None:
    cold = (books(), authors(3))
    runs = [
        execution("1", started=1, pid=1, queries=cold),
        execution("2", started=2, pid=2, queries=cold),
        execution("3", started=3, pid=1, queries=(books(),)),
        execution("4", started=4, pid=1, boot="another", queries=cold),
        execution("5", started=5, pid=2, queries=(books(),)),
    ]
    assert verdict_on(QueriesBudget(max=1, warmup=1), *runs).status is Status.PASS
    assert verdict_on(QueriesBudget(max=1), *runs).status is Status.FAIL


def test_a_task_that_was_only_warmed_up_fails() -> None:
    verdict = verdict_on(QueriesBudget(max=1, warmup=2), execution(queries=(books(),)))
    assert figures(verdict) == [("executions to judge", "≥ 1", "0 of 1", False)]
    assert verdict.evidence == ("left out: 1 warm-up",)
    assert verdict.fix == (
        "run the task more often than warmup=2 in each process (which max_tasks_per_child must allow), or lower warmup",
    )


def test_crashed_and_injected_executions_are_left_out_and_told() -> None:
    runs = (
        crashed("1"),
        execution("2", outcome=Outcome.LOST),
        failed("3", injected=True),
        execution("4", queries=(books(), books())),
    )
    verdict = verdict_on(QueriesBudget(exact=1), *runs, faults=(fault("process-gone", task_id="1"),))
    assert verdict.checks[0].actual == "2"
    assert verdict.evidence[-1] == ("left out: 2 crashed (what it asked is not known), 1 stopped before its body ran")


def test_a_task_that_only_crashed_fails() -> None:
    verdict = verdict_on(QueriesBudget(max=9), crashed(), faults=(fault("process-gone"),))
    assert figures(verdict) == [("executions to judge", "≥ 1", "0 of 1", False)]
    assert verdict.evidence == ("left out: 1 crashed (what it asked is not known)",)


def test_a_task_that_still_runs_has_not_crashed() -> None:
    verdict = verdict_on(QueriesBudget(max=9), crashed())
    assert figures(verdict) == [("executions to judge", "≥ 1", "0 of 1", False)]
    assert verdict.evidence == ("left out: 1 had not ended when the waiting was over",)


def test_a_worker_without_django_counts_nothing_which_is_not_zero() -> None:
    verdict = verdict_on(QueriesBudget(max=9), execution(queries_counted=False))
    assert figures(verdict) == [("executions to judge", "≥ 1", "0 of 1", False)]
    told = "left out: 1 in a worker that uses neither Django nor SQLAlchemy, where nobody counts queries"
    assert verdict.evidence == (told,)
    assert "DJANGO_SETTINGS_MODULE" in verdict.fix[0]


def test_a_task_that_no_worker_ran_fails() -> None:
    verdict = verdict_on(QueriesBudget(max=9), publications=(publication(),), diagnosis="no worker consumes it")
    assert verdict.failed
    assert "no worker consumes it" in verdict.evidence


def test_a_task_that_was_not_published_fails() -> None:
    (verdict,) = judge(QueriesBudget(task="shop.tasks.chrage", max=9), history(execution()))
    assert (verdict.failed, verdict.task) == (True, "shop.tasks.chrage")
    assert NAME in "".join(verdict.fix)
    (nothing,) = judge(QueriesBudget(max=9), History())
    assert nothing.failed


def test_each_task_has_a_verdict_of_its_own() -> None:
    other = "shop.tasks.ship"
    past = history(execution("1", queries=(books(),)), execution("2", name=other))
    assert [verdict.task for verdict in judge(QueriesBudget(max=0), past)] == [NAME, other]
    assert [verdict.status for verdict in judge(QueriesBudget(max=0), past)] == [Status.FAIL, Status.PASS]
    assert [verdict.task for verdict in judge(QueriesBudget(max=0, task=other), past)] == [other]


@pytest.mark.parametrize(
    "budget",
    [
        QueriesBudget(max=9),
        QueriesBudget(exact=1),
        QueriesBudget(using=(("default", 9),)),
        QueriesBudget(verbs=(("SELECT", 9),)),
    ],
)
def test_unattributed_queries_fail_what_counts(budget: QueriesBudget) -> None:
    verdict = verdict_on(budget, execution(queries=(books(),), unattributed_queries=3))
    assert figures(verdict)[-1] == ("unattributed queries", "≤ 0", "3", False)
    assert "unattributed 3" in verdict.evidence[-1]
    assert "run them one at a time" in verdict.fix[0]


def test_unattributed_queries_do_not_fail_a_search_for_n_plus_one() -> None:
    verdict = verdict_on(QueriesBudget(no_n_plus_one=True), execution(queries=(books(),), unattributed_queries=3))
    assert verdict.status is Status.PASS


def test_repeated_reads_from_nobody_knows_where_are_inconclusive() -> None:
    verdict = verdict_on(QueriesBudget(no_n_plus_one=True), execution(queries=(authors(5, stacks=(((), 5),)),)))
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence[0].startswith("no line of your code was seen to send this, 5 times: SELECT shop_author.id")


def test_without_paths_known_the_statements_are_shown_all_the_same() -> None:
    verdict = verdict_on(QueriesBudget(max=1), execution(queries=(authors(2, stacks=()),)))
    assert verdict.evidence[1] == f"  2× 900µs  {AUTHOR_SHOWN}"


def test_the_slowest_query() -> None:
    fast = query(sql="SELECT 1", slowest_ns=200_000_000)
    slow = query(2, sql="SELECT * FROM shop_order WHERE note = %s", ms=400, slowest_ns=300_000_000)
    assert verdict_on(QueriesBudget(slowest_s=0.3), execution(queries=(fast, slow))).status is Status.PASS
    verdict = verdict_on(QueriesBudget(slowest_s=0.25), execution(queries=(fast, slow)))
    assert figures(verdict) == [("slowest query", "≤ 250ms", "300ms", False)]
    (line,) = [line for line in verdict.evidence if "slow:" in line]
    assert line.strip().startswith("2×")
    assert line.endswith("← slow: up to 300ms")
    (fix,) = verdict.fix
    assert fix.startswith("`SELECT * FROM shop_order WHERE note = ?` took 300ms: EXPLAIN it")


def test_connections_that_each_execution_opens() -> None:
    first, second = execution("t1", started=2, connects=1), execution("t2", started=3, connects=1)
    assert verdict_on(QueriesBudget(connects=1), first, second).status is Status.PASS
    assert verdict_on(QueriesBudget(connects=0, warmup=1), first, execution("t2", started=3)).status is Status.PASS
    verdict = verdict_on(QueriesBudget(connects=0, warmup=1), first, second)
    assert figures(verdict) == [("connects", "≤ 0", "1", False)]
    (fix,) = verdict.fix
    assert fix.startswith(
        "let connections last: Celery closes Django's around each task unless its CELERY_DB_REUSE_MAX"
    )


@pytest.mark.parametrize(
    ("budget", "fields"),
    [
        (QueriesBudget(connects=0), {"connects": 1}),
        (QueriesBudget(slowest_s=0.0001), {}),
        (QueriesBudget(using=(("default", 99),)), {"unattributed_queries": 1}),
    ],
)
def test_what_repeats_is_not_blamed_for_anything_else(budget: QueriesBudget, fields: dict[str, Any]) -> None:
    verdict = verdict_on(budget, execution(queries=(books(), authors(20)), **fields))
    assert verdict.status is Status.FAIL
    assert len(verdict.fix) == 1
    assert "repeats" not in verdict.fix[0]
    assert not any(line.endswith("← N+1") for line in verdict.evidence)


def test_a_warm_up_is_recommended_only_where_there_is_none() -> None:
    runs = [execution(f"t{n}", started=2 + n, connects=1) for n in range(3)]
    for warmup, told in ((0, True), (1, False)):
        (fix,) = verdict_on(QueriesBudget(connects=0, warmup=warmup), *runs).fix
        assert told is ("warmup=1" in fix)


def on_threads(*connects: int, apart: float = 0) -> list[Execution]:
    """Executions in one process, with how many connections each opens; 10 ms long, and all at once if not apart."""
    return [
        execution(f"t{n}", pool="threads", received=1 + n * apart, started=2 + n * apart, connects=number)
        for n, number in enumerate(connects)
    ]


def four_slots(*executions: Execution, **fields: Any) -> Verdict:
    return verdict_on(QueriesBudget(connects=0, warmup=1), *executions, workers=(worker(concurrency=4),), **fields)


def test_connections_that_threads_keep() -> None:
    assert four_slots(*on_threads(1, 0, 1, 1, 0, 1, 0)).status is Status.PASS
    verdict = verdict_on(QueriesBudget(connects=0), *on_threads(1, 0, 1))
    assert verdict.status is Status.FAIL, "nobody has asked for a warm-up"


def test_connections_that_threads_do_not_keep() -> None:
    verdict = four_slots(*on_threads(1, 1, 1, 1, 1, 1))
    assert figures(verdict) == [("connects", "≤ 0", "1", False)]
    assert verdict.evidence[-1] == (
        "left out: 1 warm-up, 3 of connects alone (what they opened, their process may keep for all that it runs at "
        "once)"
    )


def test_one_at_a_time_needs_one_connection() -> None:
    assert four_slots(*on_threads(1, 0, 0, apart=20)).status is Status.PASS
    assert four_slots(*on_threads(1, 1, 0, apart=20)).status is Status.FAIL


def test_each_database_has_connections_of_its_own() -> None:
    runs = [
        execution(f"t{n}", pool="threads", started=2, queries=(books(), books(alias="replica")), connects=number)
        for n, number in enumerate((2, 2, 0))
    ]
    assert four_slots(*runs).status is Status.PASS


def test_connections_of_which_nobody_knows_whether_they_are_kept() -> None:
    verdict = four_slots(*on_threads(1, 1, 1, 1))
    assert (verdict.status, verdict.checks) == (Status.INCONCLUSIVE, ())
    assert "run the task more often, or on prefork" in verdict.evidence[-1]
