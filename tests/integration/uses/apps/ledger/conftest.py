from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def accounts() -> Iterator[None]:
    """Five accounts with two entries each."""
    from models import Account, Base, Entry, Session, archive, engine

    for each in (engine, archive):
        Base.metadata.drop_all(each)
        Base.metadata.create_all(each)
    with Session.begin() as session:
        for number in range(1, 6):
            amounts = [Entry(amount=n) for n in range(2)]
            session.add(Account(id=number, owner=f"owner {number}", entries=amounts))
    yield
    for each in (engine, archive):
        each.dispose()
