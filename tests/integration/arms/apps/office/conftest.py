from __future__ import annotations

from pathlib import Path

import pytest


def _note(word: str) -> None:
    with Path("notes").open("a") as notes:
        notes.write(f"{word}\n")


@pytest.fixture
def note():
    return _note


def _fixture(scope: str):
    @pytest.fixture(scope=scope, name=f"of_{scope}")
    def of_scope():
        _note(f"{scope} up")
        yield
        _note(f"{scope} down")

    return of_scope


of_session, of_module, of_class, of_function = map(_fixture, ("session", "module", "class", "function"))
