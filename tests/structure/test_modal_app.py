"""What modal_app.py may be: short, without logic, cheap to read, and pinned to what is tested here."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from shared.wiring.modal_settings import ModalSettings

ROOT = Path(__file__).parents[2]
SOURCE = (ROOT / "modal_app.py").read_text()
TREE = ast.parse(SOURCE)
HEAVY = ("av", "ctranslate2", "fastapi", "faster_whisper", "numpy", "openai", "pyannote", "sqlalchemy", "torch", "vllm")
#: How the packages of the images are imported, where that is not their name.
MODULES = {"pyannote.audio": "pyannote", "faster-whisper": "faster_whisper", "pydantic-settings": "pydantic_settings"}
#: What faster-whisper brings along, and what is only tried out: an engine that is not there says so.
BROUGHT = {"huggingface_hub", "pocketsphinx"}


def pins() -> list[str]:
    """The arguments of every `uv_pip_install` that are packages."""
    calls = [node for node in ast.walk(TREE) if isinstance(node, ast.Call) and _name(node.func) == "uv_pip_install"]
    assert len(calls) == 5
    return [
        value.value
        for call in calls
        for argument in call.args
        for value in ast.walk(argument)
        if isinstance(value, ast.Constant)
    ]


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def locked(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.M):
        found.setdefault(package.lower(), set()).add(version)
    return found


def test_it_is_short_and_has_no_logic() -> None:
    assert len(SOURCE.splitlines()) <= 150
    logic = ast.If | ast.For | ast.While | ast.Try | ast.IfExp | ast.comprehension | ast.Lambda | ast.Match | ast.BoolOp
    assert [node.lineno for node in ast.walk(TREE) if isinstance(node, logic)] == []


def test_deploying_reads_nothing_heavy() -> None:
    program = "import sys, modal_app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(HEAVY) == set()


def test_it_knows_nothing_but_the_wiring_of_modal() -> None:
    imported = {node.module for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom)}
    assert imported == {"shared.wiring", "shared.wiring.modal_settings"}
    names = {alias.name for node in ast.walk(TREE) if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"modal", "subprocess"}


def test_everything_in_the_images_is_pinned() -> None:
    assert [pin for pin in pins() if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert SOURCE.count("uv_version=UV") == SOURCE.count("uv_pip_install(")
    assert SOURCE.count("python_version=") == SOURCE.count("debian_slim(")


def test_the_pins_are_the_versions_that_are_tested() -> None:
    lock = locked("requirements.lock")
    shared = {name: version for name, _, version in (pin.partition("==") for pin in pins()) if name in lock}
    assert {"av", "faster-whisper", "ctranslate2", "httpx2", "numpy", "openai", "pydantic", "scipy"} <= shared.keys()
    assert {name: version for name, version in shared.items() if version not in lock[name]} == {}


def test_what_the_work_imports_is_in_the_images() -> None:
    graph = grimp.build_graph("api", "functions", "shared", include_external_packages=True, cache_dir=None)
    ours = {"functions", "shared"}
    reached = graph.find_upstream_modules("shared.wiring.modal") | graph.find_upstream_modules(
        "shared.wiring.modal_settings"
    )
    foreign = {name.partition(".")[0] for name in reached} - ours - set(sys.stdlib_module_names)
    packages = {pin.partition("==")[0] for pin in pins()}
    assert {"av", "httpx2", "numpy", "pydantic_settings"} <= foreign
    assert foreign <= {MODULES.get(package, package) for package in packages} | BROUGHT


@pytest.mark.skipif(sys.platform != "linux", reason="the containers run Linux, and its wheel is what is looked at")
def test_the_speech_image_carries_the_cuda_library_that_ctranslate2_opens() -> None:
    import ctranslate2

    folder = Path(ctranslate2.__file__).parents[1] / "ctranslate2.libs"
    (library,) = folder.glob("libctranslate2*.so*")
    opened = set(re.findall(rb"libcu(?:blas|dnn\w*|fft|sparse)\.so\.\d+", library.read_bytes()))
    assert opened == {b"libcublas.so.12"}
    assert "nvidia-cublas-cu12" in {pin.partition("==")[0] for pin in pins()}


def test_every_function_says_how_long_it_may_take_and_how_often_it_is_tried() -> None:
    decorators = [
        (decorator, node.name)
        for node in TREE.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in ("app.function", "app.cls")
    ]
    names = [name for _, name in decorators]
    assert names == ["download_models", "Transcriber", "Diarizer", "Summarizer", "process", "llm"]
    for decorator, name in decorators:
        given = {keyword.arg for keyword in decorator.keywords}
        assert "timeout" in given, name
        assert "retries" in given or "# No retries: " in _comment_above(decorator.lineno), name


def _comment_above(line: int) -> str:
    lines = SOURCE.splitlines()[: line - 1]
    comment: list[str] = []
    while lines[-1].startswith("#"):
        comment.insert(0, lines.pop())
    return "\n".join(comment)


def test_only_what_transcribes_and_the_language_model_pay_for_a_gpu() -> None:
    assert SOURCE.count("gpu=") == 2


def test_gpus_are_named_in_the_order_of_preference() -> None:
    assert ModalSettings(modal_gpu="L40S, A10 ,L4").gpus == ["L40S", "A10", "L4"]
    assert ModalSettings(modal_gpu="").gpus is None


def test_containers_see_the_settings_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = ModalSettings(model="small", modal_gpu="", modal_max_gpus=3)
    for name, value in deployed.environment().items():
        assert value is not None
        monkeypatch.setenv(name, value)
    assert ModalSettings() == deployed
