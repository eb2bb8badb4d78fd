"""Makes the exceptions that a task is to raise: in a worker, and where one is given, to see whether it can be made."""

from __future__ import annotations

import base64
import builtins
import importlib
import pickle
import sys
from typing import Any


def packed(error: BaseException) -> str:
    """Return an exception, with all that it holds, as a text for a message's header.

    Raises:
        Exception: It cannot be pickled, or not be made again of that; whatever its class raises then.
    """
    text = base64.b64encode(pickle.dumps(error)).decode()
    again = unpacked(text)
    if type(again) is not type(error) or str(again) != str(error):
        raise TypeError(f"it would come back as {again!r}")
    return text


def unpacked(text: str) -> BaseException:
    """Return the exception that `packed` has made a text of."""
    error: BaseException = pickle.loads(base64.b64decode(text))  # noqa: S301 - the test's process has made it
    return error


def made(kind: Any, args: tuple[Any, ...]) -> BaseException:
    """Return an exception of a class, with the text that is to tell whose doing it was.

    Args:
        kind: The class.
        args: The text, if any.

    Source:
        ``sqlalchemy.exc.DBAPIError``: SQLAlchemy's exceptions are made of a statement, its parameters and the driver's
        exception.
    """
    library: Any = sys.modules.get("sqlalchemy.exc")
    if library is not None and issubclass(kind, library.DBAPIError):
        wrapped: BaseException = kind(None, None, Exception(*args))
        return wrapped
    error: BaseException = kind(*args)
    return error


def found(place: str) -> Any:
    """Return an exception's class.

    Args:
        place: Its module and qualified name, joined by a colon.
    """
    module, _, name = place.partition(":")
    kind: Any = builtins if module == "builtins" else importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    return kind
