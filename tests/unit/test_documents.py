"""What the documents say about the code is true."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import pytest_celery_perf
from pytest_celery_perf import markers, names
from pytest_celery_perf.options import OPTIONS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pytest_celery_perf.__file__).parent
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the documents are not beside the tests")


def code_of(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)


def marks_of(document: Path) -> list[ast.Call]:
    """The calls of our markers in a document: in its examples, and in back-quotes."""
    snippets = [*code_of(document), *re.findall(r"`(celery_\w+\(.*?\))`", document.read_text())]
    calls = [node for snippet in snippets for node in ast.walk(ast.parse(snippet)) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in names.MARKERS]


def test_every_setting_is_in_the_readme_with_its_names() -> None:
    rows = re.findall(r"^\| `(--[\w-]+)` \| `(\w+)` \| `(\w+)` \|", README.read_text(), re.MULTILINE)
    assert {(option.flag, option.variable, option.ini) for option in OPTIONS} == set(rows)


def test_every_default_is_in_the_readme() -> None:
    text = README.read_text()
    for option in OPTIONS:
        if option.default:
            row = next(line for line in text.splitlines() if line.startswith(f"| `{option.flag}` |"))
            assert f"`{option.default}`" in row


def test_every_marker_is_in_the_readme() -> None:
    assert set(names.MARKERS) == {ast.unparse(call.func).rpartition(".")[2] for call in marks_of(README)}


@pytest.mark.parametrize("call", marks_of(README) if README.exists() else [], ids=ast.unparse)
def test_the_readmes_markers_are_valid(call: ast.Call) -> None:
    name = ast.unparse(call.func).rpartition(".")[2]
    assert len(call.args) == (1 if name == names.DRILL else 0)
    arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    arguments |= dict(zip(("name",), map(ast.literal_eval, call.args), strict=False))
    judging: dict[str, Callable[..., object]] = {**markers.JUDGING, **markers.RERUNNING}
    others = (markers.celery_worker, markers.celery_drill, markers.celery_regression)
    functions = {**judging, **{function.__name__: function for function in others}}
    assert functions[name](**arguments)


def test_the_architecture_names_every_module() -> None:
    named = set(re.findall(r"`(\w+)(?:/|\.py)`", (ROOT / "ARCHITECTURE.md").read_text().split("## A test")[0]))
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__"} == named


def test_the_architecture_shows_the_layers_that_are_checked() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    shown = re.search(r"^    cli \| plugin → .*?(?=\n\n)", text, re.MULTILINE | re.DOTALL)
    assert shown is not None
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert layers == [" ".join(layer.split()) for layer in shown[0].split("→")]
