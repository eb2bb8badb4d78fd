"""What the documents say about the code is true."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import pytest_celery_perf
from pytest_celery_perf import markers, names
from pytest_celery_perf.model.formats import FormatName, report_file
from pytest_celery_perf.options import OPTIONS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pytest_celery_perf.__file__).parent
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))] if README.exists() else []

pytestmark = pytest.mark.skipif(not README.exists(), reason="the documents are not beside the tests")


def code_of(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)


def marks_of(document: Path) -> list[ast.Call]:
    """The calls of our markers in a document: in its examples, and in back-quotes."""
    snippets = [*code_of(document), *re.findall(r"`(celery_\w+\([^…\n]*?\))`", document.read_text())]
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_that_a_document_names_exists(document: Path) -> None:
    text = re.sub(r"CELERY_PERF_(?:TEST_\w+|REQUIRE)", "", document.read_text())  # of our own tests
    named = {*re.findall(r"--celery-perf-[a-z-]*[a-z]", text), *re.findall(r"\bCELERY_PERF_[A-Z_]*[A-Z]", text)}
    assert named <= {name for option in OPTIONS for name in (option.flag, option.variable)}
    in_ini_files = re.findall(r"^(celery_perf_\w+) *=", text, re.MULTILINE)
    assert set(in_ini_files) <= {option.ini for option in OPTIONS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_output_that_a_document_asks_for_is_valid(document: Path) -> None:
    for value in re.findall(r"--celery-perf-output=(?!FORMAT)([\w:./-]+)", document.read_text()):
        assert report_file(value, document.name).format in FormatName


def test_every_format_is_in_the_document_on_ci() -> None:
    rows = re.findall(r"^\| (`[\w-]+`(?:, `[\w-]+`)*) \|", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE)
    assert sorted(FormatName) == sorted(name for row in rows for name in re.findall(r"`([\w-]+)`", row))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_of_configuration_can_be_read(document: Path) -> None:
    for language, text in re.findall(r"```(ini|toml|yaml)\n(.*?)```", document.read_text(), re.DOTALL):
        match language:
            case "ini":
                assert read_ini(text)
            case "toml":
                assert tomllib.loads(text)
            case "yaml":
                assert yaml.safe_load(text)


def read_ini(text: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser.sections()


def test_every_marker_is_in_the_readme() -> None:
    assert set(names.MARKERS) == {ast.unparse(call.func).rpartition(".")[2] for call in marks_of(README)}


@pytest.mark.parametrize("call", [call for document in DOCUMENTS for call in marks_of(document)], ids=ast.unparse)
def test_the_markers_of_the_documents_are_valid(call: ast.Call) -> None:
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
