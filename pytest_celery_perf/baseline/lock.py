"""Lock files: the facts of a test module beside it, as text for people, for git and for tomllib.

A fact stands in a line of its own, and all is sorted, so that git merges what two branches locked of different tests.

History of the format. A new number means that an older reader would misread the file.

    1   2026-11   the first
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_celery_perf.errors import ConfigurationError, LockFileError
from pytest_celery_perf.model.lock import CALLS, KINDS, TALLY, Bounds, Lock, TaskFacts, TestFacts

SCHEMA = 1
SUFFIX = ".celery-perf.toml"
HEADER = """\
# What the tasks of {module} do, exactly. Written by `pytest --celery-perf-update`; review it like code.
# A pair is a least and a most: there runs differ. `{{}}` is nothing; what is absent is not known.
schema = {schema}
"""
CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")
"""With what git marks what it could not merge."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")

Keys = tuple[str, ...]


def path_of(module: Path) -> Path:
    """Return where the facts of a test module are: ``test_shop.celery-perf.toml`` beside ``test_shop.py``."""
    return module.with_name(module.stem + SUFFIX)


def module_of(path: Path) -> Path:
    """Return the test module whose facts a lock file holds."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}.py")


def updated(lock: Lock, facts: Lock, gone: Iterable[str] = ()) -> Lock:
    """Return what a file shall hold.

    Args:
        lock: What it holds.
        facts: What is known now, of some of its tests.
        gone: The names of tests whose entries go.
    """
    tests = {name: each for name, each in lock.tests.items() if name not in {*gone}}
    tests |= {name: _with_other_calls(each, lock.tests.get(name)) for name, each in facts.tests.items()}
    return Lock(databases=facts.databases, tests=tests)


def _with_other_calls(facts: TestFacts, old: TestFacts | None) -> TestFacts:
    """Keep how many Python calls there were in other environments than this."""
    tasks = dict(facts.tasks)
    for name, task in old.tasks.items() if old else ():
        if name in tasks and CALLS in task.kinds:
            calls = {**task.kinds[CALLS], **tasks[name].kinds.get(CALLS, {})}
            tasks[name] = replace(tasks[name], kinds={**tasks[name].kinds, CALLS: calls})
    return TestFacts(tasks=tasks)


# -- writing -------------------------------------------------------------------------------


def dumps(lock: Lock, module: str) -> str:
    """Write facts as text: equal facts are equal text.

    Args:
        lock: The facts.
        module: The name of the test module, for whoever reads it.
    """
    lines = [HEADER.format(module=module, schema=SCHEMA).rstrip("\n")]
    if lock.databases:
        lines.append(f"databases = {_text(lock.databases)}")
    for test, facts in sorted(lock.tests.items()):
        if not facts.tasks:
            lines += ["", f"[tests.{_key(test)}]"]
        for task, counts in sorted(facts.tasks.items()):
            lines += ["", f"[tests.{_key(test)}.{_key(task)}]", *_task_lines(counts)]
    return "\n".join(lines) + "\n"


def _task_lines(task: TaskFacts) -> Iterator[str]:
    for name, bounds in sorted(task.tally.items()):
        yield f"{name} = {_bounds(bounds)}"
    for kind, counts in sorted(task.kinds.items()):
        if not counts:
            yield f"{kind} = {{}}"
        for name, bounds in sorted(counts.items()):
            yield f"{kind}.{_key(name)} = {_bounds(bounds)}"


def _bounds(bounds: Bounds) -> str:
    return f"{bounds.least}" if bounds.exact else f"[{bounds.least}, {bounds.most}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # JSON's escapes are TOML's; what else does not print, such as line separators, is escaped so that a fact is a line.
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08X}" for each in quoted)


# -- reading -------------------------------------------------------------------------------


class _MisfitError(Exception):
    """Something that `dumps` never writes, and the keys that lead to it."""

    def __init__(self, keys: Keys, reason: str) -> None:
        super().__init__(reason)
        self.keys = keys
        self.reason = reason


def read(path: Path) -> Lock:
    """Read a lock file.

    Raises:
        LockFileError: It is none; the text names the path and the line.
        ConfigurationError: It cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LockFileError(path, data.count(b"\n", 0, error.start) + 1, "this is not UTF-8") from None
    return loads(text, path)


def loads(text: str, path: Path) -> Lock:
    """Read what `dumps` wrote.

    Args:
        text: The file's content.
        path: Where it is from, for the error.

    Raises:
        LockFileError: It is something else; the text names the path and the line.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(text, path, str(error)) from None
    try:
        return _lock(data)
    except _MisfitError as misfit:
        raise LockFileError(path, _line_of(text, misfit.keys), misfit.reason) from None


def _lock(data: dict[str, Any]) -> Lock:
    schema = data.pop("schema", None)
    if type(schema) is not int or schema != SCHEMA:
        said = "there is no schema" if schema is None else f"schema = {schema!r}"
        raise _MisfitError(("schema",), f"{said}, and this version of pytest-celery-perf reads {SCHEMA}")
    databases = data.pop("databases", "")
    if type(databases) is not str:
        raise _MisfitError(("databases",), f"{databases!r} is no text")
    tests = _table(data.pop("tests", {}), ("tests",))
    for name in data:
        raise _MisfitError((name,), f"there is no {name}; known are databases, schema and tests")
    return Lock(databases=databases, tests={name: _test(facts, ("tests", name)) for name, facts in tests.items()})


def _test(data: object, keys: Keys) -> TestFacts:
    return TestFacts(tasks={name: _task(facts, (*keys, name)) for name, facts in _table(data, keys).items()})


def _task(data: object, keys: Keys) -> TaskFacts:
    tally: dict[str, Bounds] = {}
    kinds: dict[str, dict[str, Bounds]] = {}
    for name, value in _table(data, keys).items():
        if name in TALLY:
            tally[name] = _read_bounds(value, (*keys, name))
        elif name in KINDS:
            counts = _table(value, (*keys, name)).items()
            kinds[name] = {what: _read_bounds(bounds, (*keys, name, what)) for what, bounds in counts}
        else:
            raise _MisfitError((*keys, name), f"there is no {name}; known are {', '.join((*TALLY, *KINDS))}")
    return TaskFacts(tally=tally, kinds=kinds)


def _table(value: object, keys: Keys) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _MisfitError(keys, f"{keys[-1]} = {value!r} is no table")
    return value


def _read_bounds(value: object, keys: Keys) -> Bounds:
    match value:
        case int(number) if _counts(number):
            return Bounds.exactly(number)
        case [int(least), int(most)] if _counts(least, most) and least <= most:
            return Bounds(least=least, most=most)
    raise _MisfitError(keys, f"{value!r} is neither a count nor a pair of a least and a most")


def _counts(*numbers: int) -> bool:
    return all(number >= 0 and not isinstance(number, bool) for number in numbers)


def _unreadable(text: str, path: Path, reason: str) -> LockFileError:
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(CONFLICT):
            take = f"git checkout --ours {shlex.quote(str(path))}"
            hint = f"git could not merge this: take one side ({take}), then lock what that side lacks"
            return LockFileError(path, number, f"{hint}: pytest --celery-perf-update=missing")
    found = re.search(r" \(at line (\d+), column \d+\)$", reason)
    # Else it is at the end of the document.
    return LockFileError(path, int(found[1]) if found else len(lines), re.sub(r" \(at [^)]*\)$", "", reason))


def _line_of(text: str, keys: Keys) -> int:
    """Return the line that says something; tomllib does not tell, but reads a line as well as a file."""
    section: Keys = ()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            said = next(_paths(tomllib.loads(line)), None)
        except tomllib.TOMLDecodeError:
            continue  # a part of a value of several lines
        if said is None:
            continue
        if line.lstrip().startswith("["):
            section, said = said, ()
        if (*section, *said)[: len(keys)] == keys:
            return number
    return 1


def _paths(value: object, keys: Keys = ()) -> Iterator[Keys]:
    """Yield the keys that lead to each value of a table."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _paths(inner, (*keys, key))
    elif keys:
        yield keys
