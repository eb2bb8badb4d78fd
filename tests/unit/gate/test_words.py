from __future__ import annotations

import pytest

from pytest_celery_perf.gate.words import repeated, switched_off

KEPT = [
    "-k pay -m slow -o key=value -W error -c setup.cfg -p no:randomly -rA",
    "-vv -s -q -l -ra -vvk pay",
    "--timeout 30 --timeout=30 --ds config.settings --ignore tests/slow --import-mode=importlib",
    "--celery-perf-app=shop:app --celery-perf-broker process --celery-perf-workers=a:-c2 --celery-perf-timeout 9s",
    "-S -Efoo --junitprefix=x",
]
LEFT_OUT = [
    "-x",
    "--exitfirst --maxfail=1 --maxfail 1",
    "-n2",
    "-n 2",
    "-nauto",
    "--numprocesses=2 --numprocesses auto --maxprocesses 4 --dist loadfile --dist=each --tx 2*popen --looponfail -f -d",
    "--cov",
    "--cov=shop --cov shop --cov-report term --cov-report=xml:out.xml --cov-fail-under 90 --no-cov --cov-append",
    "--junitxml=out.xml --junit-xml out.xml --basetemp /tmp/x --log-file=out.log",
    "--lf --last-failed --ff --nf --sw --stepwise --sw-skip --cache-clear --lfnf none",
    "--pdb --trace --pdbcls=IPython.terminal.debugger:Pdb",
    "--celery-perf-base=main --celery-perf-base main --celery-perf-base-env=.venv --celery-perf-base-config a=b",
    "--celery-perf-json=out.json --celery-perf-json out.json --celery-perf-logs=logs --celery-perf-budget-time 5min",
    "-p celery_perf -p pytest_celery_perf.plugin -ppytest_celery_perf.plugin",
]


@pytest.mark.parametrize("line", KEPT)
def test_what_shapes_the_tests_is_repeated(line: str) -> None:
    assert line.split() == list(repeated(line.split(), ()))


@pytest.mark.parametrize("line", LEFT_OUT)
def test_what_is_the_users_own_business_is_not(line: str) -> None:
    assert [] == list(repeated(line.split(), ()))
    assert ["-v", "-k", "pay"] == list(repeated(["-v", *line.split(), "-k", "pay"], ()))


@pytest.mark.parametrize(
    ("line", "left"),
    [("-xvs", "-vs"), ("-vxn4", "-v"), ("-qxn 4", "-q"), ("-xk pay", "-k pay"), ("-vpcelery_perf", "-v")],
)
def test_letters_that_share_a_word(line: str, left: str) -> None:
    assert left.split() == list(repeated(line.split(), ()))


def test_paths_are_no_values() -> None:
    words = ["--lf", "tests/a.py", "--cov", "tests/b.py", "-v", "--", "tests/c.py"]
    assert ["-v"] == list(repeated(words, {1, 3, 6}))


def test_settings_of_the_gate_are_as_by_default() -> None:
    off = switched_off()
    assert off["CELERY_PERF_BASE"] == off["CELERY_PERF_BASE_ENV"] == off["CELERY_PERF_JSON"] == ""
    assert not off.keys() & {"CELERY_PERF_APP", "CELERY_PERF_WORKERS", "CELERY_PERF_BROKER", "CELERY_PERF_POINT"}
