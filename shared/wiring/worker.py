"""The command of a process that does one task."""

import sys

# -P: a folder named `api` where the server is started must not stand in for ours.
WORKER_COMMAND = (sys.executable, "-P", "-m", "api.worker")
