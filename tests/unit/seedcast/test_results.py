"""A subscription survives a short outage."""

from types import SimpleNamespace
from typing import Any

import pytest

from seedcast.campaigns import subscription
from seedcast.campaigns.subscription import _Member
from seedcast.errors import BrokerUnavailable, OffsetsLost
from seedcast.settings import KafkaSettings, Settings

NOBODY = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1"))


def member_whose_broker(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> _Member:
    def at_end(_: object) -> bool:
        if error:
            raise error
        return True

    def consumer(*_: object, on_assign: Any, **__: object) -> SimpleNamespace:
        on_assign({})
        return SimpleNamespace(at_end=at_end)

    monkeypatch.setattr(subscription, "GroupConsumer", consumer)
    return _Member(NOBODY, "billing", None)


def test_a_broker_that_is_unavailable_at_the_end_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert member_whose_broker(monkeypatch, None).at_end()
    assert not member_whose_broker(monkeypatch, BrokerUnavailable("away")).at_end()
    with pytest.raises(OffsetsLost):
        member_whose_broker(monkeypatch, OffsetsLost("gone")).at_end()
