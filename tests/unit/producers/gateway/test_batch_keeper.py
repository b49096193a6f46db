"""A batch is brought to its end, step by step, whatever became of its campaign."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import pytest

from seedcast.campaigns.progress import Progress
from seedcast.producers.gateway.batch_keeper import BatchKeeper
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.problems import unavailable
from seedcast.producers.gateway.stagers import Stagers
from seedcast.schemas.messages import Campaign, CampaignState
from seedcast.settings import AccountsSettings, GatewaySettings, Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.batch_records import Batch, BatchTerms, bad_lines_file
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.uploaded_files import content_key, report_key
from tests.builders.outcomes import every_outcome

T = TypeVar("T")
NAME, NOW = "batch_1", datetime.now(UTC)
ENDS = ("failed", "completed", "expired", "cancelled")
BAD = b'{"custom_id":"bad"}\n'
PATIENCE = 30  # seconds, which only a failure takes


@dataclass
class FakeIndex:
    """What a keeper asks of the index. `away`: how many questions find it away."""

    state: CampaignState = "completed"
    outcomes: list[IndexedRequest] = field(default_factory=lambda: every_outcome()[:4])
    pruned_at: datetime | None = None
    away: int = 0

    async def ask(self, question: Callable[[Any], T]) -> T:
        if self.away:
            self.away -= 1
            raise unavailable("the results index does not answer")
        return question(self)

    def campaign(self, campaign_id: str) -> IndexedCampaign:
        counts = {
            status: sum(each.status == status for each in self.outcomes)
            for status in ("succeeded", "failed", "expired", "cancelled")
        }
        return IndexedCampaign(
            campaign_id=campaign_id,
            campaign=Campaign(campaign_id=campaign_id, state=self.state, created_at=NOW),
            progress=Progress(accepted=4, **counts),
            errors={},
            fed=4,
            held=None,
            list_state="loaded",
            pruned_at=self.pruned_at,
        )

    def rows(self, _: str, *, statuses: tuple[str, ...]) -> Iterator[IndexedRequest]:
        return (each for each in self.outcomes if each.status in statuses)


class FakeStagers:
    def wake(self) -> None:
        """The test stages lists itself."""


@dataclass
class Kept:
    accounts: Accounts
    store: MemoryStore
    index: FakeIndex

    def batch(self) -> Batch:
        found = self.accounts.batches.find(NAME, "shop")
        assert found
        return found

    def stage(self, report: dict[str, object] | None, state: str = "done") -> None:
        """End the staging of the batch, as the gateway's process does."""
        taken = self.accounts.stagings.take("stager", NOW, timedelta(minutes=1))
        assert taken
        if report is not None:
            found = {"reason": None, "report": report}
            key = report_key(taken.job_id)
            self.store.put(key, msgspec.json.encode(found), "application/json")
        self.accounts.stagings.end(taken, cast(Any, state), NOW, (5, 4, 1))

    def until(self, holds: Callable[[], bool]) -> None:
        """Let a keeper work until something holds."""
        asyncio.run(asyncio.wait_for(self._until(holds), PATIENCE))

    async def _until(self, holds: Callable[[], bool]) -> None:
        settings = Settings(gateway=GatewaySettings(lease=1.0))
        index, stagers = cast(OpenIndex, self.index), cast(Stagers, FakeStagers())
        keeper = BatchKeeper(settings, self.accounts, index, self.store, stagers)
        working = asyncio.create_task(keeper.run())
        while not holds():
            await asyncio.sleep(0.02)
            if working.done():
                await working
        working.cancel()
        await asyncio.wait([working])
        keeper.close()

    def ended(self) -> Batch:
        self.until(lambda: self.batch().status in ENDS)
        return self.batch()

    def staged(self, report: dict[str, object] | None, state: str = "done") -> Batch:
        """Stage the batch, and let it end."""
        find = self.accounts.stagings.find
        self.until(lambda: find("shop", NAME, is_check=False) is not None)
        self.stage(report, state)
        return self.ended()

    def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        data = self.store.get(self.store.uri(content_key(file_id or "")))
        return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite")
    with open_accounts(settings) as accounts:
        batch = Batch(
            batch_id=NAME,
            tenant="shop",
            key_id="key-1",
            terms=BatchTerms(endpoint="/v1/audio/speech", completion_window="24h"),
            input_file_id="file-1",
            status="validating",
            created_at=NOW,
            expires_at=NOW + timedelta(hours=24),
        )
        accounts.batches.add(batch)
        store = MemoryStore()
        store.put(content_key(bad_lines_file(NAME)), BAD, "application/jsonl")
        yield Kept(accounts, store, FakeIndex())


REPORT: dict[str, object] = {"total": 5, "accepted": 4, "expired": 0}


def test_a_batch_ends_with_each_line_in_one_of_its_files(kept: Kept) -> None:
    done = kept.staged(REPORT)
    assert (done.status, done.total, done.completed, done.failed) == ("completed", 5, 1, 2)
    assert done.in_progress_at
    assert done.finalizing_at
    assert [line["custom_id"] for line in kept.lines(done.output_file_id)] == ["n-1"]
    errors = [line["custom_id"] for line in kept.lines(done.error_file_id)]
    assert errors == ["bad", "n-2", "n-3", "n-4"]
    for file_id in (done.output_file_id, done.error_file_id):
        assert kept.accounts.files.find(file_id or "", "shop", NOW)
    assert kept.accounts.files.due(NOW) == [bad_lines_file(NAME)], "it is swept"


def test_a_batch_without_a_right_line_has_an_error_file_alone(kept: Kept) -> None:
    done = kept.staged({"total": 1, "accepted": 0, "expired": 0})
    assert (done.status, done.failed, done.output_file_id) == ("completed", 1, None)
    assert [line["custom_id"] for line in kept.lines(done.error_file_id)] == ["bad"]


def test_what_came_after_the_window_has_expired(kept: Kept) -> None:
    done = kept.staged({"total": 1, "accepted": 0, "expired": 1})
    assert (done.status, done.failed) == ("expired", 0)


def test_a_file_that_is_refused_says_why(kept: Kept) -> None:
    wrong = {"code": "invalid_json_line", "message": "no JSON", "line": 3}
    done = kept.staged({"total": 2, "errors": [wrong]}, "refused")
    assert done.status == "failed"
    assert done.errors
    assert [(each.code, each.line) for each in done.errors] == [("invalid_json_line", 3)]
    assert done.output_file_id is done.error_file_id is None


def test_another_list_under_its_name_is_not_taken_for_its_own(kept: Kept) -> None:
    own = "shop", NAME, "file-2", "another digest", b"{}", NOW
    kept.accounts.stagings.add(*own, is_check=False)
    done = kept.ended()
    assert done.errors
    assert (done.status, done.errors[0].code) == ("failed", "name_taken")


def test_a_batch_whose_campaign_was_cancelled_is_cancelled(kept: Kept) -> None:
    kept.index = FakeIndex(state="cancelled")
    done = kept.staged(REPORT)
    assert done.status == "cancelled"
    assert done.cancelling_at
    assert [line["custom_id"] for line in kept.lines(done.output_file_id)] == ["n-1"]


def test_a_batch_whose_results_were_deleted_has_failed(kept: Kept) -> None:
    kept.index = FakeIndex(pruned_at=NOW)
    done = kept.staged(REPORT)
    assert done.errors
    assert (done.status, done.errors[0].code) == ("failed", "results_deleted")


def test_a_batch_waits_while_the_index_is_away_or_has_not_all(kept: Kept) -> None:
    whole = FakeIndex()
    kept.index = replace(whole, outcomes=whole.outcomes[:2], away=1)
    find = kept.accounts.stagings.find
    kept.until(lambda: find("shop", NAME, is_check=False) is not None)
    kept.stage(REPORT)
    kept.until(lambda: kept.batch().failed == 2)
    assert (kept.batch().status, kept.batch().completed) == ("in_progress", 1)
    kept.index = whole
    assert kept.ended().status == "completed"
