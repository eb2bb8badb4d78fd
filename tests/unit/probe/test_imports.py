from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_celery_perf.probe import imports


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package that can be imported, and is not."""
    (tmp_path / "late_package").mkdir()
    (tmp_path / "late_package" / "__init__.py").write_text("VALUE = 3\n")
    (tmp_path / "late_package" / "part.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imports, "_awaited", {})
    yield "late_package"
    for name in [name for name in sys.modules if name.partition(".")[0] == "late_package"]:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not imports._finder]


def test_what_is_imported_later_is_told_once_it_is_complete(package: str) -> None:
    told: list[int] = []
    imports.once_imported(package, lambda: told.append(sys.modules[package].VALUE))
    assert told == []
    importlib.import_module(f"{package}.part")
    importlib.import_module(package)
    assert told == [3]


def test_what_is_imported_is_told_at_once(package: str) -> None:
    importlib.import_module(package)
    told: list[int] = []
    imports.once_imported(package, lambda: told.append(1))
    assert told == [1]


def test_what_another_thread_is_importing_is_told_once_it_is_complete(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, asked = threading.Event(), threading.Event()
    monkeypatch.setitem(sys.modules, "gate", SimpleNamespace(begun=begun, asked=asked))
    # As long as it may take to ask who does not wait.
    (tmp_path / package / "__init__.py").write_text("import gate\ngate.begun.set()\ngate.asked.wait(0.5)\nVALUE = 3\n")
    told: list[int | None] = []

    def act() -> None:
        told.append(getattr(sys.modules[package], "VALUE", None))
        asked.set()

    with ThreadPoolExecutor(1) as pool:
        imported = pool.submit(importlib.import_module, package)
        assert begun.wait(60.0)
        imports.once_imported(package, act)
        imported.result(60.0)
    assert told == [3]


def test_asking_twice_changes_nothing(package: str) -> None:
    told: list[int] = []
    for number in (1, 2):
        imports.once_imported(package, lambda number=number: told.append(number))  # type: ignore[misc]
    importlib.import_module(package)
    assert told == [2]
    assert sys.meta_path.count(imports._finder) == 1


def test_what_is_nowhere_stays_missing(package: str) -> None:
    imports.once_imported("late_package.missing", lambda: None)
    with pytest.raises(ModuleNotFoundError, match=r"late_package\.missing"):
        importlib.import_module("late_package.missing")


def test_the_module_keeps_its_loader(package: str) -> None:
    imports.once_imported(package, lambda: None)
    module = importlib.import_module(package)
    assert type(module.__loader__).__name__ == "SourceFileLoader"


def test_a_mistake_of_ours_does_not_break_the_import(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[str] = []
    monkeypatch.setattr(imports, "_report", problems.append)
    imports.once_imported(package, _mistaken)
    assert importlib.import_module(package).VALUE == 3
    assert problems == ["after the import of late_package: KeyError('missing')"]


def _mistaken() -> None:
    raise KeyError("missing")
