"""An identity provider: keys, tokens signed with them, and an address that says the keys."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jose import jwk, jwt

ISSUER = "https://login.example.org/realms/one"
AUDIENCE = "hansard"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key per name; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(name: str, bits: int = 2048) -> str:
    return rsa_key(name, bits).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(name: str, bits: int = 2048) -> str:
    return rsa_key(name, bits).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def as_jwk(name: str, bits: int = 2048, **said: Any) -> dict[str, Any]:
    key = {**jwk.construct(public_pem(name, bits), "RS256").to_dict(), "kid": name, "use": "sig", **said}
    return {field: value for field, value in key.items() if value is not None}


def claims(**changes: Any) -> dict[str, Any]:
    """Good ones; a change to None leaves one out."""
    said = {"iss": ISSUER, "sub": "42", "aud": AUDIENCE, "exp": int(time.time()) + 60, **changes}
    return {name: value for name, value in said.items() if value is not None}


def signed(key: str, /, kid: str | None = "", **changes: Any) -> str:
    """A token by the key of that name; `kid` "" names it, None names none."""
    headers = {} if kid is None else {"kid": kid or key}
    return jwt.encode(claims(**changes), private_pem(key), algorithm="RS256", headers=headers)


def made_up(header: Any, body: Any = None, signature: bytes | str = "") -> str:
    """Three parts that nobody has signed, or somebody has signed by hand."""
    tail = signature if isinstance(signature, str) else base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{part(header)}.{part(claims() if body is None else body)}.{tail}"


def part(data: Any) -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


class Provider:
    """Answers with `keys`, or with `raw` bytes, or with `status`; `asked` counts."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys: list[Any] = list(keys)
        self.raw: bytes | None = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = 0
        self.url = ""

    def body(self) -> bytes:
        return json.dumps({"keys": self.keys}).encode() if self.raw is None else self.raw


@contextmanager
def provider(*keys: dict[str, Any]) -> Iterator[Provider]:
    """A provider on the loopback."""
    serving = Provider(*keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serving.asked += 1
            self.send_response(serving.status)
            for name, value in serving.headers.items():
                self.send_header(name, value)
            self.end_headers()
            # The client may have heard enough.
            with contextlib.suppress(OSError):
                self.wfile.write(serving.body())

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    serving.url = f"http://127.0.0.1:{server.server_port}/jwks"
    try:
        yield serving
    finally:
        server.shutdown()
        server.server_close()
