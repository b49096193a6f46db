"""A group member forgets revoked partitions, whatever fails in the callback before."""

from collections.abc import Sequence

from confluent_kafka import TopicPartition

from seedcast.errors import Fatal
from seedcast.kafka import GroupConsumer, Partition
from seedcast.settings import Settings

PLACE = Partition("t", 3)


def test_on_lost_runs_after_on_revoke_even_if_that_fails() -> None:
    told: list[tuple[str, Sequence[Partition]]] = []

    def commit(partitions: Sequence[Partition]) -> None:
        told.append(("revoke", partitions))
        raise Fatal("no commit is taken")

    consumer = GroupConsumer(
        Settings(),
        "g",
        ["t"],
        on_assign=lambda _: None,
        on_revoke=commit,
        on_lost=lambda partitions: told.append(("lost", partitions)),
    )
    consumer._guard(consumer._revoke)(consumer._client, [TopicPartition(PLACE.topic, PLACE.number)])
    consumer.close()
    assert told == [("revoke", [PLACE]), ("lost", [PLACE])]
