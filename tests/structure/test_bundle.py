"""The zip that every Lambda runs: what is in it, what is not, and that what is left out is never asked for."""

import ast
import importlib.metadata
import io
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from infra import bundle
from infra.local.modal_server import ModalServer
from shared.db.database import Database
from tests.support.world import World

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
#: What Lambda takes of code at once, and what an issue promises.
ZIPPED, UNZIPPED = 50 * MEGABYTE, 60 * MEGABYTE

#: The only files that ask for something that is left out, and when.
ASKED_FOR_BY = {
    "anyio/_backends/_trio.py": "beside trio, which is not there",
    "api/cli.py": "a command",
    "api/cli_options.py": "commands",
    "api/transcribe.py": "a command",
    "dotenv/cli.py": "a command",
    "httpx2/_main.py": "a command",
    "mako/ext/pygmentplugin.py": "mako.exceptions does without, if it is not there",
    "modal/__main__.py": "a command",
    "modal/_output/rich.py": "modal.enable_output(), for people at a terminal",
    "modal/serving.py": "modal serve",
    "pydantic/_internal/_core_utils.py": "a tool for pydantic's own developers",
    "api/imports.py": "a command",
    "cffi/cparser.py": "cffi, when it compiles",
}
#: Packages that import what they are asked for when they are asked: tests below ask.
LAZY = {"alembic", "openai", "sqlalchemy"}
#: The last parts of the names of what is left out: files that hold none of them need not be parsed.
WORDS = re.compile(
    rb"\b(tests|testing|cli|modal_docs|_watcher|watchfiles|click|rich|markdown_it|mdurl|pygments|pycparser|\w+_pb2_grpc)\b"
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundle") / "hansard.zip"
    bundle.build(file)
    return file


@pytest.fixture(scope="session")
def content(built: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(built) as file:
        return {name: file.read(name) for name in file.namelist()}


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)(?: ; .*)? \\$", (ROOT / name).read_text(), re.M))


def test_two_builds_are_the_same_to_the_byte(built: Path, tmp_path: Path) -> None:
    bundle.build(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == built.read_bytes()


def test_it_stays_small(built: Path, content: dict[str, bytes]) -> None:
    assert built.stat().st_size <= ZIPPED
    assert sum(map(len, content.values())) <= UNZIPPED


def test_all_of_our_code_is_in_it_but_the_speech_side(content: dict[str, bytes]) -> None:
    ours = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for package in ("api", "functions", "shared")
        for path in (ROOT / package).rglob("*.py")
    }
    expected = {name for name in ours if not name.startswith("functions/gpu/")}
    assert {name for name in content if name.split("/")[0] in ("api", "functions", "shared")} >= expected
    assert not [name for name in content if name.startswith("functions/gpu")]
    assert all(content[name] == ours[name] for name in expected)
    assert "shared/db/migrations/script.py.mako" in content


def test_neither_the_runtime_of_lambda_nor_speech_libraries_are_in_it(content: dict[str, bytes]) -> None:
    top = {name.split("/")[0] for name in content}
    absent = {"boto3", "botocore", "s3transfer", "numpy", "scipy", "av", "faster_whisper", "ctranslate2", "onnxruntime"}
    assert top & (absent | {"torch", "pyannote", "pocketsphinx", "uvicorn", "infra", "tests", "bin"}) == set()


def test_no_file_is_for_compilers_type_checkers_or_testers(content: dict[str, bytes]) -> None:
    suffixes = {PurePosixPath(name).suffix for name in content}
    assert suffixes & {".pyc", ".pyi", ".pyx", ".c", ".h"} == set()
    folders = {part for name in content for part in PurePosixPath(name).parent.parts}
    assert folders & {"__pycache__", "tests", "testing"} == set()


def test_compiled_code_is_for_lambda(content: dict[str, bytes]) -> None:
    x86_64, amd64_tag = 62, f"cpython-{bundle.PYTHON.replace('.', '')}-x86_64-linux-gnu"
    compiled = {name: data for name, data in content.items() if data.startswith(b"\x7fELF")}
    assert len(compiled) > 20
    for name, data in compiled.items():
        assert struct.unpack_from("<H", data, 18)[0] == x86_64, name
        if name.endswith(".so") and not name.endswith(".abi3.so"):
            assert name.endswith(f".{amd64_tag}.so")


def test_versions_can_be_asked_for_and_are_those_of_the_lock(content: dict[str, bytes]) -> None:
    found = {}
    for name, data in content.items():
        if name.endswith(".dist-info/METADATA"):
            headers = importlib.metadata.PathDistribution(zipfile.Path(io.BytesIO(zipped({name: data})), name[:-8]))
            found[re.sub(r"[-_.]+", "-", headers.metadata["Name"]).lower()] = headers.version
    assert found == locked("requirements-lambda.lock")


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def test_what_is_deployed_is_what_is_tested() -> None:
    deployed, tested = locked("requirements-lambda.lock"), locked("requirements-dev.lock")
    assert len(deployed) > 40
    assert {name: tested.get(name) for name in deployed} == deployed


def test_the_lock_names_no_address() -> None:
    text = (ROOT / "requirements-lambda.lock").read_text()
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)
    assert text.count("--hash=sha256:") >= len(locked("requirements-lambda.lock"))


# What is left out


def imports(name: str, source: bytes) -> Iterator[str]:
    """Every module that a file imports, wherever in it, by its full name."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, node.module) if node.module else above)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_left_out(module: str) -> bool:
    path = PurePosixPath(module.replace(".", "/"))
    return not (bundle.belongs(path) and bundle.belongs(path.with_suffix(".py")))


def test_the_words_are_those_of_what_is_left_out() -> None:
    whole = (left for left in bundle.LEFT_OUT if left.split("/")[0] not in LAZY)
    for left in (*whole, *bundle.TESTS):
        last = left.rpartition("/")[2].removesuffix(".py").replace("*_pb2_grpc", "api_pb2_grpc")
        assert last == "bin" or "-" in last or "." in last or WORDS.fullmatch(last.encode()), left


def test_nothing_that_runs_in_a_lambda_asks_for_what_is_left_out(content: dict[str, bytes]) -> None:
    asking = {
        name
        for name, data in content.items()
        if name.endswith(".py") and name.split("/")[0] not in LAZY
        if WORDS.search(data) and any(map(is_left_out, imports(name, data)))
    }
    assert asking == set(ASKED_FOR_BY)


#: In a Lambda beside the bundle: boto3 with what it needs.
RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"}
ONLY_THE_BUNDLE = """
import importlib, sys
from pathlib import PurePosixPath
sys.path.insert(0, {root!r})
from infra.bundle import belongs

class NotThere:
    def find_spec(self, name, path=None, target=None):
        file = PurePosixPath(name.replace(".", "/"))
        taken = belongs(file) and belongs(file.with_suffix(".py")) and file.parts[:2] != ("functions", "gpu")
        if not taken or file.parts[0] in {missing!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, NotThere())
"""


def in_a_lambda(program: str, content: dict[str, bytes], **environment: str) -> str:
    """What a program prints that can import only what a Lambda can: this machine's copies, of the same versions."""
    bundled = {name.split("/")[0].split(".")[0] for name in content}
    missing = set(importlib.metadata.packages_distributions()) - bundled - RUNTIME
    assert {"numpy", "uvicorn", "rich"} <= missing
    code = ONLY_THE_BUNDLE.format(root=str(ROOT), missing=missing) + program
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bundle_has_all_that_handlers_import(content: dict[str, bytes]) -> None:
    triggers = [f"functions.aws.{path.stem}" for path in (ROOT / "functions" / "aws").glob("[a-z]*.py")]
    assert len(triggers) > 9
    first_request = ["api.app", "shared.wiring.cloud", "shared.services.sweep", "shared.db.migrations"]
    lazily = ["alembic.command", "boto3", "httpx2", "jose.jwt", "mako.exceptions", "modal", "psycopg"]
    in_a_lambda(
        f"for name in {['api.lambda_handler', *triggers, *first_request, *lazily]!r}: importlib.import_module(name)",
        content,
    )


def test_the_bundle_has_all_that_starting_work_on_modal_takes(content: dict[str, bytes]) -> None:
    program = """
from shared.adapters.modal_launcher import ModalLauncher
from shared.domain.tasks import TranscribeTask
launcher = ModalLauncher("hansard", None, None, None)
reference = launcher.launch(TranscribeTask(1, 1, "http://127.0.0.1:9/audio", "http://127.0.0.1:9/jobs/1", "token"))
launcher.cancel(reference)
print(reference)
"""
    with ModalServer() as server:
        server.deploy()
        assert in_a_lambda(program, content, **server.environment, MODAL_CONFIG_PATH=os.devnull).startswith("fc-")


def test_the_bundle_has_all_that_asking_a_language_model_takes(content: dict[str, bytes]) -> None:
    program = """
from shared.adapters.openai_model import OpenAIModel
from shared.domain.errors import Unavailable
try:
    OpenAIModel("http://127.0.0.1:9/v1", "key", "nano").complete([], max_tokens=5, temperature=0.0, json=True)
except Unavailable as error:
    print(error)
"""
    assert "cannot be reached" in in_a_lambda(program, content)


def test_the_bundle_has_all_that_the_database_and_calendar_files_take(
    content: dict[str, bytes], database: Database
) -> None:
    world = World(database)
    recording = world.upload()
    program = f"""
from datetime import UTC, datetime
from shared.db import accounts, recordings, speakers, stats, webhooks
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.dialects.speakr.calendar import ics
from shared.domain.recordings import EventRef, Listing
database = Database({database.url!r})
print(migrate(database))
with database.begin() as tx:
    accounts.add_user(tx, "bob", email="bob@example.com")
    print(recordings.by_id(tx, {recording.id}).original_filename)
    print(webhooks.enqueue(tx, {recording.user_id}, "recording.created", {{}}, datetime.now(UTC)))
begin = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
print(ics([EventRef(1, "Lunch", begin, None, None, None, (), 15, begin)]))
"""
    printed = in_a_lambda(program, content)
    assert recording.original_filename in printed
    assert "DTSTART:20260304T103000Z" in printed


# Libraries without symbols


@pytest.mark.skipif(platform.system() != "Linux", reason="libraries are ELF files on Linux only")
def test_libraries_work_without_their_symbols(tmp_path: Path) -> None:
    """This machine's own, treated as Lambda's are in the bundle."""
    site = Path(sysconfig.get_path("platlib"))
    packages = ["sqlalchemy", "aiohttp", "multidict", "cbor2", "pydantic_core", "markupsafe", "psycopg_binary"]
    for name in [*packages, "psycopg_binary.libs"]:
        shutil.copytree(site / name, tmp_path / name)
    libraries = [path for path in tmp_path.rglob("*") if path.is_file() and ".so" in path.suffixes]
    before = sum(path.stat().st_size for path in libraries)
    for path in libraries:
        path.write_bytes(bundle.without_symbols(path.read_bytes()))
    assert sum(path.stat().st_size for path in libraries) < 0.8 * before
    modules = [
        ".".join(path.relative_to(tmp_path).with_name(path.name.split(".")[0]).parts)
        for path in libraries
        if path.parent.suffix != ".libs"
    ]
    assert len(modules) > 15
    program = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
import psycopg
for name in {modules!r}:
    found = importlib.import_module(name)
    assert found.__file__.startswith({str(tmp_path)!r}) and found.__file__.endswith(".so"), found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_no_library_stays_as_it_is() -> None:
    for data in (b"", b"import os\n", b"\x7fELF", b"\x7fELF\x01\x01 of 32 bits"):
        assert bundle.without_symbols(data) == data
