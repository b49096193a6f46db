"""An issuer of JSON Web Tokens on this machine: its keys, and a server that publishes them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from seedcast.embedded.stack_state import HOST

ISSUER, AUDIENCE = "https://issuer.example", "seedcast"


@cache
def private_key(algorithm: str, name: str = "") -> Any:
    """Return the private key of this name, which is made once."""
    if algorithm.startswith("ES"):
        curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        return ec.generate_private_key(curve[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if name == "short" else 2048)


def published(algorithm: str, name: str = "", **changes: Any) -> dict[str, Any]:
    """Return the public key of this name as a member of a JSON Web Key Set."""
    maker: Any = get_default_algorithms()[algorithm]
    key = maker.to_jwk(private_key(algorithm, name).public_key(), as_dict=True)
    key |= {"kid": f"{algorithm}-{name}", "alg": algorithm, "use": "sig", **changes}
    return _given(key)


def token(
    algorithm: str = "RS256", name: str = "", headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Return one for a minute, signed with the key of this name. None leaves a claim out."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "crm",
        "tenant": "bank",
        "scope": "openid speak read",
        "exp": time.time() + 60,
    } | changes
    named = {"kid": f"{algorithm}-{name}"} | (headers or {})
    return jwt.encode(_given(claims), private_key(algorithm, name), algorithm, _given(named))


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


class Issuer:
    """What it publishes, and how, may be changed while it runs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://{HOST}:{port}/keys"
        self.keys, self.status, self.body = list[dict[str, Any]](), 200, b""
        self.asked = 0  # times

    def answer(self) -> tuple[int, bytes]:
        self.asked += 1
        return self.status, self.body or json.dumps({"keys": self.keys}).encode()


@contextmanager
def issuer(*keys: dict[str, Any]) -> Iterator[Issuer]:
    """Run one that publishes these keys."""
    server = ThreadingHTTPServer((HOST, 0), _Handler)
    server.issuer = running = Issuer(server.server_port)  # type: ignore[attr-defined]
    running.keys = list(keys)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = self.server.issuer.answer()  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""
