"""An OAuth 2.0 token endpoint on this machine: a double of a company's identity provider.

It grants RS256-signed JWTs by client credentials, and publishes its key for brokers to check them.
"""

import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

from seedcast.embedded.stack_state import HOST


@dataclass
class TokenEndpoint:
    """What it answers may be changed while it runs."""

    port: int
    secrets: dict[str, str] = field(default_factory=dict)  # by client id, which is the subject
    life: float = 300.0  # seconds
    signs_with: str = "published"  # another: a key that brokers do not know
    status: int = 200  # another: what it answers instead of a token
    body: bytes | None = None  # instead of what it would answer
    valid_until: float = 0.0  # seconds since the epoch; the last token's end
    asked: list[dict[str, str]] = field(default_factory=list)  # the form of each request

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/token"

    @property
    def keys_url(self) -> str:
        return f"http://{HOST}:{self.port}/keys"

    @property
    def all_have_expired(self) -> bool:
        """True if no token that was granted is valid now."""
        return time.time() > self.valid_until

    def granted(self) -> int:
        """Return how many tokens were asked for and granted."""
        return sum(form["status"] == "200" for form in self.asked)

    def grant(self, login: str, form: str) -> tuple[int, bytes]:
        """Answer a request for a token; `login` is the content of its Authorization header."""
        fields = {name: values[0] for name, values in parse_qs(form).items()}
        client, secret = map(unquote_plus, b64decode(login.split()[1]).decode().split(":"))
        status, answer = self.status, self.body or b""
        if status == 200 and self.body is None:
            if fields.get("grant_type") != "client_credentials":
                status, answer = 400, b'{"error": "unsupported_grant_type"}'
            elif self.secrets.get(client) != secret:
                status, answer = 401, b'{"error": "invalid_client", "error_description": "no"}'
            else:
                granted = {"access_token": self.token(client), "expires_in": self.life}
                answer = json.dumps(granted).encode()
        self.asked.append({**fields, "client": client, "status": str(status)})
        return status, answer

    def token(self, subject: str) -> str:
        now = time.time()
        self.valid_until = now + self.life
        claims = {"sub": subject, "iat": now, "exp": now + self.life}
        signed = f"{_part({'alg': 'RS256', 'kid': 'test'})}.{_part(claims)}"
        signature = pkcs1_15.new(_key(self.signs_with)).sign(SHA256.new(signed.encode()))
        return f"{signed}.{_encoded(signature)}"

    def keys(self) -> bytes:
        """Return the JSON Web Key Set."""
        published = _key("published")
        numbers = {"n": published.n, "e": published.e}
        key = {name: _encoded(_bytes(int(number))) for name, number in numbers.items()}
        return json.dumps({"keys": [{"kty": "RSA", "kid": "test", "alg": "RS256", **key}]}).encode()


@contextmanager
def token_endpoint(**secrets: str) -> Iterator[TokenEndpoint]:
    """Run one that knows these clients."""
    server = ThreadingHTTPServer((HOST, 0), _Handler)
    endpoint = TokenEndpoint(server.server_port, dict(secrets))
    server.endpoint = endpoint  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(*self._endpoint.grant(self.headers["Authorization"], form))

    def do_GET(self) -> None:
        self._answer(200, self._endpoint.keys())

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    @property
    def _endpoint(self) -> TokenEndpoint:
        found = self.server.endpoint  # type: ignore[attr-defined]
        assert isinstance(found, TokenEndpoint)
        return found

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@cache
def _key(_name: str) -> RSA.RsaKey:
    return RSA.generate(2048)


def _part(value: dict[str, object]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
