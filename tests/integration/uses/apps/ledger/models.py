"""Accounts and their entries, in a database that the environment names."""

from __future__ import annotations

import os

from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

URL = os.environ.get("LEDGER_URL", "sqlite:///ledger.sqlite3")

engine = create_engine(URL)
archive = create_engine("sqlite:///archive.sqlite3", logging_name="archive")
Session = sessionmaker(engine)


class Base(DeclarativeBase):
    """What all tables have."""


class Account(Base):
    """Somebody's."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    entries: Mapped[list[Entry]] = relationship(back_populates="account", order_by="Entry.id")


class Entry(Base):
    """Some money."""

    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    account: Mapped[Account] = relationship(back_populates="entries")
