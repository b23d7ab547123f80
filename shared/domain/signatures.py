"""How deliveries are signed: Speakr's headers, and those of Standard Webhooks (standardwebhooks.com) beside them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from shared.domain.webhooks import Attempt

_USER_AGENT = "Speakr-Webhook/1.0 (Hansard)"


def headers(attempt: Attempt, body: bytes, now: datetime) -> dict[str, str]:
    """All that goes with `body` at `now`. Times are of this attempt; the time of the event is in the body."""
    secrets = attempt.webhook.secrets(now)
    event_id, seconds = str(attempt.event_id), str(int(now.timestamp()))
    timed = [_mac(secret, f"{seconds}.".encode() + body).hex() for secret in secrets]
    standard = [_mac(secret, f"{event_id}.{seconds}.".encode() + body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        "Speakr-Signature": f"sha256={_mac(attempt.webhook.secret, body).hex()}",
        "Speakr-Signature-V2": ",".join([f"t={seconds}", *(f"v1={mac}" for mac in timed)]),
        "Speakr-Delivery-Id": event_id,
        "Speakr-Event": attempt.event_type,
        "Speakr-Timestamp": now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "Speakr-Attempt": str(attempt.number),
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in standard),
    }


def signing_key(secret: str) -> str:
    """The secret as verifiers of Standard Webhooks take it: they decode it to the very bytes that sign."""
    return f"whsec_{base64.b64encode(secret.encode()).decode()}"


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()
