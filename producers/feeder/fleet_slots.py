"""How many slots the GPU consumers that are alive have."""

from collections.abc import Mapping
from typing import Self

from seedcast.fleet.fleet_topic import FleetTopic
from seedcast.kafka import Partition
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings


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
        workers = (seen.worker for seen in self._topic.fleet.live())
        slots = sum(worker.slots or 0 for worker in workers if worker.kind == "gpu-consumer")
        depth.set_fleet(slots, self._topics)
