"""How long the server takes to answer on an existing data directory, and what the demo takes in all."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.server import ROOT, Server


def server_start(folder: Path) -> float:
    """Seconds from starting `hansard serve` to its first answer, best of three; the data directory exists."""
    with Server(folder / "data"):
        pass
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        with Server(folder / "data") as server, server.client() as client:
            client.get("/health").raise_for_status()
            taken.append(time.perf_counter() - began)
    return min(taken)


def demo() -> float:
    """Seconds of `make demo` with the environment already installed."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "samples.demo"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(f"server start, existing data: {server_start(Path(folder)):.2f} s (target <= 3 s)")
    print(f"demo: {demo():.1f} s (target <= 45 s)")
