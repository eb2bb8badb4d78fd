"""Exceptions on their way to a worker."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from pytest_celery_perf.probe.raising import found, made, packed, unpacked


class RefusedError(Exception):
    """One that holds more than a text."""

    def __init__(self, code: int, *, retry_after: float) -> None:
        super().__init__(code, retry_after)
        self.code = code
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:  # type: ignore[explicit-override]  # from Python 3.12 on
        return _refused, self.args


def _refused(code: int, retry_after: float) -> RefusedError:
    return RefusedError(code, retry_after=retry_after)


class ForgetfulError(Exception):
    """One that cannot be made again of its arguments."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def test_an_exception_keeps_what_it_holds() -> None:
    error = RefusedError(429, retry_after=1.5)
    error.add_note("by the bank")
    again = unpacked(json.loads(json.dumps(packed(error))))

    assert isinstance(again, RefusedError)
    assert (429, 1.5) == (again.code, again.retry_after)


def test_an_exception_of_sqlalchemy_keeps_its_statement() -> None:
    again = unpacked(packed(IntegrityError("INSERT", {"n": 1}, ValueError("twice"))))

    assert isinstance(again, IntegrityError)
    assert ("INSERT", {"n": 1}, "twice") == (again.statement, again.params, str(again.orig))


@pytest.mark.parametrize("error", [ForgetfulError(3, "no"), ValueError(lambda: None)])
def test_what_would_not_come_back_is_refused(error: Exception) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever its class raises
        packed(error)


def test_what_would_come_back_as_something_else_is_refused() -> None:
    class DullError(ValueError):
        def __reduce__(self) -> tuple[object, ...]:  # type: ignore[explicit-override]  # from Python 3.12 on
            return ValueError, ("something else",)

    with pytest.raises(TypeError, match="it would come back as ValueError"):
        packed(DullError("no"))


def test_a_class_of_sqlalchemy_is_made_of_a_text() -> None:
    error = made(found("sqlalchemy.exc:OperationalError"), ("gone",))

    assert isinstance(error, DBAPIError)
    assert (OperationalError, "gone") == (type(error), str(error.orig))


def test_any_other_class_is_made_of_a_text() -> None:
    assert made(found("builtins:KeyError"), ("gone",)).args == ("gone",)
    assert made(found("sqlalchemy.exc:InvalidRequestError"), ("gone",)).args == ("gone",)
