"""What every follower of a compacted topic does: read all of it, then wait for what comes."""

from abc import ABC, abstractmethod
from typing import Self

from seedcast.kafka.records import Record
from seedcast.kafka.topic_reader import TopicReader


class TopicFollower(ABC):
    """A subclass says what a record means, and polls."""

    def __init__(self, reader: TopicReader) -> None:
        self._reader = reader

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()

    def catch_up(self) -> None:
        """Read every record that is on the topic now. Raises SeedcastError."""
        for record in self._reader.to_end():
            self._take(record)

    def follow(self) -> None:
        """After `catch_up`: wait for changes for as long as a worker runs, at hardly any cost."""
        self._reader.follow()

    @abstractmethod
    def _take(self, record: Record) -> object:
        """Take over a record that was there before."""
