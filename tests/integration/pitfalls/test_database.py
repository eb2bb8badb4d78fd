from __future__ import annotations

from tests.integration.pitfalls.session import Session


def test_migrations_run_once(shop: Session) -> None:
    """Pitfall 24: once for each database, however many workers there are."""
    assert sorted((shop.folder / "migrations").read_text().split()) == ["archive", "default"]


def test_migrations_do_not_wait_for_the_disk(shop: Session) -> None:
    """Pitfall 24: the file which the workers can see must not cost what memory would not."""
    assert "test_database_does_not_wait_for_the_disk" not in shop.failures
