import pytest

from tests.unit.producers.feeder.world import World, small_chunks


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    small_chunks(monkeypatch)
    return World()
