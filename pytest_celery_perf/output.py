"""Carries results from the tests to the reports. Only this writes; the reports return text."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_celery_perf import files
from pytest_celery_perf.names import RELIABILITY
from pytest_celery_perf.report.glyphs import fit, harmless, supports_unicode
from pytest_celery_perf.results import Results

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.gate import GateReport
    from pytest_celery_perf.model.history import History
    from pytest_celery_perf.model.load import Pace
    from pytest_celery_perf.model.settings import Override
    from pytest_celery_perf.model.verdict import Verdict
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.report.json import Report
    from pytest_celery_perf.report.live import Comparing, LiveLine
    from pytest_celery_perf.report.terminal import Line
    from pytest_celery_perf.runner.trial import Progress
    from pytest_celery_perf.session import ActiveTest

RESULT = "celery_perf"
"""The name by which xdist workers give something to their controller in their own output."""
JOURNAL_LINES = 60
"""How much of its journal the message of a failed test shows; the report file has all of it."""


class Output:
    """The results of this pytest process, and what is written of them.

    Args:
        config: pytest's configuration.
        options: The settings.

    Raises:
        ConfigurationError: A report file cannot be written.
    """

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._is_worker = hasattr(config, "workerinput")
        self._files = files.wanted(options)
        self._status: int | None = None
        self.results = Results(passed_on=self._is_worker)
        self.gate: GateReport | None = None
        """The comparison with another version, once it has been made."""
        self._overrides: tuple[Override, ...] = ()
        self._header_lacks: tuple[Override, ...] = ()
        """Those that the header, which xdist's controller shows before anything is loaded, could not tell."""
        self.notices: list[str] = []
        """What else is to be said when all tests are over."""
        self._unicode = supports_unicode(getattr(sys.stdout, "encoding", None))

    # -- before the tests ------------------------------------------------------------------

    def header(self, notes: list[str], overrides: tuple[Override, ...] = ()) -> list[str]:
        """Return the lines that show every setting with its source.

        Args:
            notes: Further sentences: which broker, and why.
            overrides: What had to be changed in the app under test.
        """
        from pytest_celery_perf.report.header import header_lines

        self._overrides = overrides
        return header_lines(self._options.settings, overrides, notes, width=self._width, unicode=self._unicode)

    def give(self, overrides: tuple[Override, ...]) -> None:
        """In an xdist worker: give what had to be changed in the app to the controller, which cannot know it."""
        if self._is_worker:
            from pytest_celery_perf.model.codec import encode

            self._config.workeroutput[RESULT] = [*map(encode, overrides)]  # type: ignore[attr-defined]

    def take(self, given: Mapping[str, Any]) -> None:
        """In the controller: take what a worker that has ended gave.

        Args:
            given: xdist's ``workeroutput``.
        """
        from pytest_celery_perf.model.codec import decode
        from pytest_celery_perf.model.settings import Override

        overrides = (decode(Override, each) for each in given.get(RESULT, ()))
        self._overrides = self._header_lacks = tuple(dict.fromkeys((*self._overrides, *overrides)))

    @property
    def _width(self) -> int:
        return int(self._config.get_terminal_writer().fullwidth)

    # -- while a test runs -----------------------------------------------------------------

    @contextmanager
    def progress(self, nodeid: str) -> Iterator[Progress]:
        """Show how far a test's tasks are, while it waits for them."""
        from pytest_celery_perf.report.live import Progress as Shown

        with self._line(nodeid) as line:

            def show(published: int, finished: int, failed: int, pace: Callable[[], Pace] | None) -> None:
                if line is not None:
                    due = line.due_in_s <= 0  # to know the pace takes looking at every task
                    paced = pace() if pace and due else None
                    line.update(Shown(published=published, finished=finished, failed=failed, pace=paced))

            yield show

    @contextmanager
    def comparing(self) -> Iterator[Callable[[str], Callable[[Comparing], None]]]:
        """Show how far a comparison is: called with what the base is, returns what shows it."""
        with ExitStack() as stack:

            def label(base: str) -> Callable[[Comparing], None]:
                line = stack.enter_context(self._line(f"compared with {base}"))
                return (lambda _: None) if line is None else line.update

            yield label

    @contextmanager
    def _line(self, label: str) -> Iterator[LiveLine | None]:
        """Show a line on the terminal that renews itself; None where there is no terminal."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None and not self._is_worker:
            yield None
            return
        from pytest_celery_perf.report.live import LiveLine

        def write(text: str) -> None:
            if not text.isspace():
                reporter.ensure_newline()
            reporter.write(text, flush=True)

        # One line cannot show what several xdist workers wait for, so each of them writes as into a log.
        line = LiveLine(
            self._write_past_capture if self._is_worker else write,
            time.monotonic,
            terminal=not self._is_worker and reporter.isatty,
            label=label,
            width=80 if self._is_worker else self._width,
            unicode=self._unicode,
        )
        try:
            yield line
        finally:
            line.close()

    def _write_past_capture(self, text: str) -> None:
        """Write to the standard error of an xdist worker, which is that of its controller."""
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stderr.write(text)
            sys.stderr.flush()

    # -- after a test ----------------------------------------------------------------------

    def complaint(self, active: ActiveTest) -> str:
        """Return why a test must fail; empty if it need not."""
        from pytest_celery_perf.report.terminal import verdicts_text

        failed = [verdict for verdict in active.verdicts if verdict.failed]
        parts = [active.diagnosis] if active.diagnosis else []
        if failed:
            told = frozenset(active.diagnosis.splitlines())
            parts.append(verdicts_text([_without(told, each) for each in active.verdicts], unicode=self._unicode))
        if any(verdict.marker.partition("[")[0] in RELIABILITY for verdict in failed):
            parts.append(f"What happened:\n{self.told(active.history)}")
        if parts and (early := self._early(active)):
            parts.append(early)
        return harmless("\n\n".join(parts))

    def _early(self, active: ActiveTest) -> str:
        """Tell what was published before the test began; what ran there and then, only where that may explain it."""
        from pytest_celery_perf.report.early import early_text

        return early_text(each for each in active.early if each.broker or not active.history.publications)

    def told(self, history: History) -> str:
        """Return what happened, in order of time, as far as a reader may be expected to read."""
        from pytest_celery_perf.measure.journal import journal
        from pytest_celery_perf.report.journal import journal_text

        return journal_text(journal(history), limit=JOURNAL_LINES, unicode=self._unicode)

    def explained(self, verdicts: Iterable[Verdict]) -> str:
        """Return verdicts as the message of a failed test tells them."""
        from pytest_celery_perf.report.terminal import verdicts_text

        return verdicts_text(verdicts, unicode=self._unicode)

    def sections(self, active: ActiveTest, message: str) -> list[tuple[str, str]]:
        """Return what the report of a failed test shows besides: what its workers logged.

        Args:
            active: The test.
            message: What it failed with, which is not repeated.
        """
        shown = []
        complaint = self.complaint(active)
        if complaint and complaint not in message:
            shown.append(("celery-perf", complaint))
        if scripts := [fault.detail for fault in active.history.faults if fault.kind == "script"]:
            again = f"the same again: pytest {shlex.quote(active.nodeid)}"
            shown.append(("scripts of faults", "\n".join([*scripts, again])))
        for name, lines in active.logs:  # with the colours that the app may give them
            shown.append((f"log of worker {name}", "\n".join(lines).replace("\0", r"\x00")))
        if active.history.problems:
            shown.append(("problems of the probe", "\n".join(active.history.problems)))
        return shown

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what xdist's workers found out."""
        self.results.take(report)

    # -- after all tests -------------------------------------------------------------------

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the table of measured tasks, and every verdict; then what GitHub looks for."""
        if self.results.tests or self.notices or self.gate is not None:
            self._sum_up(terminalreporter)
        if files.annotates(self._options):
            from pytest_celery_perf.report.formats.github_annotations import github_annotations

            for text in github_annotations(self._report).splitlines():
                terminalreporter.write_line(text)

    def _sum_up(self, terminalreporter: Any) -> None:
        from pytest_celery_perf.measure.summary import Run
        from pytest_celery_perf.report.header import override_lines
        from pytest_celery_perf.report.scopes import scope_lines
        from pytest_celery_perf.report.terminal import summary_table

        tests = self.results.tests
        rows = tuple(Run.of(self.results.history).by_task.values())
        verdicts = [verdict for test in tests for verdict in test.verdicts]
        terminalreporter.section("celery-perf")
        for text in override_lines(self._header_lacks, width=self._width, unicode=self._unicode):
            terminalreporter.write_line(text)
        for line in summary_table(rows, verdicts, width=self._width, unicode=self._unicode):
            terminalreporter.write_line(line.text, **({line.markup: True} if line.markup else {}))
        for text in scope_lines(tests, unicode=self._unicode):
            terminalreporter.write_line(text)
        for line in self._of_gate():
            terminalreporter.write_line(line.text, **({line.markup: True} if line.markup else {}))
        for text in self.notices:
            terminalreporter.write_line(fit(text, unicode=self._unicode))

    def _of_gate(self) -> list[Line]:
        if self.gate is None:
            return []
        from pytest_celery_perf.report.gate import gate_lines

        return gate_lines(self.gate, width=self._width, unicode=self._unicode)

    def fail(self, session: pytest.Session, problem: str) -> None:
        """Have a run fail, though none of its tests need have, and say why at its end.

        Args:
            session: Of pytest, which has run all tests.
            problem: What could not be done.
        """
        self.notices.append(f"ERROR: {problem}")
        session.exitstatus = session.exitstatus or 1  # as if a test had failed

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report files."""
        self._status = int(session.exitstatus)  # other than when the hook was called, if something else has failed
        if self._files and not self._is_worker:
            for problem in files.write(self._files, self._report, self._options.json_detail):
                self.fail(session, problem)

    @property
    def _report(self) -> Report:
        from pytest_celery_perf.baseline.environment import environment
        from pytest_celery_perf.report.json import Report

        root = self._config.rootpath
        return Report(
            created=datetime.now().astimezone().isoformat(),
            environment=environment(),
            settings=self._options.settings,
            overrides=self._overrides,
            status=self._status,
            root=str(next((each for each in (root, *root.parents) if (each / ".git").exists()), root)),
            gate=self.gate,
            tests=self.results.tests,
        )


def _without(told: frozenset[str], verdict: Verdict) -> Verdict:
    """Leave out of a verdict's evidence what the reader has been told before."""
    return replace(verdict, evidence=tuple(line for line in verdict.evidence if line not in told))
