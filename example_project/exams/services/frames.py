"""Reads tables of candidates with data frames.

Imported by the one task that needs it, when it needs it: pandas takes 60 MB of a process, and the workers that only
wait shall not pay for it.
"""

from __future__ import annotations

from io import BytesIO

import pandas as pd

from exams.models import Candidate

COLUMNS = ("roll", "name", "email")


def candidates(content: bytes) -> list[Candidate]:
    """Read candidates from a table in CSV: each once, by roll number, the last line of several.

    Args:
        content: The table, with a column for each of `COLUMNS`; others are left alone.

    Returns:
        Candidates that are not saved.

    Raises:
        ValueError: A column is missing.
    """
    frame = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    if missing := [column for column in COLUMNS if column not in frame]:
        raise ValueError(f"the table has no column {', '.join(missing)}")
    frame = frame[[*COLUMNS]].apply(lambda column: column.str.strip())
    frame["roll"] = frame["roll"].str.upper()
    frame["email"] = frame["email"].str.lower()
    frame = frame[frame["email"].str.contains("@") & (frame["roll"] != "")].drop_duplicates("roll", keep="last")
    return [Candidate(**row) for row in frame.to_dict("records")]
