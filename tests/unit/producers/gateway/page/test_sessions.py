"""Who signs in gets a cookie, and no other site's page can use it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seedcast.storage.accounts.keys import SCOPES, KeyLimits, hash_of
from tests.builders.pages_served import HOST, OWN, PagesServed, pages_served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[PagesServed]:
    with pages_served(tmp_path) as made:
        yield made


@pytest.fixture
def visitor(served: PagesServed) -> PagesServed:
    """Somebody who has signed in with every scope."""
    assert served.sign_in(served.key()[1]).status_code == 303
    return served


def test_a_key_signs_in_and_the_cookie_has_not_the_key(served: PagesServed) -> None:
    _, secret = served.key()
    answer = served.sign_in(secret)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie, "it came by http"
    assert secret not in cookie
    assert "test" in served.client.get("/").text
    assert served.client.get("/v1/things").text == "bank", "the API takes the session, too"


def test_a_page_by_https_gets_a_cookie_for_https_alone(served: PagesServed) -> None:
    cookie = served.sign_in(served.key()[1], origin=f"https://{HOST}").headers["set-cookie"]
    assert cookie.startswith("__Host-seedcast-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize("secret", ["", "sk-seedcast-" + "x" * 43, "once-unknown", "\x00" * 99])
def test_a_wrong_key_is_told_in_a_sentence(served: PagesServed, secret: str) -> None:
    answer = served.sign_in(secret)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text  # type: ignore[attr-defined]
    assert "set-cookie" not in answer.headers


def test_a_token_is_told_that_it_is_no_key(served: PagesServed) -> None:
    answer = served.sign_in("eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl")
    assert answer.status_code == 401
    assert "This is a token of an issuer" in answer.text  # type: ignore[attr-defined]
    assert "eyJ" not in answer.text  # type: ignore[attr-defined]


def test_who_has_not_signed_in_is_led_there(served: PagesServed) -> None:
    answer = served.client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")
    assert served.client.get("/v1/things").status_code == 401


def test_a_session_ends_with_its_key(visitor: PagesServed) -> None:
    [key] = visitor.accounts.keys()
    cookies = visitor.client.cookies
    with pages_served(visitor.folder) as replica:
        replica.client.cookies = cookies
        assert replica.client.get("/v1/things").status_code == 200
    visitor.accounts.revoke(key.key_id)
    with pages_served(visitor.folder) as replica:
        replica.client.cookies = cookies
        assert replica.client.get("/v1/things").status_code == 401


def test_a_session_ends_when_it_is_not_used_and_at_its_own_end(served: PagesServed) -> None:
    key, _ = served.key()
    sessions, begun = served.accounts.sessions, datetime(2026, 1, 1, tzinfo=UTC)
    secret = sessions.begin(key.key_id, begun, timedelta(hours=5))
    digest, idle = hash_of(secret), timedelta(hours=2)

    def is_valid(hours: float) -> bool:
        return digest in sessions.use([digest], begun + timedelta(hours=hours), idle)

    assert [is_valid(hours) for hours in (0, 1.9, 3.8)] == [True] * 3, "each use counts"
    assert not is_valid(5.0), "its own end"
    another = sessions.begin(key.key_id, begun, timedelta(hours=5))
    assert not sessions.use([hash_of(another)], begun + idle, idle)
    assert sessions.forget(begun + timedelta(hours=6), idle) == 2


def test_a_session_ends_no_later_than_its_key(served: PagesServed) -> None:
    now = datetime.now(UTC)
    ends = now + timedelta(minutes=5)
    key, _ = served.accounts.add_key("short", "bank", SCOPES, KeyLimits(), ends)
    digest = hash_of(served.accounts.sessions.begin(key.key_id, now, timedelta(hours=5)))
    found = served.accounts.sessions.use([digest], now, timedelta(hours=2))[digest]
    assert found.expires_at is not None
    assert abs(found.expires_at - ends) < timedelta(milliseconds=2)


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(visitor: PagesServed) -> None:
    cookies = dict(visitor.client.cookies)
    answer = visitor.client.post(
        "/logout", data={"token": visitor.token()}, headers=OWN, follow_redirects=False
    )
    assert answer.headers["location"] == "/login"
    visitor.client.cookies.update(cookies)
    assert visitor.client.get("/v1/things").status_code == 401


def test_a_link_signs_in_once_and_for_a_minute(served: PagesServed) -> None:
    key, _ = served.key(name="opened")
    sessions, now = served.accounts.sessions, datetime.now(UTC)
    link, old = sessions.add_link(key.key_id, now), sessions.add_link(key.key_id, now)
    assert sessions.take_link(old, now + timedelta(seconds=61)) is None
    assert sessions.take_link(old, now) is None, "whoever came late has used it up"
    assert served.sign_in(link).status_code == 303
    assert "opened" in served.client.get("/").text
    again = served.sign_in(link)
    assert (again.status_code, "older than a minute" in again.text) == (401, True)  # type: ignore[attr-defined]


def test_the_links_of_a_revoked_key_open_nothing(served: PagesServed) -> None:
    key, _ = served.key()
    link = served.accounts.sessions.add_link(key.key_id, datetime.now(UTC))
    served.accounts.revoke(key.key_id)
    assert served.sign_in(link).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8701"},
        {"origin": "null"},
        {"origin": "http://[::1"},
        {**OWN, "sec-fetch-site": "cross-site"},
    ],
)
def test_what_no_page_of_ours_asks_changes_nothing(
    visitor: PagesServed, headers: dict[str, str]
) -> None:
    token = visitor.token()
    posted = {"token": token, "name": "x"}
    form = visitor.client.post("/form", data=posted, headers=headers)
    api = visitor.client.post("/v1/things", headers={**headers, "x-csrf-token": token})
    login = visitor.client.post("/login", data={"secret": visitor.key()[1]}, headers=headers)
    assert [form.status_code, api.status_code, login.status_code] == [403] * 3
    assert visitor.written == []


@pytest.mark.parametrize("token", [None, "", "f" * 64, "é"])
def test_a_form_without_the_sessions_token_changes_nothing(
    visitor: PagesServed, token: str | None
) -> None:
    posted = {"name": "x"} if token is None else {"name": "x", "token": token}
    form = visitor.client.post("/form", data=posted, headers=OWN)
    header = {} if token is None else {"x-csrf-token": token.encode()}
    api = visitor.client.post("/v1/things", headers={**OWN, **header})  # type: ignore[arg-type]
    assert [form.status_code, api.status_code] == [403, 403]
    assert visitor.written == []
    right = visitor.token()
    assert visitor.client.post("/form", data={"name": "x", "token": right}, headers=OWN).is_success
    assert visitor.client.post("/v1/things", headers={**OWN, "x-csrf-token": right}).is_success
    assert visitor.written == ["x", "test"]


def test_a_key_in_the_header_needs_no_origin_and_no_token(visitor: PagesServed) -> None:
    _, secret = visitor.key(name="script")
    headers = {"authorization": f"Bearer {secret}"}
    assert visitor.client.post("/v1/things", headers=headers).is_success
    assert visitor.written == ["script"]


def test_a_name_that_leads_here_by_dns_rebinding_is_refused(visitor: PagesServed) -> None:
    rebound = {"host": "evil.example:8700", "origin": "http://evil.example:8700"}
    answers = [
        visitor.client.get("/", headers=rebound),
        visitor.client.get("/login", headers=rebound),
        visitor.client.get("/v1/things", headers=rebound),
        visitor.client.post("/login", data={"secret": "x"}, headers=rebound),
    ]
    assert [answer.status_code for answer in answers] == [421] * 4
    for name in ("localhost", "[::1]:8700", "LOCALHOST:8700"):
        assert visitor.client.get("/login", headers={"host": name}).status_code == 200


def test_names_that_are_set_are_the_only_ones(tmp_path: Path) -> None:
    with pages_served(tmp_path, hosts=["voice.example.org"], host="0.0.0.0") as served:  # noqa: S104
        own = {"host": "voice.example.org", "origin": "https://voice.example.org"}
        assert served.client.get("/login", headers=own).status_code == 200
        assert served.client.get("/login").status_code == 421
        proxied = {"host": "voice.example.org", "origin": "https://voice.example.org:8443"}
        secret = served.key()[1]
        posted = served.client.post(
            "/login", data={"secret": secret}, headers=proxied, follow_redirects=False
        )
        assert posted.status_code == 303, "a proxy may listen at another port"


def test_a_scope_that_the_key_lacks_is_told(served: PagesServed) -> None:
    served.sign_in(served.key("read")[1])
    posted = {"token": served.token(), "name": "x"}
    answer = served.client.post("/form", data=posted, headers=OWN)
    assert (answer.status_code, "scope" in answer.text) == (403, True)
    assert served.written == []


def test_attempts_are_bounded(served: PagesServed) -> None:
    codes = [served.sign_in("wrong").status_code for _ in range(20)]
    assert codes[:15] == [401] * 15
    assert codes[-1] == 429
    assert int(served.sign_in("wrong").headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/x"],
)
def test_signing_in_leads_to_no_other_site(served: PagesServed, address: str) -> None:
    posted = {"secret": served.key()[1], "next": address}
    answer = served.client.post("/login", data=posted, headers=OWN, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_key_is_neither_in_the_log_nor_in_the_page(
    served: PagesServed, capsys: pytest.CaptureFixture[str]
) -> None:
    _, secret = served.key()
    served.sign_in(secret)
    page = served.client.get("/")
    session = dict(served.client.cookies)["seedcast-session"]
    printed = "".join(capsys.readouterr())
    assert "POST /login" in printed
    for hidden in (secret, session):
        assert hidden not in printed
        assert hidden not in page.text


def test_every_answer_keeps_browsers_strict(served: PagesServed) -> None:
    headers = served.client.get("/login").headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
