"""One record at a time, from any thread: each future has the broker's answer."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from seedcast.errors import AccessDenied, BrokerUnavailable, Poison, SeedcastError
from seedcast.kafka import BackgroundProducer
from seedcast.kafka.memory_producer import MemoryProducer
from tests.builders.waiting import eventually

DENIED = AccessDenied("producing to t")


class Scripted(MemoryProducer):
    """Answers at each poll, by what is in `answers`; without any, not at all."""

    def __init__(self, *answers: SeedcastError | None) -> None:
        super().__init__()
        self.answers, self.refreshed, self.abandoned = list(answers), list[str](), 0

    def poll(self, timeout: float = 0.0) -> int:
        if self.outstanding and self.answers:
            self.answer(self.answers.pop(0))
        return 0

    def refresh(self, topic: str) -> None:
        self.refreshed.append(topic)

    def flush(self, timeout: float) -> int:
        return len(self.outstanding)

    def abandon(self) -> None:
        self.abandoned += 1


@contextmanager
def background(producer: MemoryProducer) -> Iterator[BackgroundProducer]:
    running = BackgroundProducer(producer)
    try:
        yield running
    finally:
        running.close(0)


def test_a_future_is_done_once_the_broker_has_acknowledged_and_has_the_offset() -> None:
    producer = Scripted()
    with background(producer) as sender:
        future = sender.send("t", key=b"7", value=b"v", partition=3)
        eventually(lambda: producer.outstanding, what="the record")
        assert not future.done()
        producer.answers.append(None)
        assert future.result(60) == 0
    [sent] = producer.acknowledged
    assert (sent.topic, sent.key, sent.value, sent.partition) == ("t", b"7", b"v", 3)


@pytest.mark.parametrize("error", [Poison("too large"), BrokerUnavailable("timed out"), DENIED])
def test_a_future_raises_what_the_broker_reports(error: SeedcastError) -> None:
    with background(Scripted(error)) as sender, pytest.raises(type(error), match=error.what):
        sender.send("t", key=b"7", value=b"v").result(60)


def test_what_librdkafka_refuses_at_once_is_an_answer_and_the_thread_goes_on() -> None:
    class Refuses(Scripted):
        def send(self, topic: str, **record: object) -> None:
            if topic == "refused":
                raise Poison("too large")
            super().send(topic, **record)  # type: ignore[arg-type]

    with background(Refuses(None)) as sender:
        with pytest.raises(Poison, match="too large"):
            sender.send("refused", key=b"7", value=b"v").result(60)
        assert sender.send("t", key=b"7", value=b"v").result(60) == 0


def test_a_topic_that_was_refused_is_looked_up_again_before_its_next_record() -> None:
    producer = Scripted(DENIED, None, None)
    with background(producer) as sender:
        with pytest.raises(AccessDenied):
            sender.send("t", key=b"7", value=b"v").result(60)
        assert producer.refreshed == []
        for _ in range(2):
            sender.send("t", key=b"7", value=b"v").result(60)
    assert producer.refreshed == ["t"]


def test_a_cancelled_record_that_librdkafka_does_not_have_yet_is_not_sent() -> None:
    class Slow(Scripted):
        cancel = True

        def send(self, topic: str, **record: object) -> None:
            if self.cancel:  # while the first is handed over, the second waits
                self.cancel = False
                second.append(sender.send("t", key=b"2", value=b"second"))
                assert second[0].cancel()
            super().send(topic, **record)  # type: ignore[arg-type]

    second: list[Future[int | None]] = []
    producer = Slow(None, None)
    with background(producer) as sender:
        sender.send("t", key=b"1", value=b"first").result(60)
        assert sender.send("t", key=b"3", value=b"third").result(60) == 1
    assert [sent.value for sent in producer.acknowledged] == [b"first", b"third"]


def test_closing_drops_the_rest_and_says_so() -> None:
    producer = Scripted()
    sender = BackgroundProducer(producer)
    future = sender.send("t", key=b"7", value=b"v")
    sender.close(0)
    with pytest.raises(BrokerUnavailable, match="closed"):
        future.result(60)
    with pytest.raises(BrokerUnavailable, match="closed"):
        sender.send("t", key=b"7", value=b"v")
    assert producer.abandoned == 1


def test_a_thread_that_ends_by_itself_ends_every_wait_with_its_error() -> None:
    class Breaks(Scripted):
        def poll(self, timeout: float = 0.0) -> int:
            if self.outstanding:
                raise ValueError("broken")
            return 0

    sender = BackgroundProducer(Breaks())
    with pytest.raises(ValueError, match="broken"):
        sender.send("t", key=b"7", value=b"v").result(60)
    with pytest.raises(ValueError, match="broken"):
        sender.send("t", key=b"7", value=b"v")
    sender.close(0)
