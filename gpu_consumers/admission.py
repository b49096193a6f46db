"""What happens to a request before it has a slot.

It waits for one, or is answered at once. Requests of a cancelled campaign hold up nobody: each
record is triaged when it arrives, and all of a campaign's again when its state changes. Those of a
paused campaign are like any other: it is not fed any more, and what was fed is spoken.
"""

import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from seedcast.catalog.profiles import Profiles
from seedcast.errors import Undecodable
from seedcast.gpu_consumers import triage
from seedcast.gpu_consumers.owned_partitions import Assignment
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
    offset: int
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
                self._route(InFlight(assignment, record.offset, request))
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
                    self._publisher.publish(request.assignment, request.offset, expired)
                else:
                    free -= 1
                    yield ticket, request

    def sweep(self, campaigns: Set[str]) -> None:
        """Answer the waiting requests of those campaigns that are cancelled by now."""
        cancelled = {name for name in campaigns if self._state(name) == "cancelled"}
        waiting = self._waiting.items()
        tickets = {t for t, request in waiting if request.request.campaign_id in cancelled}
        self._scheduler.withdraw(tickets)
        for ticket in tickets:
            self._cancel(self._waiting.pop(ticket))

    def forget(self, partition: Partition) -> None:
        for ticket in self._scheduler.drop(partition):
            del self._waiting[ticket]

    def _route(self, request: InFlight) -> None:
        if self._state(request.request.campaign_id) == "cancelled":
            self._cancel(request)
        else:
            self._wait(request)

    def _cancel(self, request: InFlight) -> None:
        cancelled = triage.cancelled(request.request)
        self._publisher.publish(request.assignment, request.offset, cancelled)

    def _wait(self, in_flight: InFlight) -> None:
        self._tickets += 1
        self._waiting[self._tickets] = in_flight
        partition, request = in_flight.assignment.partition, in_flight.request
        deadline = request.deadline.timestamp() if request.deadline else None
        urgent = self._settings.lane(partition.topic) is URGENT
        waiting = Waiting.of(self._tickets, len(request.text), deadline, urgent)
        self._scheduler.add(partition, waiting)
