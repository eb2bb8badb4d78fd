"""The tests that the documents print pass as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .inner import Project

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
SETTING = """
import pytest
from library.models import Author
from library.tasks import enter as charge

ORDERS = ["one", "two", "three"]

@pytest.fixture
def order(transactional_db):
    return Author.objects.create(name="Ada")

@pytest.fixture(autouse=True)
def _databases(transactional_db):
    pass

"""
"""What the reader has of his own: a task that is acknowledged late and makes several queries, and its data."""

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="the documents are not beside the tests")


def printed(name: str) -> str:
    (snippet,) = (each for each in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL) if name in each)
    return str(snippet)


@pytest.mark.parametrize("name", ["test_a_frozen_worker", "test_a_partition"])
def test_it_passes_as_printed(library: Project, name: str) -> None:
    library.write("test_printed.py", SETTING + printed(name))
    inner = library.run()
    assert {name} == inner.passed, inner.text
