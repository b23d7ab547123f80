"""Builds the zip that every Lambda runs: the locked dependencies for Lambda's platform, and our own code.

The same input gives the same bytes. `python -m infra.bundle [--out FILE]`
"""

import argparse
import fnmatch
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-lambda.lock"
#: Amazon Linux 2023, on which Lambda runs this Python, has glibc 2.34. serverless.yml names the same two.
PLATFORM = "x86_64-manylinux_2_34"
PYTHON = "3.13"

OURS = ("api", "functions", "shared")
#: Needs speech libraries, and runs on Modal.
_ELSEWHERE = "functions/gpu"

#: For compilers and type checkers.
_NOT_FOR_RUNNING = {".pyi", ".pyx", ".pxd", ".c", ".h", ".pyc"}
TESTS = {"tests", "testing"}
#: Files of a *.dist-info that programs read at run time: versions, and plugins.
_METADATA = {"METADATA", "entry_points.txt"}
#: What nothing in a Lambda imports or reads, by glob; tests/structure/test_bundle.py proves it.
LEFT_OUT = (
    "bin",
    # modal's own command line, and what shows things in a terminal for it.
    "modal/cli",
    "modal_docs",
    "modal/_watcher.py",
    "watchfiles",
    "click",
    "rich",
    "markdown_it",
    "mdurl",
    "pygments",
    # modal's services once more, for grpcio, which it does not use.
    "modal_proto/*_pb2_grpc.py",
    # Our page of the API is made by Swagger UI.
    "fastapi_offline/static/redoc.standalone.js",
    # Rows are read without it, and from Postgres alone.
    "sqlalchemy/orm",
    "sqlalchemy/ext/[abd-z]*",
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/dialects/sqlite",
    # A language model is asked for chat completions, nothing else.
    "openai/cli",
    "openai/resources/[abd-z]*",
    "openai/types/admin",
    "openai/types/audio",
    "openai/types/beta",
    "openai/types/evals",
    "openai/types/fine_tuning",
    "openai/types/live",
    "openai/types/realtime",
    "openai/lib/beta",
    "openai/lib/browser.py",
    "openai/lib/computer.py",
    "openai/lib/live",
    "openai/lib/responses_*",
    # cffi compiles nothing here.
    "pycparser",
    # Calendar files are in UTC.
    "tzdata/zoneinfo/[A-DF-TV-Z]*",
    "*-stubs",
)

# 1980-01-01 is the earliest a zip can say; there is no better time for a thing that does not change.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def build(out: Path) -> None:
    """Writes the zip to `out`. Raises CalledProcessError when a dependency cannot be had."""
    with tempfile.TemporaryDirectory() as packages:
        _install(Path(packages))
        files = {**dict(_dependencies(Path(packages))), **dict(_own())}
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, files[name])


def _install(target: Path) -> None:
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(target), "--link-mode", "copy"]
    platform = ["--python-platform", PLATFORM, "--python-version", PYTHON, "--only-binary", ":all:"]
    locked = ["--require-hashes", "--no-deps", "--requirements", str(LOCK)]
    subprocess.run([*command, *platform, *locked], check=True)


def _dependencies(packages: Path) -> Iterator[tuple[str, bytes]]:
    for path in packages.rglob("*"):
        name = PurePosixPath(path.relative_to(packages).as_posix())
        if path.is_file() and belongs(name):
            yield str(name), _lean(name, path.read_bytes())


def belongs(name: PurePosixPath) -> bool:
    """Whether a file of a package, named as in the zip, is taken along."""
    if name.parts[0].endswith(".dist-info"):
        return name.name in _METADATA
    if name.suffix in _NOT_FOR_RUNNING or TESTS & set(name.parts) or name.name == ".lock":
        return False
    places = [str(place) for place in (name, *name.parents)]
    return not any(fnmatch.fnmatch(place, left) for place in places for left in LEFT_OUT)


def _lean(name: PurePosixPath, data: bytes) -> bytes:
    if name.name == "METADATA":
        # The headers; behind them stands the project's whole page.
        return data.partition(b"\n\n")[0] + b"\n"
    return without_symbols(data)


def _own() -> Iterator[tuple[str, bytes]]:
    for package in OURS:
        for path in (ROOT / package).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and not name.startswith(f"{_ELSEWHERE}/"):
                yield name, path.read_bytes()


def without_symbols(data: bytes) -> bytes:
    """A shared library (64 bit, little-endian ELF) without what only debuggers and linkers read; the rest as it is.

    Whoever loads a library maps the segments that its program headers name. Sections such as `.debug_info` lie behind
    the last of them, and so does the table of sections, to which the header then must not point any more.
    """
    if not data.startswith(b"\x7fELF\x02\x01"):
        return data
    table, size, count = (*struct.unpack_from("<Q", data, 0x20), *struct.unpack_from("<HH", data, 0x36))
    end = table + size * count
    for at in range(table, end, size):
        offset, length = struct.unpack_from("<Q", data, at + 0x08)[0], struct.unpack_from("<Q", data, at + 0x20)[0]
        end = max(end, offset + length)
    kept = bytearray(data[:end])
    struct.pack_into("<Q", kept, 0x28, 0)
    struct.pack_into("<HH", kept, 0x3C, 0, 0)
    return bytes(kept)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.bundle", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "hansard.zip")
    out = parser.parse_args().out
    build(out)
    with zipfile.ZipFile(out) as bundle:
        unzipped = sum(entry.file_size for entry in bundle.infolist())
    sys.stdout.write(f"{out.name}: {out.stat().st_size / 1e6:.1f} MB, unzipped {unzipped / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
