"""`make fuzz`: schemathesis against a server of its own, as several callers in turn; ends with 1 if it finds something.

It looks for answers that contradict the OpenAPI documents: of Speakr's API and of what stands at the root.
"""

import argparse
import base64
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from shared.domain.policy import Policy
from shared.wiring.settings import Settings
from tests.support import media
from tests.support.server import ROOT, Server

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
_DOCUMENTS = ("/api/v1/openapi.json", "/openapi.json")
#: What would take the caller's own token away.
_OWN_END = "DELETE /api/tokens/{token_id}"


class Unlimited(Settings):
    """As the environment says, but nobody is told to come back later."""

    def policy(self) -> Policy:
        return replace(super().policy(), rate_limits=False)


class FuzzedServer(Server):
    """A real server in a process of its own."""

    program = ("bench.fuzz", "serve")


@dataclass(frozen=True, slots=True)
class Caller:
    """`owner` makes what is there for those who cannot."""

    name: str
    token: str | None
    owner: "Caller | None" = None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which an operation contradicts its document."""

    operation: str
    title: str
    message: str
    call: str


def serve(port: int, data: Path) -> None:
    """What `FuzzedServer` runs."""
    from api.server import serve as run

    said = "Hansard answers at"
    run(Unlimited(data_dir=data), "127.0.0.1", port, lambda address: print(said, address, file=sys.stderr, flush=True))


def hansard(server: Server, *arguments: str) -> str:
    """What the command prints on standard output."""
    command = [sys.executable, "-m", "api", *arguments, "--data", str(server.data_dir)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def callers(server: Server) -> Sequence[Caller]:
    """Two users who share a group, a token that may only read, an administrator, and nobody."""
    ann, bob, ada = (hansard(server, "token", name) for name in ("ann", "bob", "ada"))
    hansard(server, "token", "ada", "--admin")
    hansard(server, "group", "add", "team")
    hansard(server, "group", "join", "team", "ann", "--admin")
    hansard(server, "group", "join", "team", "bob")
    reader = hansard(server, "token", "ann", "--scopes", "read")
    user = Caller("a user", ann)
    return (
        user,
        Caller("nobody", None, user),
        Caller("a member", bob),
        Caller("a reader", reader, user),
        Caller("an administrator", ada),
    )


def seed(server: Server, caller: Caller, sound: Path) -> dict[str, int]:
    """Makes one of each thing; what its path parameters are then called, with the numbers."""
    with server.client(headers=caller.headers) as client:
        named = {"name": f"name {time.monotonic_ns()}"}
        tag = client.post("/api/v1/tags", json=named).json()
        folder = client.post("/api/v1/folders", json=named).json()
        speaker = client.post("/api/v1/speakers", json=named).json()
        hook = {**named, "url": "https://192.88.99.1/hook", "events": ["recording.updated"]}
        webhook = client.post("/api/v1/webhooks", json=hook).json()
        with sound.open("rb") as file:
            fields = {"tag_ids[0]": str(tag.get("id", 0)), "folder_id": str(folder.get("id", 0)), "notes": "Fuzzed"}
            made = client.post("/api/v1/recordings/upload", files={"file": (sound.name, file)}, data=fields)
        number = made.json().get("id", 0)
        wait(client, number)
        delivery = client.post(f"/api/v1/webhooks/{webhook.get('id', 0)}/test").json()
    found = {"recording_id": number, "tag_id": tag, "folder_id": folder, "speaker_id": speaker, "webhook_id": webhook}
    found["delivery_id"] = delivery
    return {name: value if isinstance(value, int) else value.get("id", 0) for name, value in found.items()}


def wait(client: httpx2.Client, number: int) -> None:
    """Until the recording is finished, or there is none."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = client.get(f"/api/v1/recordings/{number}/status").json().get("status")
        if status not in ("PENDING", "PROCESSING", "SUMMARIZING"):
            return
        time.sleep(0.2)


def fuzz(
    server: Server, caller: Caller, document: str, seconds: int, known: Mapping[str, int], folder: Path
) -> list[Finding]:
    """One run of schemathesis. With `known` numbers it calls only what is there, and deletes nothing of it."""
    folder.mkdir()
    configuration = folder / "schemathesis.toml"
    lines = [f'"path.{name}" = {number}' for name, number in known.items()]
    configuration.write_text("\n".join(["[parameters]", *lines, ""]))
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration)),
        *("run", f"{server.url}{document}", "--checks", ",".join(_CHECKS), "--max-time", str(seconds)),
        *("--report", "ndjson", "--report-ndjson-path", str(folder / "report.ndjson"), "--output-truncate", "false"),
        *("--no-color", "--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "60"),
        *("--generation-with-security-parameters", "false", "--generation-database", "none", "--workers", "2"),
    ]
    for name, value in caller.headers.items():
        command += ["--header", f"{name}:{value}"]
    if known:
        command += ["--exclude-method", "DELETE"]
    if caller.token is not None:
        command += ["--exclude-name", _OWN_END]
    log = folder / "log.txt"
    with log.open("w") as output:
        code = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if code not in (0, 1):
        return [Finding(document, f"schemathesis ended with {code}", log.read_text()[-3000:], "")]
    print(f"  {counted(folder / 'report.ndjson')}", flush=True)
    return list(read(folder / "report.ndjson", document))


def read(report: Path, document: str) -> Iterator[Finding]:
    """What a run has found."""
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for case, checks in recorder.get("checks", {}).items():
                for check in checks:
                    call = recorder.get("interactions", {}).get(case, {})
                    if check["status"] == "failure" and not _meant(check, call):
                        yield _finding(document, check["failure_info"]["failure"], call)


def _meant(check: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
    """503 says that no language model is set. It has to be documented all the same, which is another check's affair."""
    return check["name"] == "not_a_server_error" and (call.get("response") or {}).get("status_code") == 503


def counted(report: Path) -> str:
    """How many calls a run has made, and how many of them went well: a run of refusals says little."""
    made, well = 0, 0
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            answers = [each.get("response") or {} for each in recorder.get("interactions", {}).values()]
            made += len(answers)
            well += sum(200 <= answer.get("status_code", 0) < 300 for answer in answers)
    return f"{made} calls, {well} of them successful"


def _finding(document: str, failure: Mapping[str, Any], call: Mapping[str, Any]) -> Finding:
    asked, answered = call.get("request") or {}, call.get("response") or {}
    body, content = (_text(each.get(name) or {}) for each, name in ((asked, "body"), (answered, "content")))
    shown = f"{asked.get('method')} {asked.get('uri')} {body}\n-> {answered.get('status_code')} {content}"
    place = document.removesuffix("/openapi.json")
    method, _, path = str(failure["operation"]).partition(" ")
    return Finding(f"{method} {place}{path}", failure["title"], str(failure["message"]), shown)


def _text(body: Mapping[str, Any] | str) -> str:
    raw = body.get("$base64", "") if isinstance(body, Mapping) else body
    return base64.b64decode(raw).decode(errors="backslashreplace")[:600]


def rounds(people: Sequence[Caller]) -> Iterator[tuple[Caller, str, bool]]:
    """Who calls what, and whether only with numbers that exist: without end."""
    for known in itertools.cycle((True, False)):
        for caller in people:
            for document in _DOCUMENTS:
                yield caller, document, known


def tell(findings: Sequence[tuple[Caller, Finding]]) -> None:
    """Each kind of finding once, with one call that shows it."""
    kinds: dict[tuple[str, str], list[tuple[Caller, Finding]]] = defaultdict(list)
    for caller, finding in findings:
        kinds[finding.operation, finding.title].append((caller, finding))
    for (operation, title), found in sorted(kinds.items()):
        who = ", ".join(sorted({caller.name for caller, _ in found}))
        example = min((finding for _, finding in found), key=lambda each: len(each.call))
        print(f"\n{operation}: {title} ({len(found)} times; {who})")
        print("  " + f"{example.message}\n{example.call}".strip().replace("\n", "\n  "))
    print(f"\n{len(kinds)} findings")


def run(minutes: float, only: str | None) -> int:
    """Fuzzes for that long. The exit code: 1 if anything was found."""
    findings: list[tuple[Caller, Finding]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        sound = media.wav(folder / "short.wav", media.speech(3))
        settings: dict[str, Any] = {"auth": "required", "enable_folders": "true", "workers": "1"}
        with FuzzedServer(folder / "data", **settings) as server:
            people = [each for each in callers(server) if only in (None, each.name)]
            end = time.monotonic() + minutes * 60
            turns = rounds(people)
            share = max(20, int(minutes * 60 / (4 * len(people))))
            while (left := int(end - time.monotonic())) > 5:
                caller, document, known = next(turns)
                seconds = min(share, left)
                numbers = seed(server, caller.owner or caller, sound) if known else {}
                print(f"{caller.name} at {document}, {seconds} s{', what is there' if known else ''}", flush=True)
                work = folder / f"run-{time.monotonic_ns()}"
                findings += [(caller, each) for each in fuzz(server, caller, document, seconds, numbers, work)]
                check_in(server, caller)
            logged = server.logged()
    tell(findings)
    if "Traceback" in logged:
        print(logged[logged.index("Traceback") - 200 :][:20_000])
    return 1 if findings or "Traceback" in logged else 0


def check_in(server: Server, caller: Caller) -> None:
    """A caller whose token is gone would find nothing any more."""
    with server.client(headers=caller.headers) as client:
        status = client.get("/api/v1/users/me").status_code
    if status != (401 if caller.token is None else 200):
        raise SystemExit(f"{caller.name} got {status} from /users/me: the rest would say nothing.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="how long in all (default: 15)")
    parser.add_argument("--only", help="the one caller to be, such as 'a user' or 'nobody'")
    inner = parser.add_subparsers(dest="command").add_parser("serve")
    inner.add_argument("--port", type=int)
    inner.add_argument("--data", type=Path)
    asked = parser.parse_args()
    if asked.command == "serve":
        serve(asked.port, asked.data)
    else:
        sys.exit(run(asked.minutes, asked.only))


if __name__ == "__main__":
    main()
