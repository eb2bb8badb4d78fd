"""Workers are what a test asks for, kept for the next that asks for the same."""

from __future__ import annotations

from tests.integration.worlds.town import Town


def test_reuse_and_replacement(town: Town) -> None:
    logs = town.folder / "logs"
    visit = town.visit("topologies", f"--celery-perf-logs={logs}")
    visit.all_passed(10)
    kept = {log.name.rpartition("-")[0] for log in logs.iterdir()}
    assert kept >= {"fast", "slow", "worker"}


def test_celerys_own_words_for_wrong_options(town: Town) -> None:
    visit = town.visit("topologies", "--celery-perf-workers=town: -P fibers")
    assert visit.inner.status != 0
    assert "Invalid value for '-P' / '--pool': 'fibers' is not one of" in visit.inner.text
