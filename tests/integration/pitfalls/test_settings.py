from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from tests.integration.pitfalls.session import Session


def test_settings_of_the_tests(shop: Session) -> None:
    """Pitfall 21: eager tasks, ``memory://``, a dummy cache, strict flags, warnings as errors: real workers ran."""
    assert shop.passed("test_settings_are_replaced_and_restored").succeeded == 1
    shown = " ".join(shop.output.split())
    assert "overridden: task_always_eager (was True), broker_url (was memory://)" in shown


def test_settings_are_given_back(shop: Session) -> None:
    """Pitfall 21: the next test, which is not ours, finds them as they were."""
    assert "test_settings_are_restored" not in shop.failures


@pytest.mark.skipif(not find_spec("pytest_cov"), reason="needs pytest-cov: pip install pytest-cov")
def test_xdist_and_coverage(shop_in_parallel: Session) -> None:
    """Pitfall 21: ``--numprocesses=2 --dist=loadscope --cov``."""
    assert shop_in_parallel.failures == {}
    assert shop_in_parallel.passed("test_call").succeeded == 1
    assert shop_in_parallel.passed("test_elsewhere").succeeded == 1
    covered = json.loads((shop_in_parallel.folder / "coverage.json").read_text())["files"]
    assert "shop/tasks.py" in covered
