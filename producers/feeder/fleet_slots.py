"""How many slots the GPU consumers that are alive have, and how many of them are busy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from seedcast.fleet.fleet_topic import FleetTopic
from seedcast.kafka import Partition
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.schemas.messages import Worker
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings


@dataclass(frozen=True)
class Capacity:
    """Of the GPU consumers that are alive and have slots."""

    workers: int
    slots: int
    busy: int


class FleetSlots:
    def __init__(self, settings: Settings, partitions: Mapping[str, int]) -> None:
        """`partitions`: how many each topic has, by full name."""
        names = [settings.topic(lane.requests) for lane in LANES.values()]
        self._topics = [[Partition(name, n) for n in range(partitions[name])] for name in names]
        self._topic = FleetTopic(settings)
        self._topic.catch_up()
        self._topic.follow()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._topic.close()

    def poll(self) -> None:
        """Raises Fatal errors."""
        self._topic.poll()

    def set_slots(self, depth: Depth[Partition]) -> None:
        """The fullest worker tells how busy the fleet is: while one is full, more is spoken.

        Rows queue on its partitions then, and another one's slots may be free for want of rows.
        """
        slots = self.capacity.slots
        fullest = max(map(_fullness, self._consumers()), default=1.0)
        depth.set_fleet(slots, self._topics, round(slots * fullest))

    @property
    def capacity(self) -> Capacity:
        found = self._consumers()
        slots = sum(each.slots or 0 for each in found)
        return Capacity(len(found), slots, sum(each.busy or 0 for each in found))

    def _consumers(self) -> list[Worker]:
        alive = (seen.worker for seen in self._topic.fleet.live())
        return [each for each in alive if each.kind == "gpu-consumer" and each.slots]

    @property
    def most_workers(self) -> int:
        """One per partition: further ones would have none."""
        return max(map(len, self._topics))


def _fullness(worker: Worker) -> float:
    """Return the part of its slots that are busy; 1 while that is not known: it is starting."""
    return 1.0 if worker.busy is None else worker.busy / (worker.slots or 1)
