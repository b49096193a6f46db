"""What becomes of a request before it has a slot: it waits for one, or aside while its campaign is paused, or is answered at once.

Nothing here waits for a campaign that is paused or cancelled: each record is judged when it comes, and all of a campaign's
again when something is heard of it.
"""

import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from gpu_consumers import triage
from gpu_consumers.assignments import Assignment
from gpu_consumers.detour import aside
from gpu_consumers.publisher import Publisher
from gpu_consumers.scheduler import Scheduler, Waiting
from schemas.messages import CampaignState, Rejected, SpeechRequest
from schemas.topics import REQUESTS_URGENT
from seedcast import metrics
from seedcast.catalog.profiles import Profiles
from seedcast.errors import Poison, Undecodable
from seedcast.failpoints import failpoint
from seedcast.kafka import Partition, Record
from seedcast.settings import Settings

State = Callable[[str], CampaignState | None]  # of a campaign; None where nobody announced it


@dataclass(frozen=True)
class InFlight:
    """A request between its offset and its audio."""

    assignment: Assignment
    record: Record  # as it came: its campaign may be paused before it has a slot
    request: SpeechRequest


class Admission:
    def __init__(
        self, settings: Settings, profiles: Profiles, state: State, publisher: Publisher
    ) -> None:
        self._settings, self._profiles, self._state, self._publisher = (
            settings,
            profiles,
            state,
            publisher,
        )
        self._scheduler = Scheduler()
        self._flights: dict[int, InFlight] = {}  # by ticket
        self._tickets = 0
        self._urgent_topic = settings.topic(REQUESTS_URGENT)

    def __len__(self) -> int:
        return len(self._flights)

    def waiting(self, partition: Partition) -> int:
        return self._scheduler.waiting(partition)

    def receive(self, assignment: Assignment, record: Record) -> None:
        match triage.of_record(record.value, self._profiles):
            case SpeechRequest() as request:
                self._direct(InFlight(assignment, record, request))
            case Rejected() as rejected:
                self._publisher.publish(assignment, record.offset, rejected)
            case Undecodable() as error:
                self._publisher.bury(assignment, record, error)

    def admit(self, free: int, *, bulk: bool) -> Iterator[tuple[int, InFlight]]:
        """Tickets and flights for at most `free` slots, best first; without `bulk`, urgent ones only. The deadline is judged here, once."""
        while free and (tickets := list(self._scheduler.fill(free, bulk))):
            for ticket in tickets:
                flight = self._flights.pop(ticket)
                if expired := triage.expired(flight.request, time.time()):
                    self._publisher.publish(flight.assignment, flight.record.offset, expired)
                else:
                    free -= 1
                    yield ticket, flight

    def sweep(self, campaigns: Set[str]) -> None:
        """Judges again what waits of these, at once, whatever is in the slots: so they hold back no other."""
        stopped = {
            campaign for campaign in campaigns if self._state(campaign) in ("paused", "cancelled")
        }
        tickets = {
            ticket
            for ticket, flight in self._flights.items()
            if flight.request.campaign_id in stopped
        }
        self._scheduler.withdraw(tickets)
        for ticket in tickets:
            self._direct(self._flights.pop(ticket))

    def forget(self, partition: Partition) -> None:
        for ticket in self._scheduler.drop(partition):
            del self._flights[ticket]

    def _direct(self, flight: InFlight) -> None:
        assignment, record, request = flight.assignment, flight.record, flight.request
        match self._state(request.campaign_id):
            case "cancelled":
                self._publisher.publish(assignment, record.offset, triage.cancelled(request))
            case "paused":
                route = aside(record, request.campaign_id, self._settings)
                self._publisher.move(
                    assignment,
                    record,
                    route,
                    _parked,
                    refused=lambda error: self._refuse(flight, error),
                )
            case _:
                self._wait(flight)

    def _refuse(self, flight: InFlight, error: Poison) -> None:
        self._publisher.publish(
            flight.assignment, flight.record.offset, triage.cannot_wait(flight.request, error.got)
        )

    def _wait(self, flight: InFlight) -> None:
        self._tickets += 1
        self._flights[self._tickets] = flight
        partition, request = flight.assignment.partition, flight.request
        deadline = request.deadline.timestamp() if request.deadline else None
        self._scheduler.add(
            partition,
            Waiting.of(
                self._tickets,
                len(request.text),
                deadline,
                urgent=partition.topic == self._urgent_topic,
            ),
        )


def _parked() -> None:
    failpoint("gpu.parked")
    metrics.REQUESTS_PARKED.inc()
