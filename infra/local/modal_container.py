"""`python -m infra.local.modal_container`: one container of the Modal stand-in.

It runs the entrypoint of Modal's own containers, from the modal package, and ends when the stand-in does.
"""

import os
import runpy
import signal
import threading


def main() -> None:
    threading.Thread(target=_end_with_server, name="end-with-server", daemon=True).start()
    runpy.run_module("modal._container_entrypoint", run_name="__main__")


def _end_with_server() -> None:
    """Standard input stays open as long as the stand-in lives."""
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
