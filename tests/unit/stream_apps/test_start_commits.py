"""The worker commits where idle partitions begin, and sets no partition back by it."""

import asyncio
from types import SimpleNamespace

from faust.types import TP

from seedcast.settings import Settings
from seedcast.stream_apps.postprocess.faust_app import build_app
from seedcast.stream_apps.postprocess.faust_transport import _Consumer

PLACE, OTHER = TP("audio", 0), TP("audio", 1)


async def _nothing(*_: object, **__: object) -> None:
    pass


class Committing(_Consumer):
    """Faust's consumer without a broker: its thread answers from what was committed."""

    def __init__(self) -> None:
        super().__init__(build_app(Settings()).transport, _nothing, _nothing, _nothing)
        self.group: dict[TP, int | None] = {PLACE: None, OTHER: None}
        self.sent: list[dict[TP, int]] = []
        self._thread = SimpleNamespace(
            seek_to_committed=self._seek_to_committed,
            assignment=lambda: set(self.group),
            commit=self._record,
        )

    async def _seek_to_committed(self) -> dict[TP, int | None]:
        return dict(self.group)

    async def _record(self, offsets: dict[TP, int]) -> bool:
        self.sent.append(dict(offsets))
        self.group |= offsets
        return True

    def done(self, tp: TP, *offsets: int) -> None:
        self._acked[tp].extend(offsets)


def test_the_beginning_of_an_idle_partition_is_committed_once_and_never_after_its_records() -> None:
    async def scene() -> None:
        consumer = Committing()
        consumer.commit_starts({PLACE: 3, OTHER: 0})
        await consumer.force_commit()
        assert consumer.sent == [], "Kafka has not said yet what is committed"
        await consumer.perform_seek()
        consumer.done(PLACE, 3, 4)
        await consumer.force_commit()
        await consumer.force_commit()
        assert consumer.sent == [{PLACE: 5}, {OTHER: 0}]

    asyncio.run(scene())


def test_no_beginning_is_committed_after_a_partition_was_revoked() -> None:
    async def scene() -> None:
        consumer = Committing()
        consumer.commit_starts({PLACE: 3})
        await consumer.perform_seek()
        await consumer.on_partitions_revoked({PLACE})
        consumer.group[PLACE] = 9  # by another owner
        await consumer.force_commit()
        assert consumer.sent == []

    asyncio.run(scene())
