"""Waits for the application to import a package, since the probe must not."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_awaited: dict[str, Callable[[], None]] = {}
_report: Callable[[str], None] | None = None


def report_to(report: Callable[[str], None]) -> None:
    """Tell somebody what goes wrong here: it must not in whoever imports."""
    global _report
    _report = report


def once_imported(name: str, act: Callable[[], None]) -> None:
    """Do something as soon as a module is imported, or at once if it is. May be called again.

    Args:
        name: The module.
        act: What to do; done once for each import, and it may be done again.
    """
    if name in sys.modules:
        with contextlib.suppress(ImportError):  # which is for whoever imports it
            # Another thread may be at it, and the module lack what is to come: this waits until it is complete.
            importlib.import_module(name)
    if name in sys.modules:
        _do(act, name)
        return
    _awaited[name] = act
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class _Finder:
    """Finds nothing itself, but hears what others find.

    Source:
        ``importlib._bootstrap._load_unlocked``: executes a module by its loader's ``exec_module``.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find an awaited module as the others would, and have its import told."""
        if name not in _awaited:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = _then(loader.exec_module, name)
        return spec


def _then(execute: Callable[[ModuleType], None], name: str) -> Callable[[ModuleType], None]:
    def execute_and_tell(module: ModuleType) -> None:
        execute(module)
        act = _awaited.pop(name, None)
        if act is not None:
            _do(act, name)

    return execute_and_tell


def _do(act: Callable[[], None], name: str) -> None:
    try:
        act()
    except Exception as error:
        if _report is not None:
            _report(f"after the import of {name}: {error!r}")


_finder = _Finder()
