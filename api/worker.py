"""`python -m api.worker`: does one task, read from standard input, and ends. Started by the process launcher."""

import argparse
import logging
import os
import signal
import sys
import threading

from functions.gpu import pipeline
from shared.adapters.http_reports import HttpReports
from shared.domain.errors import HansardError
from shared.domain.tasks import Failed
from shared.wire import task_from_json
from shared.wiring.gpu import engines
from shared.wiring.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m api.worker", description=__doc__)
    parser.add_argument("--processes", type=int, default=1, help="how many slices to work on at once")
    processes = parser.parse_args().processes
    settings = Settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    task = task_from_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_server, name="end-with-server", daemon=True).start()
    with HttpReports(task) as reports:
        try:
            chosen = engines(settings, processes)
        except HansardError as error:
            # A setting that cannot be: the person who waits has to hear of it.
            reports.send(Failed(str(error)))
        else:
            pipeline.run(task, reports, chosen)


def _end_with_server() -> None:
    """Standard input stays open as long as the server lives."""
    # Not sys.stdin: its lock would still be held when this process ends by itself.
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
