"""Webhooks in the accounts, in SQLite and PostgreSQL: each event once, in order, whoever dies."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from seedcast.errors import InvalidInput
from seedcast.settings import AccountsSettings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.deliveries import Taken
from seedcast.storage.accounts.outbox import Event, Position
from seedcast.storage.accounts.webhooks import MOST, OVERLAP, TooManyWebhooks, Webhook

# Of each test half of its cases, so that each database has half of the tests.
pytestmark = [pytest.mark.integration, pytest.mark.sample(0.5)]

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SECRET = b"encrypted"


@pytest.fixture
def accounts(accounts_settings: AccountsSettings) -> Iterator[Accounts]:
    with open_accounts(accounts_settings) as opened:
        yield opened


def add(accounts: Accounts, *event_types: str, tenant: str = "bank") -> Webhook:
    return accounts.webhooks.add(tenant, "n", "https://a/", event_types, SECRET, "whsec_…", NOW)


def event(event_type: str, name: str = "night", tenant: str = "bank") -> Event:
    subject = f"campaign {name}"
    return Event(tenant=tenant, subject=subject, type=event_type, data={"id": name})


def take(accounts: Accounts, owner: str = "a", now: datetime = NOW) -> Taken | None:
    return accounts.deliveries.take(owner, now, LEASE)


def taken(accounts: Accounts, owner: str = "a", now: datetime = NOW) -> Taken:
    found = take(accounts, owner, now)
    assert found is not None
    return found


def states(accounts: Accounts, webhook: Webhook) -> list[str]:
    return [each.state for each in accounts.deliveries.page(webhook.webhook_id, limit=99)[0]]


def test_an_event_goes_to_whom_it_concerns_and_who_wants_it(accounts: Accounts) -> None:
    every, some = add(accounts), add(accounts, "campaign.late", "batch.failed")
    other, disabled = add(accounts, tenant="clinic"), add(accounts)
    accounts.webhooks.change(disabled.webhook_id, NOW, state="disabled")
    assert accounts.outbox.put(event("campaign.late"), NOW)
    assert accounts.outbox.put(event("campaign.started", "day"), NOW)
    assert not accounts.outbox.put(event("campaign.late"), NOW), "it is there already"
    counts = [len(states(accounts, each)) for each in (every, some, other, disabled)]
    assert counts == [2, 1, 0, 0]


def test_a_body_is_what_standard_webhooks_and_openai_describe(accounts: Accounts) -> None:
    add(accounts)
    batch = Event(
        tenant="bank", subject="batch b-7", type="batch.completed", data={"id": "batch-7"}
    )
    accounts.outbox.put(batch, NOW)
    found = taken(accounts)
    body: dict[str, Any] = msgspec.json.decode(found.body)
    assert body == {
        "id": found.event_id,
        "object": "event",
        "type": "batch.completed",
        "created_at": int(NOW.timestamp()),
        "timestamp": "2026-11-30T20:00:00Z",
        "data": {"id": "batch-7"},
    }
    assert (found.url, found.secrets) == ("https://a/", (SECRET,))


def test_replicas_that_see_the_same_write_it_once(accounts: Accounts) -> None:
    webhook = add(accounts)
    accounts.outbox.begin(0)
    seen = [event("campaign.started"), event("campaign.late"), event("campaign.completed")]

    def record(_: int) -> int:
        return accounts.outbox.record(seen, 7, NOW, silent=False)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(record, range(16))) == [0] * 15 + [3]
    page, _ = accounts.deliveries.page(webhook.webhook_id, limit=9)
    told = [each.type.partition(".")[2] for each in page]
    assert told == ["completed", "late", "started"]
    assert accounts.outbox.position() == Position(7, 0)


def test_what_was_before_is_told_to_nobody_also_when_it_is_seen_again(accounts: Accounts) -> None:
    webhook = add(accounts)
    assert accounts.outbox.position() is None
    assert accounts.outbox.begin(5) == accounts.outbox.begin(9) == Position(0, 5)
    assert accounts.outbox.record([event("campaign.started")], 5, NOW, silent=True) == 0
    again = [event("campaign.started"), event("campaign.completed")]
    assert accounts.outbox.record(again, 8, NOW, silent=False) == 1
    page, _ = accounts.deliveries.page(webhook.webhook_id, limit=9)
    assert [each.type for each in page] == ["campaign.completed"]


def test_replicas_take_each_delivery_once(accounts: Accounts) -> None:
    for number in range(12):
        add(accounts, tenant=f"t-{number}")
        accounts.outbox.put(event("campaign.started", f"n-{number}", f"t-{number}"), NOW)

    def work(number: int) -> list[int]:
        found = list[int]()
        while each := take(accounts, f"replica-{number}"):
            found.append(each.number)
        return found

    with ThreadPoolExecutor(6) as pool:
        found = [number for part in pool.map(work, range(6)) for number in part]
    assert len(found) == len(set(found)) == 12


def test_a_campaigns_events_keep_their_order_and_others_go_on(accounts: Accounts) -> None:
    add(accounts)
    for event_type in ("campaign.started", "campaign.completed"):
        accounts.outbox.put(event(event_type), NOW)
    first = taken(accounts)
    assert first.type == "campaign.started"
    assert take(accounts, "b") is None, "one at a time"
    later = NOW + timedelta(seconds=5)
    accounts.deliveries.failed(first, NOW, 500, "it answered 500", later)
    assert take(accounts, "b") is None, "the second waits for the first"
    accounts.outbox.put(event("campaign.started", "day"), NOW)
    other = taken(accounts, "b")
    assert msgspec.json.decode(other.body)["data"] == {"id": "day"}
    accounts.deliveries.delivered(other, NOW, 200)
    again = taken(accounts, now=later)
    assert (again.event_id, again.attempts) == (first.event_id, 1)
    accounts.deliveries.delivered(again, later, 204)
    assert taken(accounts, now=later).type == "campaign.completed"


def test_a_delivery_of_who_died_is_anothers_and_comes_late_for_the_first(
    accounts: Accounts,
) -> None:
    webhook = add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    dead = taken(accounts, "dead")
    assert accounts.deliveries.oldest_due(NOW) is None
    after = NOW + LEASE
    assert accounts.deliveries.oldest_due(after) == after
    second = taken(accounts, "alive", after)
    assert second.event_id == dead.event_id
    accounts.deliveries.failed(dead, after, None, "no answer", after)
    accounts.deliveries.release(dead, after)
    assert take(accounts, "third", after) is None, "it is still the second's"
    accounts.deliveries.delivered(second, after, 200)
    accounts.deliveries.failed(dead, after, None, "no answer", after)
    assert states(accounts, webhook) == ["delivered"]


def test_what_is_handed_back_is_due_at_once_and_was_no_attempt(accounts: Accounts) -> None:
    add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    accounts.deliveries.release(taken(accounts), NOW)
    assert taken(accounts, "b").attempts == 0


def test_who_answers_410_is_called_no_more_until_it_is_enabled(accounts: Accounts) -> None:
    webhook = add(accounts)
    for event_type in ("campaign.started", "campaign.completed"):
        accounts.outbox.put(event(event_type), NOW)
    reason = accounts.deliveries.failed(taken(accounts), NOW, 410, "gone", None, gone=True)
    found = accounts.webhooks.find(webhook.webhook_id)
    assert found
    assert (found.state, found.reason) == ("disabled", reason)
    assert reason
    assert take(accounts) is None
    assert accounts.outbox.put_test(webhook.webhook_id, NOW) is None
    assert accounts.outbox.put(event("campaign.started", "day"), NOW)
    enabled = accounts.webhooks.change(webhook.webhook_id, NOW, state="enabled")
    assert enabled
    assert (enabled.state, enabled.reason, enabled.failing_since) == ("enabled", None, None)
    assert taken(accounts).type == "campaign.completed"
    assert states(accounts, webhook) == ["waiting", "failed"], "what came meanwhile is not sent"


def test_who_takes_nothing_for_days_is_disabled(accounts: Accounts) -> None:
    webhook, end = add(accounts), NOW + timedelta(days=3)
    accounts.outbox.put(event("campaign.started"), NOW)
    first = taken(accounts)
    assert accounts.deliveries.failed(first, NOW, 500, "it answered 500", end) is None
    failing = accounts.webhooks.find(webhook.webhook_id)
    assert failing
    assert (failing.state, failing.failing_since) == ("enabled", NOW)
    reason = accounts.deliveries.failed(taken(accounts, now=end), end, 500, "500", None)
    assert reason == "nothing was delivered to it for 3 days"
    found = accounts.webhooks.find(webhook.webhook_id)
    assert found
    assert (found.state, found.reason) == ("disabled", reason)


def test_who_refuses_one_event_and_takes_others_is_not_disabled(accounts: Accounts) -> None:
    webhook, end = add(accounts), NOW + timedelta(days=3)
    accounts.outbox.put(event("campaign.started", "bad"), NOW)
    accounts.deliveries.failed(taken(accounts), NOW, 500, "it answered 500", end)
    accounts.outbox.put(event("campaign.started", "good"), NOW)
    accounts.deliveries.delivered(taken(accounts), NOW + LEASE, 200)
    assert accounts.deliveries.failed(taken(accounts, now=end), end, 500, "500", None) is None
    found = accounts.webhooks.find(webhook.webhook_id)
    assert found
    assert (found.state, found.succeeded_at) == ("enabled", NOW + LEASE)
    assert states(accounts, webhook) == ["delivered", "failed"]


def test_a_test_event_goes_to_one_endpoint_whatever_it_wants(accounts: Accounts) -> None:
    webhook, other = add(accounts, "campaign.late"), add(accounts)
    event_id = accounts.outbox.put_test(webhook.webhook_id, NOW)
    assert accounts.outbox.put_test(webhook.webhook_id, NOW) != event_id
    assert taken(accounts).type == "webhook.test"
    assert states(accounts, other) == []
    assert event_id
    shown = accounts.deliveries.find(webhook.webhook_id, event_id)
    assert shown
    assert (shown.state, shown.attempts, shown.due_at) == ("waiting", 0, None)


def test_an_endpoint_goes_with_its_deliveries_while_one_is_under_way(accounts: Accounts) -> None:
    webhook = add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    under_way = taken(accounts)
    assert accounts.webhooks.remove(webhook.webhook_id)
    accounts.deliveries.delivered(under_way, NOW, 200)
    assert accounts.deliveries.failed(under_way, NOW, 410, "gone", None, gone=True) is None
    assert accounts.webhooks.all() == []
    assert take(accounts, now=NOW + LEASE) is None
    assert not accounts.webhooks.remove(webhook.webhook_id)


def test_deliveries_are_listed_in_pages_and_forgotten(accounts: Accounts) -> None:
    webhook = add(accounts)
    for number in range(5):
        accounts.outbox.put(event("campaign.started", f"n-{number}"), NOW)
    accounts.outbox.put_test(webhook.webhook_id, NOW)
    first, has_more = accounts.deliveries.page(webhook.webhook_id, limit=4)
    rest, is_last = accounts.deliveries.page(webhook.webhook_id, limit=4, after=first[-1].event_id)
    subjects = [each.subject for each in (*first, *rest)]
    assert subjects[1:] == [f"campaign n-{number}" for number in (4, 3, 2, 1, 0)]
    assert (has_more, is_last) == (True, False)
    while each := take(accounts):
        accounts.deliveries.delivered(each, NOW, 200)
    later = NOW + timedelta(days=30)
    assert accounts.deliveries.forget(NOW) == 0
    assert accounts.deliveries.forget(later) == 6
    assert states(accounts, webhook) == []
    assert not accounts.outbox.put(event("campaign.started", "n-1"), later), "it is still known"
    accounts.outbox.put(event("campaign.late", "n-1"), NOW)
    assert accounts.deliveries.forget_events(later) == 5, "one is still to be delivered"
    assert accounts.deliveries.forget_events(later) == 0


def test_what_waits_for_a_disabled_endpoint_ends_one_day(accounts: Accounts) -> None:
    webhook, other = add(accounts), add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    accounts.webhooks.change(webhook.webhook_id, NOW, state="disabled")
    later = NOW + timedelta(days=3)
    assert accounts.deliveries.give_up(NOW, later) == 0
    assert accounts.deliveries.give_up(later, later) == 1
    assert (states(accounts, webhook), states(accounts, other)) == (["failed"], ["waiting"])


def test_a_secret_that_was_replaced_signs_for_a_day_more(accounts: Accounts) -> None:
    webhook = add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    for secret in (b"second", b"third"):
        changed = accounts.webhooks.rotate(webhook.webhook_id, secret, "whsec_…3", NOW)
    assert changed is not None
    assert (changed.secret_hint, changed.old_secret_until) == ("whsec_…3", NOW + OVERLAP)
    first = taken(accounts)
    assert first.secrets == (b"third", b"second")
    accounts.deliveries.release(first, NOW)
    assert taken(accounts, now=NOW + OVERLAP).secrets == (b"third",)
    assert accounts.webhooks.rotate("webhook-none", b"", "", NOW) is None


def test_what_has_ended_is_delivered_again_and_tried_for_as_long(accounts: Accounts) -> None:
    webhook = add(accounts)
    accounts.outbox.put(event("campaign.started"), NOW)
    accounts.outbox.put(event("campaign.started", "day"), NOW)
    first, ours = taken(accounts), webhook.webhook_id

    def resend(now: datetime, event_id: str = first.event_id) -> bool:
        return accounts.deliveries.resend(ours, event_id, now)

    assert not resend(NOW), "it waits"
    accounts.deliveries.failed(first, NOW, 500, "it answered 500", None)
    accounts.webhooks.change(ours, NOW, state="disabled")
    assert not resend(NOW), "nobody calls it"
    later = NOW + timedelta(days=5)
    accounts.webhooks.change(ours, later, state="enabled")
    assert resend(later)
    assert not resend(later, "evt-none")
    again = taken(accounts, now=later)
    assert (again.event_id, again.attempts, again.since) == (first.event_id, 0, later)
    assert again.body == first.body
    accounts.deliveries.release(again, later)
    accounts.webhooks.change(ours, later, state="disabled")
    assert accounts.deliveries.give_up(later, later) == 1, "the other one is older"
    accounts.webhooks.change(ours, later, state="enabled")
    accounts.deliveries.delivered(taken(accounts, now=later), later, 200)
    assert states(accounts, webhook) == ["failed", "delivered"]


def test_an_endpoint_is_changed_and_what_is_wrong_is_refused(accounts: Accounts) -> None:
    webhook = add(accounts, "campaign.completed", "campaign.late")
    assert webhook.event_types == ("campaign.late", "campaign.completed")
    changed = accounts.webhooks.change(
        webhook.webhook_id, NOW, url="https://b/", event_types=["*"], name="new"
    )
    assert changed
    assert (changed.url, changed.event_types, changed.name) == ("https://b/", ("*",), "new")
    with pytest.raises(InvalidInput, match=r"batch\.completed"):
        add(accounts, "campaign.unknown")
    with pytest.raises(InvalidInput):
        accounts.webhooks.change(webhook.webhook_id, NOW, name="\0")
    assert accounts.webhooks.change("webhook-none", NOW, name="x") is None


def test_of_many_at_once_no_more_are_made_than_a_tenant_may_have(accounts: Accounts) -> None:
    def made(_: int) -> bool:
        try:
            return bool(add(accounts))
        except TooManyWebhooks:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(made, range(MOST + 8))) == MOST
    assert len(accounts.webhooks.all("bank")) == MOST
    assert add(accounts, tenant="shop"), "another tenant's are not counted"
