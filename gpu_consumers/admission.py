"""What happens to a request before it has a slot.

It waits for one, or is parked while its campaign is paused, or is answered at once. Requests of a
paused or cancelled campaign hold up nobody: each record is triaged when it arrives, and all of a
campaign's again when its state changes.
"""

import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from seedcast import metrics
from seedcast.catalog.profiles import Profiles
from seedcast.errors import Poison, Undecodable
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.assignments import Assignment
from seedcast.gpu_consumers.detour import aside
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.gpu_consumers.scheduler import Scheduler, Waiting
from seedcast.kafka import Partition, Record
from seedcast.schemas.messages import CampaignState, Rejected, SpeechRequest
from seedcast.schemas.topics import URGENT
from seedcast.settings import Settings

State = Callable[[str], CampaignState | None]  # of a campaign; None if nobody announced it


@dataclass(frozen=True)
class InFlight:
    """A request between its offset and its audio."""

    assignment: Assignment
    record: Record  # kept, since it may have to be parked before it has a slot
    request: SpeechRequest


class Admission:
    def __init__(
        self, settings: Settings, profiles: Profiles, state: State, publisher: Publisher
    ) -> None:
        self._settings, self._profiles = settings, profiles
        self._state, self._publisher = state, publisher
        self._scheduler = Scheduler()
        self._waiting: dict[int, InFlight] = {}  # by ticket
        self._tickets = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def waiting(self, partition: Partition) -> int:
        return self._scheduler.waiting(partition)

    def receive(self, assignment: Assignment, record: Record) -> None:
        match triage.of_record(record.value, self._profiles):
            case SpeechRequest() as request:
                self._route(InFlight(assignment, record, request))
            case Rejected() as rejected:
                self._publisher.publish(assignment, record.offset, rejected)
            case Undecodable() as error:
                self._publisher.bury(assignment, record, error)

    def admit(self, free: int, *, bulk: bool) -> Iterator[tuple[int, InFlight]]:
        """Yield tickets and requests for up to `free` slots, best first.

        Without `bulk`, urgent ones only. Deadlines are judged here, and by post-processing.
        """
        while free and (tickets := list(self._scheduler.fill(free, bulk))):
            for ticket in tickets:
                request = self._waiting.pop(ticket)
                if expired := triage.expired(request.request, time.time()):
                    self._publisher.publish(request.assignment, request.record.offset, expired)
                else:
                    free -= 1
                    yield ticket, request

    def sweep(self, campaigns: Set[str]) -> None:
        """Route the waiting requests of these campaigns again, whatever the slots are doing."""
        stopped = {name for name in campaigns if self._state(name) in ("paused", "cancelled")}
        waiting = self._waiting.items()
        tickets = {t for t, request in waiting if request.request.campaign_id in stopped}
        self._scheduler.withdraw(tickets)
        for ticket in tickets:
            self._route(self._waiting.pop(ticket))

    def forget(self, partition: Partition) -> None:
        for ticket in self._scheduler.drop(partition):
            del self._waiting[ticket]

    def _route(self, request: InFlight) -> None:
        match self._state(request.request.campaign_id):
            case "cancelled":
                cancelled = triage.cancelled(request.request)
                self._publisher.publish(request.assignment, request.record.offset, cancelled)
            case "paused":
                self._park(request)
            case _:
                self._wait(request)

    def _park(self, request: InFlight) -> None:
        route = aside(request.record, request.request.campaign_id, self._settings)
        self._publisher.move(
            request.assignment,
            request.record,
            route,
            _parked,
            refused=lambda error: self._refuse(request, error),
        )

    def _refuse(self, request: InFlight, error: Poison) -> None:
        rejected = triage.cannot_wait(request.request, error.got)
        self._publisher.publish(request.assignment, request.record.offset, rejected)

    def _wait(self, in_flight: InFlight) -> None:
        self._tickets += 1
        self._waiting[self._tickets] = in_flight
        partition, request = in_flight.assignment.partition, in_flight.request
        deadline = request.deadline.timestamp() if request.deadline else None
        urgent = self._settings.lane(partition.topic) is URGENT
        waiting = Waiting.of(self._tickets, len(request.text), deadline, urgent)
        self._scheduler.add(partition, waiting)


def _parked() -> None:
    failpoint("gpu.parked")
    metrics.REQUESTS_PARKED.inc()
