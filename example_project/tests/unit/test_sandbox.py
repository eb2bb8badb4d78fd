"""The sandbox runs what it should and holds back what it must."""

from __future__ import annotations

import os

import pytest

from fakes.ai_server import AIServer
from judge.services import sandbox
from judge.services.sandbox import CaseResult, Limits

ONE_SECOND = Limits(seconds=1)
"""Of CPU time: it does not pass while others have the cores."""


def run_one(code: str, text: str = "", limits: Limits | None = None) -> CaseResult:
    """Run a program once."""
    [result] = sandbox.run(code, [text], limits=limits)
    return result


def test_every_input_gets_its_output() -> None:
    """The order of the results is the order of the inputs."""
    results = sandbox.run("print(input() * 2)", ["a", "b", "c"])

    assert results == [CaseResult(output=f"{text}{text}\n") for text in "abc"]


def test_cases_do_not_see_each_other() -> None:
    """What one case leaves in a module is not there in the next."""
    code = "import math; print(hasattr(math, 'trace')); math.trace = True"

    assert [result.output for result in sandbox.run(code, ["", ""])] == ["False\n", "False\n"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("while True: pass", "time limit exceeded"),
        ("while True: print('x' * 1000)", "output limit exceeded"),
        ("x = bytearray(1 << 30)", "MemoryError"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(code: str, error: str) -> None:
    """An exception, an exit status, a signal, a limit."""
    assert error in run_one(code, limits=ONE_SECOND).error


def test_who_waits_is_ended_by_the_clock() -> None:
    """It takes no CPU time."""
    assert run_one("import time; time.sleep(60)", limits=Limits(wall_seconds=0.5)).error == "time limit exceeded"


def test_one_bad_case_leaves_the_others_alone() -> None:
    """A limit ends the case that broke it and nothing else."""
    code = "n = int(input())\nwhile n == 1: pass\nprint(n)"

    results = sandbox.run(code, ["0", "1", "2"], limits=ONE_SECOND)

    assert [result.error for result in results] == ["", "time limit exceeded", ""]


def test_the_network_is_out_of_reach(ai: AIServer) -> None:
    """Not even a server of this machine answers."""
    code = f"import urllib.request; urllib.request.urlopen('{ai.url}/calls')"

    assert run_one(code).error
    assert ai.calls == {}


def test_no_file_can_be_written() -> None:
    """Neither content nor traces stay."""
    assert run_one("open('x', 'w').write('y' * 10_000)").error


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of the worker do not get in."""
    monkeypatch.setenv("SECRET_KEY", "hidden")

    assert "hidden" not in run_one("import os; print(dict(os.environ))").output


def test_what_a_case_started_ends_with_it() -> None:
    """A fork (where one is possible at all) does not outlive its case."""
    leaving = "if os.fork() == 0:\n    os.closerange(1, 3)\n    time.sleep(60)"
    code = f"import os, time\nprint(os.getpid(), flush=True)\n{leaving}"

    result = run_one(code)

    with pytest.raises(ProcessLookupError):
        os.killpg(int(result.output.split()[0]), 0)


def test_other_languages_are_refused() -> None:
    """The message names those that are there."""
    with pytest.raises(sandbox.UnsupportedLanguageError, match="'cobol': the sandbox runs python"):
        sandbox.run("", [""], language="cobol")


def test_the_fallback_refuses_sockets() -> None:
    """Where the kernel grants no namespace, an audit hook stands in for it."""
    from judge.services import sandbox_runner

    with pytest.raises(PermissionError, match=r"socket\.__new__: the sandbox has no network"):
        sandbox_runner.refuse_network("socket.__new__", ())
    sandbox_runner.refuse_network("open", ())
