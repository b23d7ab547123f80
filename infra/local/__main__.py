"""`make cloud-local`: the deployed platform on this machine, with the sample meeting going through it.

Real: serverless.yml, the handlers, S3's and SQS's protocols, API Gateway's WebSockets with @connections, the modal
client, modal_app.py with its containers, Postgres. Stand-ins: MiniStack for S3 and SQS, serverless-offline for API
Gateway and Lambda, infra/local/modal_server.py for Modal's service.
"""

import argparse
import logging
import re
import sys
import threading
import time

import httpx2
from rich.console import Console
from rich.text import Text

from infra.local import cloud, walk

_COLOURS = {"client": "cyan", "websocket": "green", "modal": "magenta", "sqs": "yellow", "s3": "yellow"}
#: What serverless-offline says of hops: a request that comes in, a function that has answered, one that failed.
_REQUEST = re.compile(r"(?:ANY|POST|PUT|GET|DELETE) \S+ \(λ: \w+\)")
_ANSWERED = re.compile(r"\(λ: (\w+)\) RequestId: \S+\s+Duration: ([\d.]+) ms")
_TROUBLE = re.compile(r"Traceback|Error|error")


class Story:
    """Prints who does what, with the seconds since the beginning."""

    def __init__(self, console: Console, *, all_lines: bool) -> None:
        self._console = console
        self._all = all_lines
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def say(self, who: str, what: str) -> None:
        told = (who, what) if self._all else _hop(who, what.strip())
        if told is None:
            return
        who, what = told
        with self._lock:
            seconds = Text(f"{time.monotonic() - self._began:6.1f}  ", style="dim")
            self._console.print(seconds + Text(f"{who:<12}", style=_COLOURS.get(who, "bold")) + Text(what))


def _hop(who: str, what: str) -> tuple[str, str] | None:
    """A line as a hop; None for what is none."""
    if who == "modal":
        hop = what.removeprefix("modal: ")
        return None if hop.startswith("answers at") or not hop else ("modal", hop)
    if who != "offline" or " starts" in what:
        return who, what
    if answered := _ANSWERED.search(what):
        return "lambda", f"{answered[1]} took {float(answered[2]):.0f} ms"
    if _REQUEST.search(what):
        return "api gateway", what
    return (who, what) if _TROUBLE.search(what) else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--serve", action="store_true", help="stay up after the walk, until Ctrl-C")
    parser.add_argument("--verbose", action="store_true", help="print every line of every process")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    story = Story(Console(soft_wrap=True, highlight=False), all_lines=arguments.verbose)
    try:
        with cloud.running(story.say) as running:
            walk.walk(running, story.say)
            story.say("cloud-local", "COMPLETED")
            if arguments.serve:
                story.say("cloud-local", f"serves at {running.http} and {running.websocket} until Ctrl-C")
                threading.Event().wait()
    except KeyboardInterrupt:
        return 130
    except (walk.Failed, RuntimeError, OSError, httpx2.HTTPError) as error:
        story.say("cloud-local", f"FAILED: {error}")
        return 1
    story.say("cloud-local", "everything is stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
