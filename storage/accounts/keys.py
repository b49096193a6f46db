"""API keys: what one is, and which may be made."""

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Literal, get_args

import msgspec

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Tenant

Scope = Literal["speak", "submit", "read", "listen", "operate"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

MAX_NAME = 100  # characters
MAX_LIMIT = 10**12
_SECRET = "sk-seedcast-"  # noqa: S105  # what secrets begin with, so that scanners know one


class KeyLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one key may use; None is the gateway's default."""

    requests_per_second: float | None = None
    characters_per_minute: int | None = None
    concurrency: int | None = None  # requests at the same time
    queued_characters: int | None = None  # in campaigns, not spoken yet
    stored_bytes: int | None = None  # of its files that are not deleted


NO_LIMITS = KeyLimits()


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. Times are to the millisecond, in UTC."""

    key_id: str
    name: str
    tenant: str
    scopes: tuple[Scope, ...]  # in the order of SCOPES
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None  # None: never
    revoked_at: datetime | None  # None: it is not

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= now
        return "expired" if is_over else "valid"


def new_secret() -> str:
    """Return a secret of 256 random bits: so many need no salt, and no slow hash."""
    return _SECRET + secrets.token_urlsafe(32)


def has_form(text: str) -> bool:
    """Return False for what can be no secret."""
    return re.fullmatch(_SECRET + r"[\w-]{43}", text, re.ASCII) is not None


def hash_of(secret: str) -> bytes:
    """Return what is stored of a secret: its SHA-256. Takes any string."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def check(
    name: str,
    tenant: str,
    scopes: Collection[str],
    limits: KeyLimits,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Raises InvalidInput if there can be no such key."""
    if not (0 < len(name) <= MAX_NAME and name.isprintable() and name.strip()):
        expected = f"1 to {MAX_NAME} visible characters"
        raise InvalidInput("name of the key", expected=expected, got=repr(name[:200]))
    check_tenant(tenant)
    _check_scopes(scopes)
    for limit, value in msgspec.structs.asdict(limits).items():
        if value is not None and not 0 < value <= MAX_LIMIT:
            expected = f"more than 0, at most {MAX_LIMIT:,}"
            raise InvalidInput(limit.replace("_", " "), expected=expected, got=f"{value}")
    if expires_at and not (expires_at.tzinfo and expires_at > now):
        expected = f"a time with its zone, after {now.isoformat(timespec='seconds')}"
        raise InvalidInput("end of the key", expected=expected, got=expires_at.isoformat())


def check_tenant(tenant: str) -> None:
    """Raises InvalidInput for what no tenant can be called."""
    try:
        msgspec.convert(tenant, Tenant)
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise InvalidInput(
            "tenant",
            expected="1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit",
            got=repr(tenant[:200]),
        ) from None


def _check_scopes(scopes: Collection[str]) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidInput(
            "scope",
            expected=f"one or more of {', '.join(SCOPES)}",
            got=", ".join(map(repr, unknown)) or "none",
        )


def known_form(key_id: str) -> str:
    """Return a key id as it is. Raises InvalidInput if no key can have it."""
    if not key_id.isprintable():  # U+0000, which PostgreSQL does not take
        raise unknown(key_id)
    return key_id


def unknown(key_id: str) -> InvalidInput:
    return InvalidInput(
        "no key has this id",
        expected="a key id",
        got=repr(key_id[:200]),
        remedy="`seedcast keys list` shows them",
    )
