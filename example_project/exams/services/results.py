"""The results of all exams: a materialised view on PostgreSQL, on SQLite a table that is filled like one."""

from __future__ import annotations

from django.db import connection, transaction

QUERY = """
SELECT exam_id, count(*) AS attempts, max(score) AS best, avg(score) AS mean
FROM exams_attempt WHERE status = 'submitted' GROUP BY exam_id
"""


def creation(vendor: str) -> tuple[str, ...]:
    """Return the statements that make it.

    Args:
        vendor: Of the database.
    """
    if vendor == "postgresql":
        # Refreshed concurrently, it can be read meanwhile; that needs a unique index.
        return (
            f"CREATE MATERIALIZED VIEW exams_result AS {QUERY}",
            "CREATE UNIQUE INDEX exams_result_exam ON exams_result (exam_id)",
        )
    return ("CREATE TABLE exams_result (exam_id bigint PRIMARY KEY, attempts integer, best real, mean real)",)


def removal(vendor: str) -> str:
    """Return the statement that takes it away.

    Args:
        vendor: Of the database.
    """
    return f"DROP {'MATERIALIZED VIEW' if vendor == 'postgresql' else 'TABLE'} exams_result"


def refresh() -> None:
    """Compute it again; whoever reads sees the old rows or the new ones."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY exams_result")
            return
        with transaction.atomic():
            cursor.execute("DELETE FROM exams_result")
            cursor.execute(f"INSERT INTO exams_result {QUERY}")
