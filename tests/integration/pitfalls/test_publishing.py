from __future__ import annotations

from tests.integration.pitfalls.session import Session


def test_publishing_may_return_nothing(shop: Session) -> None:
    """Pitfall 2: a base class that publishes on commit returns None; the message's header tells the tasks."""
    assert shop.passed("test_committed").succeeded == 2
    assert shop.passed("test_run_of_what_returns_none").succeeded == 3


def test_a_duplicate_is_not_waited_for(shop: Session) -> None:
    """Pitfall 2: celery-once answers ``EagerResult(None, None, "REJECTED")`` and publishes nothing."""
    assert shop.passed("test_deduplicated").tasks == 1
    assert "Nothing was published." in shop.failed("test_nothing_but_duplicates")


def test_a_retry_may_be_taken_for_a_duplicate(shop: Session) -> None:
    """Pitfall 2: so may a retry, which then never comes; it is not waited for, and the message says why."""
    message = shop.failed("test_retry_taken_for_a_duplicate")
    assert "retry requested in 60s, but it was never published" in message
    assert "did not finish within" not in message


def test_a_transaction_that_never_commits(shop: Session) -> None:
    """Pitfall 3: inside of it nothing is ever sent."""
    message = shop.failed("test_never_committed")
    assert "1 function waits for transaction.on_commit in a transaction that never commits" in message


def test_a_transaction_that_is_rolled_back(shop: Session) -> None:
    """Pitfall 3: its functions are forgotten."""
    message = shop.failed("test_rolled_back")
    assert "1 function was given to transaction.on_commit in a transaction that was rolled back" in message
    assert "never commits" not in message


def test_a_test_in_a_transaction_is_refused(refused: Session) -> None:
    """Pitfall 3: pytest-django's ``db`` is such a transaction; the plugin says what to write instead."""
    assert "Write @pytest.mark.django_db(transaction=True)" in refused.output
    assert refused.runs == {}


def test_no_result_backend(bare: Session) -> None:
    """Pitfall 4: no result backend at all, or ``ignore_result``: completion is known from the records."""
    assert bare.passed("test_no_backend").succeeded == 2
    assert bare.passed("test_no_backend_run").succeeded == 5


def test_a_replaced_task_class(shop: Session) -> None:
    """Pitfall 22: ``app.task_cls`` may be replaced, here by one with ``trail=False`` based on Django's own."""
    assert shop.passed("test_on_commit").succeeded == 1


def test_headers_of_the_app_are_kept(shop: Session) -> None:
    """Pitfall 23: the task asserts that it sees them, given to ``apply_async`` or by a signal, retried too."""
    run = shop.passed("test_headers")
    assert (run.succeeded, run.attempts) == (1, 2)
