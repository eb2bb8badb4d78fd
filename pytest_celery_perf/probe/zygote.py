"""The preloaded process: it has imported the app once, and each warm worker is forked from it.

It talks over a ``SOCK_SEQPACKET`` socket, one JSON object a message:

* to its client, once: ``{"sound": true}`` or ``{"unsound": reason}``, after which it ends;
* from its client: ``{"launch": {"options": […], "environment": {…}, "log": path}}``,
  answered by ``{"launched": pid}``, and ``{"reap": pid}``, answered by ``{"reaped": pid}``;
* to its client, at any time: ``{"exited": pid, "status": n}``. The dead worker stays a zombie until
  it is reaped on request, so that its process id means nobody else as long as the client may signal it.

When the client's end closes, it kills its workers and ends.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pytest_celery_perf.probe import install_from_environment
from pytest_celery_perf.probe.launch import pose_as_celery, work
from pytest_celery_perf.probe.preload import preload, why_unsound
from pytest_celery_perf.probe.processes import die_with, die_with_launcher

MESSAGE_BYTES = 1 << 20
"""No message is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a forked process shall become."""

    options: tuple[str, ...]
    """Of ``celery worker``."""
    environment: dict[str, str | None]
    """What differs from the environment in which the app was imported; None: is missing."""
    log: str


def run(argv: Sequence[str]) -> int:
    """Preload an app, then serve until the client is gone, or become a worker in a forked process.

    Args:
        argv: ``zygote``, the descriptor of the control socket, the app.

    Returns:
        The exit status.
    """
    _, descriptor, name = argv
    die_with_launcher()
    control = socket.socket(fileno=int(descriptor))
    pose_as_celery(name, ())
    try:
        app = preload(name)
    except Exception as error:
        traceback.print_exc()
        return _refuse(control, f"importing {name} failed: {_last_line(error)}")
    reason = why_unsound(app, control.fileno())
    if reason is not None:
        return _refuse(control, reason)
    server = Server(control)
    control.send(json.dumps({"sound": True}).encode())
    job = server.serve()
    if job is None:
        os._exit(0)  # its client waits, and taking apart what was imported takes longer than a worker's boot
    return become(app, name, job)


def _refuse(control: socket.socket, reason: str) -> int:
    control.send(json.dumps({"unsound": reason}).encode())
    return 1


def _last_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().rpartition("\n")[2]


class Server:
    """Forks workers for its client and tells it how they end.

    Args:
        control: The socket to the client.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._wakeup, self._woken = socket.socketpair()
        self._wakeup.setblocking(False)
        self._woken.setblocking(False)
        self._running: set[int] = set()
        self._zombies: set[int] = set()
        self._old_handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)

    def serve(self) -> Job | None:
        """Serve until the client is gone.

        Returns:
            None then; in a forked process at once, what it shall become.
        """
        actions: dict[socket.socket, Callable[[], Job | None]] = {
            self._control: self._obey,
            self._woken: self._report_exits,
        }
        with selectors.DefaultSelector() as selector:
            for source in actions:
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    try:
                        job = actions[key.fileobj]()  # type: ignore[index]
                    except (EOFError, ConnectionError):
                        self._kill_all()
                        return None
                    if job is not None:
                        return job

    def _obey(self) -> Job | None:
        message = self._control.recv(MESSAGE_BYTES)
        if not message:
            raise EOFError
        request = json.loads(message)
        if "launch" in request:
            return self._fork(Job(**request["launch"]))
        pid = request["reap"]
        if pid in self._zombies:
            self._zombies.remove(pid)
            os.waitpid(pid, 0)
        self._tell(reaped=pid)
        return None

    def _fork(self, job: Job) -> Job | None:
        parent = os.getpid()
        led, leads = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._leave(parent)
            os.close(led)
            os.close(leads)
            return job
        os.close(leads)
        os.read(led, 1)  # nothing, once it leads its session: whoever signals its group before that reaches nobody
        os.close(led)
        self._running.add(pid)
        self._tell(launched=pid)
        return None

    def _leave(self, parent: int) -> None:
        """Rid a forked process of all that is the server's."""
        os.setsid()
        die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, self._old_handler)
        for end in (self._control, self._wakeup, self._woken):
            end.close()

    def _report_exits(self) -> None:
        while True:
            try:
                if not self._woken.recv(4096):
                    break
            except BlockingIOError:
                break
        for pid in sorted(self._running):
            exited = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if exited is not None:
                self._running.remove(pid)
                self._zombies.add(pid)
                status = exited.si_status if exited.si_code == os.CLD_EXITED else -exited.si_status
                self._tell(exited=pid, status=status)

    def _tell(self, **message: int) -> None:
        self._control.send(json.dumps(message).encode())

    def _kill_all(self) -> None:
        for pid in self._running | self._zombies:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.waitpid(pid, 0)


def become(app: Any, name: str, job: Job) -> int:
    """Turn a forked process into a worker.

    Returns:
        The worker's exit status.
    """
    log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    for variable, value in job.environment.items():
        os.environ.pop(variable, None)
        if value is not None:
            os.environ[variable] = value
    pose_as_celery(name, job.options)
    forget_parent(app)
    install_from_environment()
    return work(app, job.options)


def forget_parent(app: Any) -> None:
    """Drop the state that must be each process's own, as Celery does in the children of its pool.

    Source:
        ``billiard.process.BaseProcess._bootstrap``, which runs what Celery, kombu and the app registered.
        Python itself reseeds ``random`` and renews its logging locks on ``os.fork``; NumPy does not.
    """
    from billiard import util

    cast("Any", util)._run_after_forkers()
    app.__dict__.pop("oid", None)  # the address of replies to this very process
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
