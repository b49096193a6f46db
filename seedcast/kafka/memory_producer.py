"""A fake Producer for tests: keeps each record until the test supplies its delivery report."""

from dataclasses import dataclass

from seedcast.errors import SeedcastError
from seedcast.kafka.producer import Headers, OnDelivery


@dataclass(frozen=True)
class Sent:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    on_delivery: OnDelivery


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
    ) -> None:
        self.outstanding.append(Sent(topic, key, value, headers, on_delivery))

    def answer(self, error: SeedcastError | None = None) -> None:
        """Answer everything outstanding with `error`; None acknowledges it."""
        answered, self.outstanding = self.outstanding, []
        self.acknowledged += answered if error is None else []
        for sent in answered:
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
