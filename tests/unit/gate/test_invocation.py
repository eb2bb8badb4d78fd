from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import ArmTest, RegressionBudget
from pytest_celery_perf.options import resolve
from pytest_celery_perf.stash import ENVIRONMENT, OPTIONS


def read(pytester: pytest.Pytester, *words: str) -> Invocation:
    """How a pytest with such a command line was started."""
    config = pytester.parseconfig(*words)
    config.stash[OPTIONS] = resolve(config)
    return Invocation.of(config)


@pytest.fixture
def tree(pytester: pytest.Pytester, tmp_path: Path) -> Tree:
    """A base that has only one of the checkout's test files."""
    for folder in (pytester.path, tmp_path / "base"):
        (folder / "tests").mkdir(parents=True)
        (folder / "tests" / "test_old.py").touch()
    (pytester.path / "tests" / "test_new.py").touch()
    return Tree(checkout=pytester.path, path=tmp_path / "base")


def test_paths_are_told_from_values_of_options(pytester: pytest.Pytester, tree: Tree) -> None:
    found = read(pytester, "-k", "tests", "--ignore", "tests", "tests", "-v", "tests/test_new.py", "-x", "-m", "slow")
    assert ("tests", "tests/test_new.py") == found.paths
    assert ["-k", "tests", "--ignore", "tests", "-v", "-m", "slow"] == [*found.options][:7]


def test_the_variable_and_files_of_arguments(
    pytester: pytest.Pytester, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k 'a or b' -x tests/test_old.py")
    (pytester.path / "more").write_text("-m\nslow\ntests/test_new.py\n")
    found = read(pytester, "@more")
    assert ("tests/test_old.py", "tests/test_new.py") == found.paths
    assert ["-k", "a or b"] == [*found.options][:2]
    assert ("-m", "slow") == found.options[-2:]


def test_the_environment_is_that_of_the_start(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig()
    config.stash[OPTIONS] = resolve(config)
    config.stash[ENVIRONMENT] = {"HOME": "/home/us"}
    assert {"HOME": "/home/us"} == Invocation.of(config).environment


def test_the_checkout_itself_has_it_all(pytester: pytest.Pytester, tree: Tree) -> None:
    selection = read(pytester, "tests/test_new.py::test_one").within(Tree.itself(pytester.path))
    assert selection is not None
    assert str(pytester.path / "tests" / "test_new.py") == selection.arguments[0]
    assert pytester.path == selection.folder
    assert selection.takes(offered("tests/test_new.py::test_one"))
    assert not selection.takes(offered("tests/test_new.py::test_two"))


def offered(name: str) -> ArmTest:
    return ArmTest(nodeid=name, digest="", budget=RegressionBudget())


def test_a_base_is_given_what_it_has(pytester: pytest.Pytester, tree: Tree) -> None:
    paths = ("tests/test_old.py::test_one", "tests/test_new.py", "tests/test_old.py::TestTwo::test_three")
    selection = read(pytester, *paths).within(tree)
    assert selection is not None
    assert tree.path == selection.folder == selection.root
    assert str(tree.path / "tests" / "test_old.py") == selection.arguments[0]
    assert not [word for word in selection.arguments[1:] if "test_" in word]
    taken = ["::test_one", "::test_one[a::b]", "::TestTwo::test_three"]
    others = ["::test_one_more", "::TestTwo::test_four", "::TestTwo", "::test_three"]
    for names in (*taken, *others):
        assert (names in taken) == selection.takes(offered(f"tests/test_old.py{names}")), names
    assert not selection.takes(offered("tests/test_older.py::test_one"))


def test_whole_files_and_folders_need_no_filter(pytester: pytest.Pytester, tree: Tree) -> None:
    selection = read(pytester, str(pytester.path / "tests"), "./tests/test_old.py::test_one").within(tree)
    assert selection is not None
    assert [str(tree.path / "tests"), str(tree.path / "tests" / "test_old.py")] == [*selection.arguments][:2]
    assert selection.takes(offered("tests/test_old.py::test_two"))


def test_a_base_that_has_none_of_it(pytester: pytest.Pytester, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(pytester, "tests/test_new.py").within(tree) is None
    (pytester.path / "new").mkdir()
    monkeypatch.chdir(pytester.path / "new")
    found = read(pytester)
    assert found.within(tree) is None
    assert found.lacking(tree) == pytester.path / "new"
    assert read(pytester, "../tests/test_old.py").everything(tree) is None


def test_a_base_without_the_ini_file(pytester: pytest.Pytester, tree: Tree) -> None:
    (pytester.path / "perf.ini").write_text("[pytest]\n")
    found = read(pytester, "-c", "perf.ini")
    assert found.within(tree) is None
    assert found.lacking(tree) == pytester.path / "perf.ini"
    assert found.lacking(Tree.itself(pytester.path)) is None


def test_a_folder_that_was_moved(pytester: pytest.Pytester, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that is called by its new name on the command line."""
    inside = pytester.path / "new" / "tests"
    inside.mkdir(parents=True)
    for file in (inside / "test_old.py", inside / "test_more.py", inside.parent / "perf.ini"):
        file.touch()
    (tree.path / "perf.ini").touch()
    names = ("tests/test_old.py", "perf.ini")
    tree = replace(tree, former={Path("new") / name: Path(name) for name in names})
    of_tests = str(tree.path / "tests" / "test_old.py")

    options = ("-c", "new/perf.ini", "--ignore=new/tests", "-k", "new")
    selection = read(pytester, *options, "new/tests/test_old.py::test_one", "new/tests/test_more.py").within(tree)
    assert selection is not None
    moved = [of_tests, "-c", str(tree.path / "perf.ini"), f"--ignore={tree.path / 'tests'}", "-k", "new"]
    assert moved == [*selection.arguments]
    assert tree.path == selection.folder == selection.root
    assert selection.takes(offered("tests/test_old.py::test_one"))

    monkeypatch.chdir(pytester.path / "new")
    selection = read(pytester, "-c", "perf.ini", "tests/test_old.py").within(tree)
    assert selection is not None
    assert tree.path == selection.folder
    assert [of_tests, "-c"] == [*selection.arguments][:2]


@pytest.mark.parametrize(("testpaths", "home"), [("", "."), ("testpaths = test? nosuch", "tests")])
def test_everything_is_where_pytest_looks_without_a_path(
    pytester: pytest.Pytester, tree: Tree, testpaths: str, home: str
) -> None:
    pytester.makeini(f"[pytest]\n{testpaths}")
    found = read(pytester, "-k", "one", "more/test_x.py", "tests/test_old.py::test_one")
    selection = found.everything(tree)
    assert selection is not None
    words = [str(tree.path / "tests" / "test_old.py"), str(tree.path / home), "-k", "one"]
    assert words == [*selection.arguments][:4]
    assert "--continue-on-collection-errors" == selection.arguments[-1]
    assert selection.takes(offered("tests/test_any.py::test_any"))


def test_who_names_no_path_has_everything(pytester: pytest.Pytester, tree: Tree) -> None:
    assert read(pytester, "-k", "one").everything(tree) is None


def test_modules_are_known_by_where_they_lie(
    pytester: pytest.Pytester, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the base does not have would be an error there; what is nowhere in the checkout, it imports as we do."""
    for name in ("test_old", "test_moved", "test_new"):
        (pytester.path / "wares" / f"{name}.py").parent.mkdir(exist_ok=True)
        (pytester.path / "wares" / f"{name}.py").touch()
    (pytester.path / "wares" / "__init__.py").touch()
    (tree.path / "wares").mkdir()
    (tree.path / "wares" / "test_old.py").touch()
    tree = replace(tree, former={Path("wares/test_moved.py"): Path("tests/test_old.py")})
    monkeypatch.syspath_prepend(pytester.path)
    words = ("wares.test_old::test_one", "wares.test_moved", "wares.test_new", "json.decoder", "tests/test_old.py")
    found = read(pytester, "--pyargs", *words)
    selection = found.within(tree)
    assert selection is not None
    path = str(tree.path / "tests" / "test_old.py")
    assert ["wares.test_old", path, "json.decoder", "--pyargs"] == [*selection.arguments]
    assert selection.takes(offered("wares/test_old.py::test_one"))
    assert not selection.takes(offered("wares/test_old.py::test_two"))
    assert selection.takes(offered("tests/test_old.py::test_two"))
    assert read(pytester, "--pyargs", "wares.test_new").within(tree) is None

    of_head = found.within(Tree.itself(pytester.path))
    assert of_head is not None
    assert ["wares.test_old", "wares.test_moved", "wares.test_new"] == [*of_head.arguments][:3]
    everywhere = read(pytester, "--pyargs", "wares.test_new").everything(tree)
    assert everywhere is not None
    assert str(tree.path) == everywhere.arguments[0]
    assert read(pytester, "--pyargs", "wares").paths == ("wares",)


def test_options_that_name_places(pytester: pytest.Pytester, tree: Tree) -> None:
    places = [f"--rootdir={pytester.path}", "--ignore", str(pytester.path / "tests"), "--ignore=/elsewhere"]
    selection = read(pytester, *places).within(tree)
    assert selection is not None
    moved = [f"--rootdir={tree.path}", "--ignore", str(tree.path / "tests"), "--ignore=/elsewhere"]
    assert moved == [*selection.arguments][:4]


def test_options_of_every_arm(pytester: pytest.Pytester, tmp_path: Path) -> None:
    found = read(pytester, "-p", "xdist", "-p", "pytest_cov")
    own = found.options_of_an_arm(tmp_path)
    assert ["-p", "no:celery_perf", "-p", "pytest_celery_perf.plugin"] == own[-6:-2]
    assert {"--maxfail=0", "--junit-xml=", f"--basetemp={tmp_path}/tmp"} < {*own}
    assert ("-n0" in own) == ("xdist" in found.plugins)
    assert "-n0" not in found.options_of_an_arm(tmp_path, lacking={"xdist"})
    assert not {"-n0", "--junit-xml="} & {
        *read(pytester, "-p", "no:xdist", "-p", "no:junitxml").options_of_an_arm(tmp_path)
    }


def test_what_plugins_add_to_the_environment_is_not_of_the_start(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as pytest-django, by whose variable the base would take the head's settings."""
    hook = "import os, pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_load_initial_conftests():\n"
    pytester.makepyfile(early=f"{hook}    os.environ['OF_A_PLUGIN'] = '1'\n")
    monkeypatch.setenv("OF_THE_USER", "1")
    monkeypatch.setenv("OF_A_PLUGIN", "0")
    pytester.syspathinsert()
    found = read(pytester, "-p", "early").environment
    assert ("1", "0") == (found["OF_THE_USER"], found["OF_A_PLUGIN"])
    assert "1" == os.environ["OF_A_PLUGIN"]
