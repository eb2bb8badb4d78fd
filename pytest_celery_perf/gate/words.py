"""Which words of the user's command line an arm must not repeat."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from pytest_celery_perf.options import OPTIONS

PLUGIN = ("celery_perf", "pytest_celery_perf.plugin")
"""Our plugin by its entry point, and as a module."""
_SHAPING = {"app", "workers", "broker", "image", "timeout", "time_scale", "start", "point", "drill", "measure"}
"""Our settings that say how a test runs. All others say what becomes of its results, which is the gate's business."""
_OURS = [option for option in OPTIONS if option.name not in _SHAPING]
_LONG = frozenset({
    *(option.flag for option in _OURS),
    *("--junitxml", "--junit-xml", "--basetemp", "--log-file", "--report-log", "--html", "--csv", "--json-report-file"),
    *("--numprocesses", "--maxprocesses", "--dist", "--tx", "--px", "--rsyncdir", "--rsyncignore", "--looponfail"),
    *("--max-worker-restart", "--maxschedchunk", "--loadscope-reorder", "--no-loadscope-reorder", "--testrunuid"),
    *("--cov", "--cov-report", "--cov-config", "--cov-fail-under", "--cov-context", "--cov-precision", "--cov-append"),
    *("--cov-branch", "--cov-reset", "--no-cov", "--no-cov-on-fail", "--exitfirst", "--maxfail", "--pdb", "--pdbcls"),
    *("--trace", "--lf", "--last-failed", "--lfnf", "--last-failed-no-failures", "--ff", "--failed-first", "--nf"),
    *("--new-first", "--sw", "--stepwise", "--sw-skip", "--stepwise-skip", "--sw-reset", "--stepwise-reset"),
    *("--cache-clear",),
})  # fmt: skip
"""A report that the user's own run writes, other processes, an earlier run's order, an end before the last test."""
_LETTERS = re.compile(r"-([dfhlqsvxV]*)(.*)")
"""Options of one letter without a value, several of which may share a word, and what comes after them."""
_LETTERS_LEFT_OUT = str.maketrans("", "", "dfx")


def switched_off() -> dict[str, str]:
    """Return the variables by which an arm has those of our settings that are not its business as by default."""
    return {option.variable: option.default for option in _OURS}


def repeated(words: Sequence[str], paths: Collection[int]) -> Iterator[str]:
    """Yield the options that an arm has, too, with their values.

    Args:
        words: The command line.
        paths: Which of the words are paths; none of them is yielded.
    """
    for option, values in _groups(words, paths):
        if not option.startswith("--"):
            yield from _short(option, values)
        elif option.partition("=")[0] not in _LONG:
            yield from (option, *values)


def _groups(words: Sequence[str], paths: Collection[int]) -> Iterator[tuple[str, list[str]]]:
    """Yield each option with what follows it and is no path: that must be its value, whatever the option is."""
    option = ""
    values: list[str] = []
    for place, word in enumerate([*words, "--"]):  # as a last word it means nothing, and ends the last group
        if word.startswith("-"):
            if option:
                yield option, values
            option, values = ("" if word == "--" else word), []
        elif place not in paths:
            values.append(word)


def _short(option: str, values: list[str]) -> Iterator[str]:
    """Yield what is left of options of one letter: of ``-xvn 2`` it is ``-v``."""
    match = _LETTERS.fullmatch(option)
    letters, last = match.groups() if match else ("", option[1:])
    letters = letters.translate(_LETTERS_LEFT_OUT)
    ours = last.startswith("p") and (last[1:] or " ".join(values)) in PLUGIN
    if last.startswith("n") or ours:
        last, values = "", []
    if letters or last:
        yield f"-{letters}{last}"
    yield from values
