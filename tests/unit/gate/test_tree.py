from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from pytest_celery_perf.gate.channel import GateError
from pytest_celery_perf.gate.tree import Tree, check_origins


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A checkout and a base with the same folders."""
    for top in ("checkout", "base"):
        for folder in ("src", "lib", "packages/shop/shop", "venv/site-packages"):
            (tmp_path / top / folder).mkdir(parents=True)
        (tmp_path / top / "packages" / "shop" / "shop" / "__init__.py").touch()
    (tmp_path / "checkout" / "new").mkdir()
    return Tree(checkout=tmp_path / "checkout", path=tmp_path / "base")


def test_places_of_the_checkout_are_mapped(tree: Tree, tmp_path: Path) -> None:
    assert tree.path / "src" / "a.py" == tree.place(tree.checkout / "src" / "a.py")
    assert tmp_path / "a.py" == tree.place(tmp_path / "a.py")
    (tmp_path / "link").symlink_to(tree.checkout)
    assert tree.path / "src" == tree.place(tmp_path / "link" / "src")
    assert tree.checkout / "src" == Tree.itself(tree.checkout).place(tree.checkout / "src")


def test_places_that_were_moved_are_found_where_they_were(tree: Tree) -> None:
    """A folder by its files; what the base has by the same name, was not moved."""
    files = {"new/a.py": "old/a.py", "new/deep/b.py": "old/deep/b.py", "new/c.py": "other/c.py", "src/d.py": "lib/d.py"}
    moved = replace(tree, former={Path(new): Path(old) for new, old in files.items()})
    places = {
        "new/c.py": "other/c.py",
        "new": "old",
        "new/deep": "old/deep",
        "new/deep/more.py": "old/deep/more.py",
        "src": "src",
        "src/d.py": "lib/d.py",
        "src/e.py": "src/e.py",
        "newer/f.py": "newer/f.py",
        "": "",
    }
    for now, then in places.items():
        assert moved.place(moved.checkout / now) == moved.path / then, now
        assert moved.has_elsewhere(moved.checkout / now) == (now != then), now
    assert not moved.has_elsewhere(moved.checkout.parent / "elsewhere")
    assert not tree.has_elsewhere(tree.checkout / "new")


def test_a_project_that_was_moved_below_the_top(tree: Tree) -> None:
    moved = replace(tree, former={Path("below/src/a.py"): Path("src/a.py"), Path("below/b.py"): Path("b.py")})
    assert moved.path == moved.place(moved.checkout / "below")
    assert moved.path / "src" == moved.place(moved.checkout / "below" / "src")


def test_the_path_is_mapped(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tree.checkout
    monkeypatch.setattr(sys, "prefix", str(checkout / "venv"))
    monkeypatch.chdir(checkout / "lib")
    entries = [checkout / "src", checkout / "new", checkout / "venv" / "site-packages", tmp_path]
    monkeypatch.setattr(sys, "path", ["", *map(str, entries)])
    assert [str(tree.path / name) for name in ("lib", "src")] == tree.import_path("")
    assert [str(checkout / name) for name in ("lib", "src", "new")] == Tree.itself(checkout).import_path("")


class EditableFinder:
    """What an editable install by PEP 660 leaves in `sys.meta_path`."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(self._parent)]) if name == "shop" else None


@pytest.mark.parametrize("imported", [True, False])
def test_an_editable_install_leads_to_the_base(tree: Tree, monkeypatch: pytest.MonkeyPatch, imported: bool) -> None:
    parent = tree.checkout / "packages" / "shop"
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, EditableFinder(parent)])
    if imported:
        spec = importlib.util.find_spec("shop")
        assert spec is not None
        monkeypatch.setitem(sys.modules, "shop", importlib.util.module_from_spec(spec))
    assert [str(tree.path / "packages" / "shop")] == tree.import_path("" if imported else "shop.celery:app")


def test_a_table_of_packages(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller of xdist has imported nothing of the project."""
    origin = ModuleType("__editable___shop_1_0_finder")
    origin.MAPPING = {"shop": str(tree.checkout / "packages" / "shop" / "shop")}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, origin.__name__, origin)
    finder = type("Finder", (EditableFinder,), {"__module__": origin.__name__})(tree.checkout / "packages" / "shop")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    assert [str(tree.path / "packages" / "shop")] == tree.import_path("frontend:app")


def test_a_base_that_imports_the_heads_app(tree: Tree) -> None:
    head, base = tree.checkout / "src" / "shop.py", tree.path / "src" / "shop.py"
    check_origins(str(base), str(head), tree, "1a2b3c4")
    check_origins("", str(head), tree, "1a2b3c4")
    check_origins("/usr/lib/shop.py", "/usr/local/lib/shop.py", tree, "1a2b3c4")
    check_origins("/usr/lib/shop.py", "/usr/lib/shop.py", Tree.itself(tree.checkout), "1a2b3c4")
    check_origins(str(head), str(head), Tree.itself(tree.checkout), "1a2b3c4")
    with pytest.raises(GateError) as caught:
        check_origins(str(head), str(head), tree, "1a2b3c4")
    said = str(caught.value)
    assert said.startswith(f"the base, 1a2b3c4, imported its app from {head}, which is not part of that revision")
    assert f"Expected was {base}, which that revision does not have. " in said
    assert "--celery-perf-base-env" in said
    base.touch()
    with pytest.raises(GateError, match=rf"Expected was {base}\. "):
        check_origins("/usr/lib/shop.py", str(head), tree, "1a2b3c4")


def test_files_of_a_revision_are_told_as_git_knows_them(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    base = replace(tree, path=tmp_path / "link" / "base", revision="1a2b3c4")
    for top in (tree.path, base.path):
        assert base.told(f"assert 0 == 4 ({top}/tests/test_a.py:15)") == "assert 0 == 4 (1a2b3c4:tests/test_a.py:15)"
    elsewhere = f"assert 0 == 4 ({tree.checkout}/tests/test_a.py:15)"
    assert elsewhere == base.told(elsewhere) == Tree.itself(tree.checkout).told(elsewhere)


def test_one_app_for_both(tree: Tree) -> None:
    """As tox installs it by default: whatever changed would not be seen."""
    with pytest.raises(GateError) as caught:
        check_origins("/venv/shop.py", "/venv/shop.py", tree, "1a2b3c4")
    said = str(caught.value)
    assert said.startswith("the base, 1a2b3c4, and the head have imported the same app, from /venv/shop.py")
    assert "package = editable" in said
