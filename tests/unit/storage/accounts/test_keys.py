"""Which API keys may be made, and what secrets are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seedcast.errors import InvalidInput
from seedcast.storage.accounts import keys
from seedcast.storage.accounts.keys import MAX_LIMIT, NO_LIMITS, SCOPES, KeyLimits

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
RIGHT: dict[str, Any] = {
    "name": "CRM «Nord»",
    "tenant": "acme",
    "scopes": SCOPES,
    "limits": KeyLimits(requests_per_second=0.1, concurrency=1, queued_characters=MAX_LIMIT),
    "expires_at": NOW + timedelta(seconds=1),
    "now": NOW,
}


def test_secrets_differ_and_have_256_bits() -> None:
    found = {keys.new_secret() for _ in range(100)}
    assert len(found) == 100
    for secret in found:
        before, prefix, random = secret.partition("sk-seedcast-")
        assert (before, prefix, len(random)) == ("", "sk-seedcast-", 43)
        assert random.replace("-", "").replace("_", "").isalnum()
        assert random.isascii()


@pytest.mark.parametrize(
    "other", [{}, {"expires_at": None}, {"limits": NO_LIMITS}, {"scopes": ["speak"]}]
)
def test_a_key_with_any_scopes_and_limits_may_be(other: dict[str, Any]) -> None:
    keys.check(**(RIGHT | other))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "name of the key; expected 1 to 100 visible"),
        ({"name": "  "}, "name of the key; "),
        ({"name": "x" * 101}, "name of the key; "),
        ({"name": "a\nb"}, "name of the key; "),
        ({"tenant": ""}, "tenant; expected 1 to 64 letters"),
        ({"tenant": "a/b"}, "got 'a/b'"),
        ({"tenant": "\udcff"}, "tenant; "),
        ({"scopes": []}, "expected one or more of speak, submit, read, listen, operate; got none"),
        ({"scopes": ["speak", "admin"]}, "got 'admin'"),
        ({"limits": KeyLimits(concurrency=0)}, "concurrency; expected more than 0"),
        ({"limits": KeyLimits(requests_per_second=-1)}, "requests per second; "),
        ({"limits": KeyLimits(requests_per_second=float("nan"))}, "got nan"),
        ({"limits": KeyLimits(requests_per_second=float("inf"))}, "got inf"),
        ({"limits": KeyLimits(queued_characters=MAX_LIMIT + 1)}, "at most 1,000,000,000,000"),
        ({"expires_at": NOW}, "end of the key; expected a time with its zone, after 2026-11-30T20"),
        ({"expires_at": datetime(2027, 1, 1)}, "got 2027-01-01T00:00:00"),
    ],
)
def test_a_key_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keys.check(**(RIGHT | wrong))
    assert message in str(refused.value)
