"""A fake Producer for tests: keeps each record until the test supplies its delivery report."""

from dataclasses import dataclass

from seedcast.errors import SeedcastError
from seedcast.kafka.producer import Headers, OnDelivery, OnOffset


@dataclass(frozen=True)
class Sent:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    on_delivery: OnDelivery
    partition: int
    on_offset: OnOffset | None


class MemoryProducer:
    def __init__(self) -> None:
        self.outstanding: list[Sent] = []
        self.acknowledged: list[Sent] = []

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        on_delivery: OnDelivery,
        headers: Headers = (),
        partition: int = -1,
        on_offset: OnOffset | None = None,
    ) -> None:
        sent = Sent(topic, key, value, headers, on_delivery, partition, on_offset)
        self.outstanding.append(sent)

    def answer(self, error: SeedcastError | None = None) -> None:
        """Answer everything outstanding with `error`; None acknowledges it."""
        answered, self.outstanding = self.outstanding, []
        for sent in answered:
            if error is None:
                self.acknowledged.append(sent)
                if sent.on_offset:
                    sent.on_offset(len(self.acknowledged) - 1)
            sent.on_delivery(error)

    def poll(self, timeout: float = 0.0) -> int:
        return 0

    def refresh(self, topic: str) -> None:
        pass

    def flush(self, timeout: float) -> int:
        self.answer()
        return 0

    def abandon(self) -> None:
        self.outstanding.clear()
