"""The audit itself: what is read, and in which order."""

from collections.abc import Iterable
from contextlib import closing

from schemas.messages import Campaign
from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.errors import InvalidInput
from seedcast.kafka import Admin
from seedcast.settings import Settings
from storage.audit.checks import checks
from storage.audit.collect import Collector, OnProgress
from storage.audit.committed import CommittedOffsets, Logs
from storage.audit.database import Database
from storage.audit.evidence import Evidence
from storage.audit.object_checks import Objects, check_objects, list_objects
from storage.audit.report import Report
from storage.objects import ObjectStore

EXAMPLES = 10  # of each finding


def audit(
    settings: Settings,
    campaign_id: str,
    store: ObjectStore | None,
    *,
    objects: Objects = "hash",
    examples: int = EXAMPLES,
    listed: Iterable[tuple[int, str]] = (),
    on_progress: OnProgress = lambda _: None,
) -> Report:
    """Proves or refutes that the campaign's accounts are closed. It may run while workers do: what they have still to do is `unfinished`.

    `listed`: row number and request id of each row of the list that was submitted; what it alone knows is named.
    Without a store `objects` is "none". Memory is flat: 195 MiB at a tenth of half a million requests, 254 at the peak. A temporary file takes
    about 0.5 KB a request and rendition. Not covered: whether the audio is the text's (`seedcast verify`), and what retention has deleted, which
    is named. Raises InvalidInput where nothing is known of the campaign, StoreUnavailable, BrokerUnavailable, TopicMismatch, LocalResource.
    """
    with closing(Database()) as state:
        return _Audit(settings, campaign_id, store, objects, state, on_progress).report(
            listed, examples
        )


class _Audit:
    def __init__(
        self,
        settings: Settings,
        campaign_id: str,
        store: ObjectStore | None,
        objects: Objects,
        state: Database,
        on_progress: OnProgress,
    ) -> None:
        self._settings, self._campaign, self._objects = settings, campaign_id, objects
        self._store = None if objects == "none" else store
        self._state, self._on_progress = state, on_progress

    def report(self, listed: Iterable[tuple[int, str]], examples: int) -> Report:
        """The order makes it a proof, whatever the workers do meanwhile:

        1. the campaign's record: what was sealed was acknowledged before
        2. the committed offsets: what they pass has its effect on a topic by now
        3. the listing of the store: what a later manifest names and it lacks is asked for by name
        4. the results
        5. the requests: each result's request is older than it
        6. the list, if there is one: what it alone knows is looked for in what follows
        7. the audio, then the dead letters, only where requests hang between requests and results
        8. the objects
        """
        record = self._record()
        admin = Admin(self._settings)
        passed = CommittedOffsets.read(self._settings, admin)
        logs = Logs.read(self._settings, admin, passed)
        if self._store:
            list_objects(self._store, self._campaign, self._state, self._on_progress)
        reading = Collector(
            self._settings, self._campaign, self._state, passed, logs, self._on_progress
        )
        reading.results()
        reading.requests()
        reading.expected(listed)
        if self._state.find_suspects():
            reading.audio()
            reading.letters()
        if self._store:
            threads = self._settings.s3.concurrency
            check_objects(
                self._store,
                self._state,
                hashes=self._objects == "hash",
                threads=threads,
                on_progress=self._on_progress,
            )
        return self._conclude(record, logs, reading, examples)

    def _record(self) -> Campaign | None:
        return read_campaigns(self._settings).get(self._campaign)

    def _conclude(
        self, record: Campaign | None, logs: Logs, reading: Collector, examples: int
    ) -> Report:
        evidence = Evidence(
            state=self._state,
            record=record,
            logs=logs,
            horizon_ms=reading.horizon_ms,
            unreadable=reading.unreadable,
            objects=self._objects if self._store else "none",
            examples=examples,
        )
        if record is None and not evidence.accepted and not evidence.outcomes:
            raise InvalidInput(
                f"campaign {self._campaign}",
                expected="one that was submitted",
                got="none of that name",
                remedy="`seedcast campaigns` lists them",
            )
        return Report(
            campaign_id=self._campaign,
            state=record.state if record else None,
            sealed=record.accepted if record else None,
            accepted=evidence.accepted,
            outcomes=evidence.outcomes,
            repeats=evidence.repeats,
            checks=checks(evidence),
        )
