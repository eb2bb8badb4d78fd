"""A Celery app without Django, whose tasks ask databases by SQLAlchemy, well and badly."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from celery import Celery
from celery.signals import worker_process_init
from models import URL, Account, Entry, Session, archive, engine
from sqlalchemy import exc, insert, select, text, update
from sqlalchemy.orm import selectinload

app = Celery("ledger", broker="redis://app.invalid:1/0")
app.conf.task_ignore_result = True


@worker_process_init.connect
def forget_connections(**_: object) -> None:
    """Leave the parent's connections to it."""
    for each in (engine, archive):
        each.dispose(close=False)


@app.task
def one_by_one() -> list[int]:
    """Ask for the entries of each account."""
    with Session() as session:
        return [len(account.entries) for account in session.scalars(select(Account).order_by(Account.id))]


@app.task
def together() -> list[int]:
    """Ask for all entries at once."""
    with Session() as session:
        accounts = session.scalars(select(Account).options(selectinload(Account.entries)))
        return [len(account.entries) for account in accounts]


@app.task
def book(amount: int) -> None:
    """Write rows one at a time, many at a time and by a bulk statement; nested in savepoints."""
    with Session.begin() as session:
        session.execute(update(Account).values(owner="nobody").where(Account.id < 0))
        with session.begin_nested():
            session.add(Entry(amount=amount, account_id=1))
        session.execute(insert(Entry), [{"amount": n, "account_id": 1} for n in range(50)])


@app.task
def look_up_both() -> None:
    """Ask both databases, the archive twice."""
    with engine.connect() as connection, archive.connect() as old:
        connection.execute(select(Account.id).limit(1)).all()
        old.execute(text("SELECT 1")).all()
        old.exec_driver_sql("SELECT 2").all()


@app.task
def be_refused() -> None:
    """Ask for what is not there, twice."""
    for _ in range(2):
        with suppress(exc.DBAPIError), engine.connect() as connection:
            connection.execute(text("SELECT missing FROM nowhere"))


@app.task
def reconnect() -> None:
    """Open three connections."""
    for _ in range(3):
        engine.dispose()
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))


@app.task
def in_threads() -> None:
    """Ask four times, from threads."""
    with ThreadPoolExecutor(2) as crew:
        list(crew.map(_count, range(4)))


def _count(_: int) -> None:
    with engine.connect() as connection:
        connection.execute(select(Account.id)).all()


@app.task
def asynchronously() -> None:
    """Ask for each account from a coroutine."""
    asyncio.run(_asynchronously())


async def _asynchronously() -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    scheme = "sqlite+aiosqlite" if URL.startswith("sqlite") else "postgresql+psycopg"
    engine = create_async_engine(f"{scheme}:{URL.partition(':')[2]}")
    async with async_sessionmaker(engine)() as session:
        for number in (await session.scalars(select(Account.id))).all():
            await session.get(Account, number)
    await engine.dispose()


@app.task
def slowly() -> None:
    """Ask once what takes more than 100 ms, and once what does not."""
    with archive.connect() as connection:
        connection.execute(text("SELECT 1"))
        counting = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT max(i) FROM n"
        )
        connection.execute(text(counting), {"most": 3_000_000}).all()


@app.task(acks_late=True, reject_on_worker_lost=True)
def insist() -> None:
    """Ask three times, and again after a crash."""
    with engine.connect() as connection:
        for _ in range(3):
            connection.execute(select(Account.id)).all()


@app.task(acks_late=True, reject_on_worker_lost=True)
def deposit(amount: int) -> None:
    """Write a row, unless it is there."""
    with Session.begin() as session:
        if not session.scalars(select(Entry.id).where(Entry.amount == amount)).all():
            session.add(Entry(amount=amount, account_id=1))


@app.task(acks_late=True, autoretry_for=(exc.OperationalError,), default_retry_delay=1)
def deposit_stubbornly(amount: int) -> None:
    """Write a row, and again where the database is gone for a moment."""
    deposit.run(amount)
