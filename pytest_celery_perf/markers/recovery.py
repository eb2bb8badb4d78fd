"""``celery_recovery``: what is killed, by which signal, and when."""

from __future__ import annotations

from signal import SIGKILL, Signals
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import natural, one_of, signal_number, span_s, task_name, task_point
from pytest_celery_perf.model.spec import RecoveryBudget

_ENDS_NOTHING = {
    **dict.fromkeys(("SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"), 'it only stops it, as celery_fault(kind="freeze")'),
    **dict.fromkeys(("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"), "nothing comes of it"),
    **dict.fromkeys(("SIGPIPE", "SIGXFSZ"), "Python ignores it"),
    "SIGUSR1": "a worker prints its stacks, and a child takes it for the task's soft time limit",
}
_ENDS_NO_WORKER = {"SIGHUP": "it starts itself anew in the same process"}
"""What becomes of a Celery process instead, by signal.

Source:
    signal(7); ``_PySignal_Init`` in CPython; ``install_cry_handler`` and ``install_worker_restart_handler`` in
    celery/apps/worker.py; ``SIG_SOFT_TIMEOUT`` in billiard/common.py.
"""


def celery_recovery(
    *,
    task: Any = None,
    kill: str = "worker",
    signal: str | int = "SIGKILL",
    at: str = "started",
    times: int = 1,
    max_executions: int = 2,
    within: str | float | None = None,
) -> RecoveryBudget:
    """Kill the child, the worker or the broker at a point of the task; nothing may be lost."""
    one_of(kill, "kill", "child", "worker", "broker")
    task_point(at, "at")
    if at == "received" and kill == "child":
        raise ConfigurationError(
            'at="received" with kill="child": no child process holds the task yet; use at="started", or kill="worker"'
        )
    return RecoveryBudget(
        task=task_name(task),
        kill=kill,
        signal=_signal(signal, kill),
        at=at,
        times=natural(times, "times", 1),
        max_executions=natural(max_executions, "max_executions", 1),
        within_s=None if within is None else span_s(within, "within"),
    )


def _signal(value: str | int, kill: str) -> int:
    """Check that it is one of which the victim may end; whether it does is judged when it was sent."""
    number = signal_number(value, "signal")
    if kill == "broker" and number != SIGKILL:
        raise ConfigurationError(f'signal={value!r} with kill="broker": that is killed by SIGKILL, and by nothing else')
    name = Signals(number).name
    if instead := _ENDS_NOTHING.get(name) or (_ENDS_NO_WORKER.get(name) if kill == "worker" else None):
        raise ConfigurationError(
            f"signal={value!r} does not end a {kill}: {instead}; valid are those that end one, such as SIGKILL, "
            f"{'SIGTERM, SIGSEGV' if kill == 'child' else 'SIGTERM (warm shutdown), SIGQUIT (cold shutdown)'}"
        )
    return number
