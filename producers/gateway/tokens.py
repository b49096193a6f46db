"""JSON Web Tokens of a configured issuer, which stand for an API key.

What a token may is in it: nothing is looked up, and nobody can revoke it before it expires.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import jwt
import msgspec
from jwt import exceptions

from seedcast.producers.gateway.issuer_keys import IssuerKey, IssuerKeys
from seedcast.producers.gateway.problems import Problem
from seedcast.schemas.messages import Tenant
from seedcast.settings import JwtSettings
from seedcast.storage.accounts.keys import NO_LIMITS, SCOPES, ApiKey, Scope

_REQUIRED = ("exp", "iss", "aud")
_REASONS = {  # of the claims, which are read once the signature has been verified
    exceptions.ExpiredSignatureError: "the token has expired",
    exceptions.ImmatureSignatureError: "the token is not valid yet",
    exceptions.InvalidAudienceError: "the token is for another audience",
    exceptions.InvalidIssuerError: "the token is of another issuer",
    exceptions.InvalidSignatureError: "the token's signature is not valid",
    exceptions.InvalidKeyError: "the key of the token's signature is too short",
}


class Tokens:
    def __init__(self, settings: JwtSettings, keys: IssuerKeys) -> None:
        self._settings, self._keys = settings, keys

    async def key_of(self, token: str) -> ApiKey:
        """Return what the token may. Raises Problem: 401 with the reason; 503 without keys."""
        claims = await self._verified(token)
        tenant = self._tenant(claims)
        subject = f"{self._settings.issuer}\n{tenant}\n{claims.get('sub', '')}"
        digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
        return ApiKey(  # its limits are counted by subject: a client may have many tokens
            key_id=f"jwt-{digest[:16]}",
            name="token",
            tenant=tenant,
            scopes=self._scopes(claims),
            limits=NO_LIMITS,
            created_at=datetime.now(UTC),
            expires_at=None,  # it is verified with each request
            revoked_at=None,
        )

    async def _verified(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that is valid now."""
        try:
            header = jwt.get_unverified_header(token)
        except exceptions.InvalidTokenError:
            raise _refused("it is no JSON Web Token") from None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.algorithms:
            allowed = ", ".join(self._settings.algorithms)
            raise _refused(f"the token's signature must be one of {allowed}")
        key = await self._keys.find(algorithm, key_id)
        if key is None:
            raise _refused("the token names no key of the issuer")
        return self._decoded(token, key)

    def _decoded(self, token: str, key: IssuerKey) -> dict[str, Any]:
        settings = self._settings
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=list(settings.algorithms),
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=settings.leeway,
                options={"require": list(_REQUIRED), "enforce_minimum_key_length": True},
            )
        except exceptions.MissingRequiredClaimError as error:
            raise _refused(f"the token has no claim `{error.claim}`") from None
        except exceptions.PyJWTError as error:
            raise _refused(_REASONS.get(type(error), "the token is malformed")) from None

    def _tenant(self, claims: dict[str, Any]) -> str:
        claim = self._settings.tenant_claim
        try:
            return msgspec.convert(_claim(claims, claim), Tenant)
        except (msgspec.ValidationError, UnicodeEncodeError):
            form = "1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit"
            raise _refused(f"the token's claim `{claim}` is no tenant: expected {form}") from None

    def _scopes(self, claims: dict[str, Any]) -> tuple[Scope, ...]:
        """Return those that are ours: an issuer may grant others, too."""
        given = _claim(claims, self._settings.scope_claim)
        names = given.split() if isinstance(given, str) else given
        return tuple(scope for scope in SCOPES if isinstance(names, list) and scope in names)


def _claim(claims: dict[str, Any], name: str) -> object:
    """Return the claim of this name, or what lies at the path that it is; None if neither is there.

    Names may have dots of their own, as those that are addresses do.
    """
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _refused(message: str) -> Problem:
    told = {"www-authenticate": 'Bearer error="invalid_token"'}
    return Problem(401, "invalid_token", message, headers=told)
