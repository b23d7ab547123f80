"""The size of modules and functions: a ratchet. Numbers here may only go down."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "functions", "shared", "infra", "samples", "bench", "tests")
MODULE_LINES = 400
FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 10
PARAMETERS = 8


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            # A migration is a list of statements and never changes again; node_modules are not ours.
            if not {"versions", "node_modules"} & set(path.parts):
                yield path


def functions(*packages: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in modules(*packages):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_modules_are_short() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules(*PACKAGES)}
    assert {name: lines for name, lines in long.items() if lines > MODULE_LINES} == {}


def test_functions_are_short() -> None:
    assert [name for name, node in functions(*PACKAGES) if length(node) > FUNCTION_LINES] == []


def test_half_of_the_functions_are_very_short() -> None:
    assert median(length(node) for _, node in functions("api", "functions", "shared")) <= MEDIAN_FUNCTION_LINES


def test_functions_take_few_parameters() -> None:
    many = [
        name
        for name, node in functions("api", "functions", "shared")
        if len(node.args.args) + len(node.args.kwonlyargs) > PARAMETERS
    ]
    assert many == []


def test_every_module_says_what_it_owns() -> None:
    assert [
        str(path.relative_to(ROOT))
        for path in modules("api", "functions", "shared", "infra", "samples", "bench")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ] == []
