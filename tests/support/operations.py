"""Every operation of the APIs that need a caller: whose it is, which scope a token needs, and a request that works.

The test of authorization compares this list with the OpenAPI documents, so that a route cannot be forgotten.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.domain.accounts import Scope


class Kind(StrEnum):
    """What others than the owner of a thing hear."""

    #: The thing is Ann's: 403.
    OWNED = "owned"
    #: Its existence is nobody's business: 404.
    HIDDEN = "hidden"
    #: It concerns the caller alone: everybody is answered, about themselves.
    OWN = "own"
    #: Each item of a list is judged by itself.
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Operation:
    """`ok` is the status for who may; `body` is JSON. `also` is a second scope that is needed."""

    kind: Kind
    scope: Scope
    ok: int = 200
    body: Any = None
    form: dict[str, Any] = field(default_factory=dict)
    also: Scope | None = None


R = "/api/v1/recordings/{recording_id}"
V1 = "/api/v1"
_OWNED, _HIDDEN, _OWN, _BATCH = Kind.OWNED, Kind.HIDDEN, Kind.OWN, Kind.BATCH
_HOOK = {"name": "n", "url": "https://example.com/hook", "events": ["recording.created"]}
_UPLOAD = {"filename": "a.wav", "size": 5, "content_type": "audio/wav"}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", f"{V1}/stats"): Operation(_OWN, Scope.READ),
    ("GET", f"{V1}/users/me"): Operation(_OWN, Scope.READ),
    ("PATCH", f"{V1}/users/me"): Operation(_OWN, Scope.ACCOUNT, body={"name": "N"}),
    ("PUT", f"{V1}/settings/auto-summarization"): Operation(_OWN, Scope.ACCOUNT, body={"enabled": True}),
    ("GET", f"{V1}/transcription"): Operation(_OWN, Scope.READ),
    ("POST", f"{V1}/recordings/upload"): Operation(
        _OWN, Scope.UPLOAD, 202, form={"files": {"file": ("a.wav", b"sound", "audio/wav")}}
    ),
    ("GET", f"{V1}/recordings"): Operation(_OWN, Scope.READ),
    ("GET", R): Operation(_OWNED, Scope.READ),
    ("PATCH", R): Operation(_OWNED, Scope.WRITE, body={"title": "T"}),
    ("DELETE", R): Operation(_OWNED, Scope.DELETE),
    ("GET", f"{R}/status"): Operation(_OWNED, Scope.READ),
    ("GET", f"{R}/transcript"): Operation(_OWNED, Scope.READ),
    ("GET", f"{R}/summary"): Operation(_OWNED, Scope.READ),
    ("PUT", f"{R}/summary"): Operation(_OWNED, Scope.WRITE, body={"summary": "S"}),
    ("GET", f"{R}/notes"): Operation(_OWNED, Scope.READ),
    ("PUT", f"{R}/notes"): Operation(_OWNED, Scope.WRITE, body={"notes": "N"}),
    ("GET", f"{R}/audio"): Operation(_OWNED, Scope.READ, 302),
    ("GET", f"{R}/events"): Operation(_OWNED, Scope.READ),
    ("GET", f"{R}/events/ics"): Operation(_OWNED, Scope.READ),
    ("POST", f"{R}/transcribe"): Operation(_OWNED, Scope.PROCESS, body={}),
    ("POST", f"{R}/summarize"): Operation(_OWNED, Scope.PROCESS, body={}),
    ("POST", f"{R}/regenerate_title"): Operation(_OWNED, Scope.PROCESS, also=Scope.READ),
    ("POST", f"{R}/chat"): Operation(_OWNED, Scope.PROCESS, body={"message": "What?"}, also=Scope.READ),
    # There is nothing to pause, resume or cancel in a finished recording.
    ("POST", f"{R}/pause"): Operation(_OWNED, Scope.PROCESS, 409),
    ("POST", f"{R}/resume"): Operation(_OWNED, Scope.PROCESS, 409),
    ("POST", f"{R}/cancel"): Operation(_OWNED, Scope.PROCESS, 409),
    ("POST", f"{R}/tags"): Operation(_OWNED, Scope.WRITE, body={"tag_ids": ["tag_id"]}),
    ("DELETE", f"{R}/tags/{{tag_id}}"): Operation(_OWNED, Scope.WRITE),
    ("GET", f"{R}/speakers"): Operation(_OWNED, Scope.READ),
    ("PUT", f"{R}/speakers/assign"): Operation(_OWNED, Scope.WRITE, body={"speaker_map": {}}),
    ("POST", f"{R}/speakers/identify"): Operation(_OWNED, Scope.PROCESS),
    ("PATCH", f"{V1}/recordings/batch"): Operation(
        _BATCH, Scope.WRITE, body={"recording_ids": ["recording_id"], "updates": {"is_inbox": False}}
    ),
    ("DELETE", f"{V1}/recordings/batch"): Operation(_BATCH, Scope.DELETE, body={"recording_ids": ["recording_id"]}),
    ("POST", f"{V1}/recordings/batch/transcribe"): Operation(
        _BATCH, Scope.PROCESS, body={"recording_ids": ["recording_id"]}
    ),
    ("GET", f"{V1}/tags"): Operation(_OWN, Scope.READ),
    ("POST", f"{V1}/tags"): Operation(_OWN, Scope.WRITE, 201, {"name": "new"}),
    ("PUT", f"{V1}/tags/{{tag_id}}"): Operation(_OWNED, Scope.WRITE, body={"name": "other"}),
    ("DELETE", f"{V1}/tags/{{tag_id}}"): Operation(_OWNED, Scope.WRITE),
    ("GET", f"{V1}/folders"): Operation(_OWN, Scope.READ),
    ("POST", f"{V1}/folders"): Operation(_OWN, Scope.WRITE, 201, {"name": "new"}),
    ("GET", f"{V1}/folders/{{folder_id}}"): Operation(_OWNED, Scope.READ),
    ("PUT", f"{V1}/folders/{{folder_id}}"): Operation(_OWNED, Scope.WRITE, body={"name": "other"}),
    ("PATCH", f"{V1}/folders/{{folder_id}}"): Operation(_OWNED, Scope.WRITE, body={"name": "other"}),
    ("DELETE", f"{V1}/folders/{{folder_id}}"): Operation(_OWNED, Scope.WRITE),
    ("GET", f"{V1}/speakers"): Operation(_OWN, Scope.READ),
    ("POST", f"{V1}/speakers"): Operation(_OWN, Scope.WRITE, 201, {"name": "new"}),
    ("PUT", f"{V1}/speakers/{{speaker_id}}"): Operation(_OWNED, Scope.WRITE, body={"name": "other"}),
    ("DELETE", f"{V1}/speakers/{{speaker_id}}"): Operation(_OWNED, Scope.DELETE),
    ("GET", "/speakers/suggestions/{recording_id}"): Operation(_OWNED, Scope.READ),
    ("GET", f"{V1}/webhooks"): Operation(_OWN, Scope.WEBHOOKS),
    ("POST", f"{V1}/webhooks"): Operation(_OWN, Scope.WEBHOOKS, 201, _HOOK),
    ("GET", f"{V1}/webhooks/{{webhook_id}}"): Operation(_HIDDEN, Scope.WEBHOOKS),
    ("PATCH", f"{V1}/webhooks/{{webhook_id}}"): Operation(_HIDDEN, Scope.WEBHOOKS, body={"name": "other"}),
    ("DELETE", f"{V1}/webhooks/{{webhook_id}}"): Operation(_HIDDEN, Scope.WEBHOOKS, 204),
    ("POST", f"{V1}/webhooks/{{webhook_id}}/rotate-secret"): Operation(_HIDDEN, Scope.WEBHOOKS),
    ("POST", f"{V1}/webhooks/{{webhook_id}}/test"): Operation(_HIDDEN, Scope.WEBHOOKS, 202, {}),
    ("GET", f"{V1}/webhooks/{{webhook_id}}/deliveries"): Operation(_HIDDEN, Scope.WEBHOOKS),
    ("GET", f"{V1}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}"): Operation(_HIDDEN, Scope.WEBHOOKS),
    ("POST", f"{V1}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}/replay"): Operation(
        _HIDDEN, Scope.WEBHOOKS, 202
    ),
    ("GET", "/api/tokens"): Operation(_OWN, Scope.ACCOUNT),
    ("POST", "/api/tokens"): Operation(_OWN, Scope.ACCOUNT, 201, {"name": "new"}),
    ("PATCH", "/api/tokens/{token_id}"): Operation(_HIDDEN, Scope.ACCOUNT, body={"name": "other"}),
    ("DELETE", "/api/tokens/{token_id}"): Operation(_HIDDEN, Scope.ACCOUNT),
    ("GET", "/api/transcript-templates"): Operation(_OWN, Scope.READ),
    ("POST", "/api/transcript-templates"): Operation(_OWN, Scope.WRITE, 201, {"name": "new", "template": "{{text}}"}),
    ("PUT", "/api/transcript-templates/{template_id}"): Operation(_HIDDEN, Scope.WRITE, body={"name": "other"}),
    ("DELETE", "/api/transcript-templates/{template_id}"): Operation(_HIDDEN, Scope.WRITE),
    ("GET", "/api/recordings/job-queue-status"): Operation(_OWN, Scope.READ),
    ("GET", "/api/recordings/{recording_id}"): Operation(_OWNED, Scope.READ),
    ("POST", "/uploads"): Operation(_OWN, Scope.UPLOAD, 201, _UPLOAD),
    ("GET", "/uploads/{upload_id}"): Operation(_OWNED, Scope.UPLOAD),
    ("POST", "/uploads/{upload_id}/complete"): Operation(_OWNED, Scope.UPLOAD, 409),
    ("DELETE", "/uploads/{upload_id}"): Operation(_OWNED, Scope.UPLOAD, 204),
}
