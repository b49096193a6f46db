"""What gateways find out about campaigns, in SQLite and PostgreSQL: each event once, none lost."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.webhooks import watching
from seedcast.producers.gateway.webhooks.watching import Watch
from seedcast.schemas.messages import Campaign, CampaignState, Cursor
from seedcast.settings import AccountsSettings, IndexSettings, Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.rebuild import clear
from seedcast.storage.index.writer import IndexWriter
from tests.builders.indexed import STAGING, listed, writing

# Of each test half of its cases, so that each database has half of the tests.
pytestmark = [pytest.mark.integration, pytest.mark.sample(0.5)]

NOW = datetime.now(UTC)
KEPT = timedelta(days=400)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


@dataclass
class Watched:
    settings: Settings
    writer: IndexWriter
    accounts: Accounts
    webhook_id: str
    opened: ExitStack
    woken: list[None] = field(default_factory=list)
    changed: list[IndexedCampaign] = field(default_factory=list)

    def watch(self) -> "Looking":
        """Return a gateway that has just begun."""
        index = self.opened.enter_context(OpenIndex(self.settings))
        outbox = self.accounts.outbox
        woken, changed = (lambda: self.woken.append(None)), self.changed.append
        return Looking(Watch(index, outbox, KEPT, woken, changed))

    def told(self) -> list[tuple[str, str]]:
        page, _ = self.accounts.deliveries.page(self.webhook_id, limit=1000)
        return [(each.subject.split()[1], each.type.split(".")[1]) for each in reversed(page)]


@dataclass
class Looking:
    watch: Watch

    def __call__(self) -> None:
        asyncio.run(self.watch.look())


@pytest.fixture
def watched(
    index_settings: IndexSettings, accounts_settings: AccountsSettings
) -> Iterator[Watched]:
    settings = Settings(index=index_settings, accounts=accounts_settings)
    with (
        writing(index_settings) as writer,
        open_accounts(accounts_settings) as accounts,
        ExitStack() as opened,
    ):
        made = accounts.webhooks.add("bank", "", "https://a/", (), b"s", "h", NOW)
        yield Watched(settings, writer, accounts, made.webhook_id, opened)


def put(
    watched: Watched,
    *names: str,
    state: CampaignState = "sealed",
    deadline: datetime | None = None,
    fed: int = 0,
    created_at: datetime = NOW,
) -> None:
    records: list[Campaign] = [
        msgspec.structs.replace(
            listed(name, 5, state), tenant="bank", deadline=deadline, created_at=created_at
        )
        for name in names
    ]
    watched.writer.put_campaigns(records)
    if fed:
        watched.writer.put_cursors(
            Cursor(campaign_id=name, staging=STAGING, fed=fed, generation=1) for name in names
        )


def test_what_was_there_before_the_first_gateway_is_told_to_nobody(watched: Watched) -> None:
    put(watched, "old", state="completed")
    put(watched, "late", deadline=PAST, fed=1)
    watched.watch()()
    assert watched.told() == []
    assert not watched.woken
    put(watched, "late", "new", state="cancelled", fed=1)
    watched.watch()()
    assert watched.told() == [("late", "cancelled"), ("new", "started"), ("new", "cancelled")]
    assert watched.woken


def test_what_is_older_than_events_are_remembered_tells_nothing(watched: Watched) -> None:
    look = watched.watch()
    look()
    put(watched, "old", state="completed", created_at=NOW - KEPT)
    put(watched, "new", state="cancelled")
    look()
    assert watched.told() == [("new", "cancelled")]
    assert [each.campaign_id for each in watched.changed] == ["old", "new"]


def test_an_index_that_is_made_anew_tells_nothing_again(watched: Watched) -> None:
    look = watched.watch()
    look()
    put(watched, "night", state="completed")
    look()
    told = watched.told()
    assert told == [("night", "started"), ("night", "completed")]
    clear(watched.settings.index)
    with writing(watched.settings.index) as writer:
        watched.writer = writer
        put(watched, "night", state="completed")
        look()
        watched.watch()()
    assert watched.told() == told


def test_what_happened_while_no_gateway_ran_is_told_by_the_next(watched: Watched) -> None:
    watched.watch()()
    soon = datetime.now(UTC) + timedelta(milliseconds=100)
    put(watched, "night", deadline=soon, fed=1)
    watched.watch()()
    assert ("night", "started") in watched.told()
    put(watched, "other", state="cancelled")

    async def wait_and_look() -> None:
        """By a gateway to which no change says that the deadline is over."""
        later = watched.watch().watch
        while datetime.now(UTC) <= soon:
            await asyncio.sleep(0.01)
        await later.look()

    asyncio.run(wait_and_look())
    assert sorted(watched.told()) == [
        ("night", "late"),
        ("night", "started"),
        ("other", "cancelled"),
    ]


def test_a_deadline_that_is_moved_is_not_missed(watched: Watched) -> None:
    look = watched.watch()
    look()
    put(watched, "night", deadline=FUTURE, fed=1)
    look()
    put(watched, "night", deadline=FUTURE + timedelta(hours=1), fed=2)
    look()
    assert watched.told() == [("night", "started")]
    put(watched, "night", deadline=PAST, fed=3)
    look()
    look()
    assert watched.told() == [("night", "started"), ("night", "late")]


def test_replicas_look_at_the_same_and_tell_it_once(watched: Watched) -> None:
    replicas = [watched.watch() for _ in range(3)]
    for look in replicas:
        look()
    names = [f"night-{number}" for number in range(20)]
    put(watched, *names, fed=1)
    put(watched, *names, state="completed", fed=5)

    async def all_look() -> None:
        await asyncio.gather(*(look.watch.look() for look in replicas))

    asyncio.run(all_look())
    told = watched.told()
    assert sorted(told) == sorted(
        (name, event) for name in names for event in ("completed", "started")
    )
    assert all(told.index((name, "started")) < told.index((name, "completed")) for name in names)


def test_more_changes_than_one_page_are_all_told(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAGE", 7)
    look = watched.watch()
    look()
    names = [f"night-{number:02}" for number in range(21)]
    put(watched, *names, state="cancelled")
    look()
    assert watched.told() == [(name, "cancelled") for name in names]
