from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"


@pytest.fixture
def marked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("CELERY_PERF_TEST_POSTGRES", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("CELERY_PERF_REQUIRE", "")
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini("[pytest]\nmarkers =\n    docker\n    postgresql\n    gevent\n")
    pytester.makepyfile("import pytest\n@pytest.mark.postgresql\ndef test_database(): pass\ndef test_other(): pass\n")
    return pytester


def test_what_the_machine_lacks_is_skipped_with_a_reason(marked: pytest.Pytester) -> None:
    result = marked.runpytest_subprocess("-rs", "-p", "no:celery_perf")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*PostgreSQL does not answer at postgresql://nobody@*"])


def test_what_is_required_fails(marked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_PERF_REQUIRE", "docker,postgresql")

    result = marked.runpytest_subprocess("-p", "no:celery_perf")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["CELERY_PERF_REQUIRE=docker,postgresql: PostgreSQL does not answer*"])
