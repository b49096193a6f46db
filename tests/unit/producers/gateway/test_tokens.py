"""A token of the issuer gets in with what it says; every other is refused with the reason."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from prometheus_client import REGISTRY

from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.issuer_keys import PAUSE, IssuerKeys
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.tokens import Tokens
from seedcast.settings import JwtSettings
from seedcast.storage.accounts.keys import ApiKey
from tests.builders import token_issuer
from tests.builders.token_issuer import AUDIENCE, ISSUER, Issuer, private_key, published, token
from tests.unit.producers.gateway.test_access import shown

ALL = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with token_issuer.issuer(published("RS256"), published("ES256")) as running:
        yield running


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def settings(source: str, **changes: Any) -> JwtSettings:
    given = {"issuer": ISSUER, "audience": AUDIENCE, "keys": source} | changes
    return JwtSettings.model_validate(given)


def tokens(source: str, clock: Clock | None = None, **changes: Any) -> Tokens:
    configured = settings(source, **changes)
    return Tokens(configured, IssuerKeys(configured, clock or Clock()))


def admitted(checked: Tokens, shown: str) -> ApiKey:
    return asyncio.run(checked.key_of(shown))


def refusal(checked: Tokens, shown: str) -> str:
    """Return why a token is refused with 401."""
    with pytest.raises(Problem) as refused:
        admitted(checked, shown)
    problem = refused.value
    assert (problem.status, problem.code) == (401, "invalid_token")
    assert problem.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    return problem.message


@pytest.mark.parametrize("algorithm", ALL)
def test_a_token_that_is_signed_in_any_allowed_way_gets_in(algorithm: str) -> None:
    with token_issuer.issuer(published(algorithm)) as running:
        key = admitted(tokens(running.url, algorithms=ALL), token(algorithm))
    assert (key.tenant, key.scopes) == ("bank", ("speak", "read"))
    assert key.key_id.startswith("jwt-")


def test_it_shares_the_limits_of_its_subject(issuer: Issuer) -> None:
    checked = tokens(issuer.url)
    first, again, other, foreign = (
        admitted(checked, token(**claims)).key_id
        for claims in ({}, {"jti": "2"}, {"sub": "erp"}, {"tenant": "clinic"})
    )
    assert first == again
    assert len({first, other, foreign}) == 3


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": time.time() - 3600}, "the token has expired"),
        ({"nbf": time.time() + 3600}, "the token is not valid yet"),
        ({"iss": "https://other.example"}, "the token is of another issuer"),
        ({"aud": "other"}, "the token is for another audience"),
        ({"aud": ["other", "third"]}, "the token is for another audience"),
        ({"exp": None}, "the token has no claim `exp`"),
        ({"iss": None}, "the token has no claim `iss`"),
        ({"aud": None}, "the token has no claim `aud`"),
        ({"exp": "soon"}, "the token is malformed"),
        ({"tenant": None}, "the token's claim `tenant` is no tenant"),
        ({"tenant": "../bank"}, "the token's claim `tenant` is no tenant"),
        ({"tenant": "b\ud800"}, "the token's claim `tenant` is no tenant"),
        ({"tenant": ["bank"]}, "the token's claim `tenant` is no tenant"),
        ({"tenant": "b" * 65}, "the token's claim `tenant` is no tenant"),
    ],
)
def test_wrong_claims_are_refused_with_the_reason(
    issuer: Issuer, claims: dict[str, Any], reason: str
) -> None:
    said = refusal(tokens(issuer.url), token(**claims))
    assert said.startswith(reason)
    assert ISSUER not in said, "it tells nobody what would be right"


def test_clocks_may_differ_by_the_leeway(issuer: Issuer) -> None:
    near = token(exp=time.time() - 20, nbf=time.time() + 20)
    assert admitted(tokens(issuer.url), near).tenant == "bank"
    assert refusal(tokens(issuer.url, leeway=0), near) in (
        "the token has expired",
        "the token is not valid yet",
    )


def test_claims_may_have_other_names_and_scopes_may_be_a_list(issuer: Issuer) -> None:
    checked = tokens(issuer.url, tenant_claim="https://x.example/org", scope_claim="roles")
    named = token(**{"https://x.example/org": "clinic"}, roles=["listen", "admin", 7, "speak"])
    key = admitted(checked, named)
    assert (key.tenant, key.scopes) == ("clinic", ("speak", "listen"))


def test_claims_may_lie_inside_others(issuer: Issuer) -> None:
    checked = tokens(issuer.url, tenant_claim="organization.id", scope_claim="realm_access.roles")
    inside = {"realm_access": {"roles": ["speak", "offline_access"]}}
    key = admitted(checked, token(organization={"id": "clinic"}, **inside))
    assert (key.tenant, key.scopes) == ("clinic", ("speak",))
    for outside in ({"realm_access": ["speak"]}, {"realm_access": "roles"}, {"roles": ["speak"]}):
        assert admitted(checked, token(organization={"id": "clinic"}, **outside)).scopes == ()
    assert "no tenant" in refusal(checked, token(organization={"name": "clinic"}, **inside))


@pytest.mark.parametrize("scope", [None, "", "admin", 7, {"speak": True}])
def test_a_token_without_our_scopes_has_none(issuer: Issuer, scope: Any) -> None:
    assert admitted(tokens(issuer.url), token(scope=scope)).scopes == ()


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(claims)}"


def test_none_and_hmac_with_the_public_key_are_refused(issuer: Issuer) -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "tenant": "bank", "exp": time.time() + 60}
    checked, reason = tokens(issuer.url), "the token's signature must be one of RS256, ES256"
    for none in ("none", "None", "NONE", "", None, ["RS256"]):
        assert refusal(checked, unsigned({"alg": none, "kid": "RS256-"}, claims) + ".") == reason
    pem = (
        private_key("RS256")
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    signed = unsigned({"alg": "HS256", "kid": "RS256-"}, claims)
    digest = hmac.digest(pem, signed.encode(), hashlib.sha256)
    confused = f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert refusal(checked, confused) == reason


def test_a_key_verifies_only_signatures_of_its_own_kind(issuer: Issuer) -> None:
    checked = tokens(issuer.url, algorithms=ALL)
    reason = "the token names no key of the issuer"
    confused = token("ES256", headers={"kid": "RS256-"})
    assert refusal(checked, confused) == reason
    assert refusal(checked, token("RS512", headers={"kid": "RS256-"})) == reason
    issuer.keys = [published("RS256", alg=None), published("ES256", alg=None)]
    assert refusal(tokens(issuer.url, algorithms=ALL), confused) == reason
    assert admitted(tokens(issuer.url, algorithms=ALL), token("RS256")).tenant == "bank"
    issuer.keys = [published("RS256", use="enc"), published("ES256")]
    assert refusal(tokens(issuer.url), token()) == reason


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_what_another_key_signed_is_refused(issuer: Issuer) -> None:
    forged = token("RS256", "stranger", headers={"kid": "RS256-"})
    assert refusal(tokens(issuer.url), forged) == "the token's signature is not valid"
    head, _, signature = token().split(".")
    other = unsigned({}, {"tenant": "clinic"}).split(".")[1]
    changed = f"{head}.{other}.{signature}"
    assert refusal(tokens(issuer.url), changed) == "the token's signature is not valid"
    issuer.keys = [published("RS256", "short")]
    short = refusal(tokens(issuer.url), token("RS256", "short"))
    assert short == "the key of the token's signature is too short"


@pytest.mark.parametrize("shown", ["a.b", "a.b.c", "...", "é.é.é", f"{'{'}.", "a" * 10_000 + "."])
def test_what_is_no_token_is_refused(issuer: Issuer, shown: str) -> None:
    assert refusal(tokens(issuer.url), shown) == "it is no JSON Web Token"


def test_an_extension_that_must_be_known_and_is_not_is_refused(issuer: Issuer) -> None:
    critical = token(headers={"crit": ["exp2"], "exp2": 1})
    assert refusal(tokens(issuer.url), critical) == "it is no JSON Web Token"


def test_a_token_without_a_key_id_needs_an_issuer_with_one_key(issuer: Issuer) -> None:
    anonymous = token(headers={"kid": None})
    assert admitted(tokens(issuer.url), anonymous).tenant == "bank", "one of RSA, one of EC"
    issuer.keys.append(published("RS256", "next"))
    assert refusal(tokens(issuer.url), anonymous) == "the token names no key of the issuer"


def test_a_new_key_works_at_once_and_a_withdrawn_one_no_more(
    issuer: Issuer, loop: asyncio.Runner
) -> None:
    clock = Clock()
    checked = tokens(issuer.url, clock)
    assert loop.run(checked.key_of(token())).tenant == "bank"
    issuer.keys = [published("RS256", "next")]
    clock.now += PAUSE
    assert loop.run(checked.key_of(token("RS256", "next"))).tenant == "bank"
    with pytest.raises(Problem, match="names no key"):
        loop.run(checked.key_of(token()))


def test_unknown_keys_have_the_set_read_no_more_than_once_in_a_while(
    issuer: Issuer, loop: asyncio.Runner
) -> None:
    checked = tokens(issuer.url, Clock())

    async def tried(count: int) -> list[Any]:
        unknown = (checked.key_of(token(headers={"kid": f"k{n}"})) for n in range(count))
        return await asyncio.gather(*unknown, return_exceptions=True)

    problems = loop.run(tried(50)) + loop.run(tried(50))
    assert {str(problem) for problem in problems} == {"the token names no key of the issuer"}
    assert issuer.asked == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b""), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"keys": []}')],
)
def test_while_the_issuer_is_away_the_keys_that_were_read_go_on(
    issuer: Issuer, loop: asyncio.Runner, status: int, body: bytes
) -> None:
    clock = Clock()
    checked, late = tokens(issuer.url, clock), tokens(issuer.url, clock)
    assert loop.run(checked.key_of(token())).tenant == "bank"
    issuer.status, issuer.body = status, body
    clock.now += 100 * PAUSE
    with pytest.raises(Problem, match="names no key"):
        loop.run(checked.key_of(token("RS256", "next")))
    assert issuer.asked == 2, "it was asked again"
    assert loop.run(checked.key_of(token())).tenant == "bank"
    with pytest.raises(Problem) as refused:
        loop.run(late.key_of(token()))
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert "retry-after" in refused.value.headers
    issuer.status, issuer.body = 200, b""
    clock.now += PAUSE
    assert loop.run(late.key_of(token())).tenant == "bank"


def test_keys_are_read_again_and_sooner_while_the_issuer_is_away(
    issuer: Issuer, loop: asyncio.Runner
) -> None:
    clock, pauses = Clock(), list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        issuer.status = 500
        clock.now += seconds
        if len(pauses) == 3:
            raise asyncio.CancelledError

    keys = IssuerKeys(settings(issuer.url, refresh=77), clock, pause)
    with pytest.raises(asyncio.CancelledError):
        loop.run(keys.keep_reading())
    assert pauses == [77, PAUSE, PAUSE]
    assert issuer.asked == 3
    age = REGISTRY.get_sample_value("seedcast_gateway_issuer_keys_age_seconds")
    assert age == 77 + 2 * PAUSE


def test_the_keys_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    checked = tokens(str(file), Clock())
    with pytest.raises(Problem) as refused:
        admitted(checked, token())
    assert refused.value.status == 503
    file.write_text(json.dumps({"keys": [published("RS256")]}))
    assert admitted(tokens(str(file)), token()).tenant == "bank"


def test_tokens_get_in_beside_keys_and_need_the_scope(issuer: Issuer) -> None:
    async def no_key(_: str) -> None:
        return None

    access = Access(no_key, tokens=tokens(issuer.url))

    def asked(scope: Any) -> ApiKey:
        return asyncio.run(access.require(shown(f"Bearer {token(scope='listen')}"), scope))

    assert asked("listen").tenant == "bank"
    with pytest.raises(Problem) as refused:
        asked("operate")
    assert (refused.value.status, refused.value.code) == (403, "missing_scope")


@pytest.mark.parametrize(
    "changes",
    [{"audience": ""}, {"keys": ""}, {"algorithms": ["HS256"]}, {"algorithms": ["none"]},
     {"algorithms": []}, {"leeway": 301}],
)  # fmt: skip
def test_settings_that_would_let_others_in_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        settings("https://issuer.example/keys", **changes)
