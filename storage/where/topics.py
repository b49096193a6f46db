"""A request on its way: the partition of its voice seed, and no more of it than must be read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seedcast.codec import decode_request
from seedcast.errors import Poison
from seedcast.kafka import Committed, GroupOffsets, Partition, Record, TopicReader, offset_bitmap
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import AUDIO, AUDIO_URGENT, GPU_CONSUMERS, POSTPROCESS, ConsumerGroup
from seedcast.settings import Settings
from seedcast.storage.index.values import moment


@dataclass(frozen=True)
class Found:
    """A record of the request, and what its topic's consumer group has done."""

    partition: Partition
    offset: int
    at: datetime
    done: bool
    later: bool  # a record after it is done
    before: int  # records before it in the partition that are not done
    request: SpeechRequest | None = None

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "topic": self.partition.topic,
            "partition": self.partition.number,
            "offset": self.offset,
        }


class OnTopics:
    def __init__(self, settings: Settings) -> None:
        self._settings, self._offsets = settings, GroupOffsets(settings)

    def partitions(self, topic: str) -> int:
        """Return how many the topic of this full name has."""
        return len(self._offsets.bounds([topic]))

    def request(
        self,
        campaign: str,
        wanted: str,
        places: Iterable[Partition],
        since: datetime | None = None,
    ) -> Found | None:
        """Find a campaign's request by its id, or its own, in these partitions; the first one.

        Records that GPU consumers have not done, or, with `since`, all from that moment.
        """
        for place in places:
            committed = self._committed(GPU_CONSUMERS, place.topic)
            for record in self._read(place, committed.get(place), since):
                if found := _as_request(record, campaign, wanted):
                    return found_record(record, committed.get(place), found)
        return None

    def audio(self, request_id: str) -> Found | None:
        """Find the waveform of a request among those that post-processing has not done."""
        key = request_id.encode()
        for topic in (self._settings.topic(AUDIO), self._settings.topic(AUDIO_URGENT)):
            committed = self._committed(POSTPROCESS, topic)
            for place in self._offsets.bounds([topic]):
                for record in self._read(place, committed.get(place), None):
                    if record.key == key:
                        return found_record(record, committed.get(place))
        return None

    def places(self, topics: Iterable[str]) -> list[Partition]:
        return sorted(self._offsets.bounds(topics), key=lambda p: (p.topic, p.number))

    def _committed(self, group: ConsumerGroup, topic: str) -> Mapping[Partition, Committed]:
        return self._offsets.committed(self._settings.group(group.name), [topic])

    def _read(
        self, place: Partition, committed: Committed | None, since: datetime | None
    ) -> Iterator[Record]:
        """Yield the partition's records from where they may be to its present end."""
        bounds = self._offsets.bounds([place.topic])
        start = (committed.offset or 0) if committed else 0
        if since:
            start = self._offsets.first_since([place.topic], since.timestamp())[place]
        starts = {p.number: end for p, (_, end) in bounds.items()}
        starts[place.number] = max(start, bounds[place][0])
        if starts[place.number] >= bounds[place][1]:
            return
        with TopicReader(self._settings, place.topic, starts) as reader:
            for record in reader.to_end():
                if record.partition.number == place.number:
                    yield record


def _as_request(record: Record, campaign: str, wanted: str) -> SpeechRequest | None:
    if campaign.encode() not in record.value:  # most are of others, and need no decoding
        return None
    try:
        request = decode_request(record.value)
    except Poison:
        return None
    is_wanted = wanted in (request.request_id, request.metadata.get("id"))
    return request if is_wanted and request.campaign_id == campaign else None


def found_record(
    record: Record, committed: Committed | None, request: SpeechRequest | None = None
) -> Found:
    """Return what the group's committed offset, and the bitmap beside it, say of a record."""
    watermark = (committed.offset or 0) if committed else 0
    above = set(offset_bitmap.decode(watermark, committed.metadata if committed else ""))
    between = range(watermark, record.offset)
    return Found(
        partition=record.partition,
        offset=record.offset,
        at=moment(record.timestamp_ms),
        done=record.offset < watermark or record.offset in above,
        later=any(offset > record.offset for offset in above),
        before=len(between) - sum(offset in between for offset in above),
        request=request,
    )
