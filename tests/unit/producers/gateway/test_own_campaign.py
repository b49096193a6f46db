"""Requests of a campaign that are not there: still to come, or of a list that cannot be read."""

import pytest

from seedcast.campaigns.progress import Progress
from seedcast.producers.gateway.own_campaign import require_requests
from seedcast.producers.gateway.problems import Problem
from seedcast.storage.index.indexed import IndexedCampaign


def campaign(problem: str | None) -> IndexedCampaign:
    return IndexedCampaign(
        campaign_id="night",
        campaign=None,
        progress=Progress(accepted=1),
        errors={},
        fed=0,
        held=None,
        list_state="pending",
        list_problem=problem,
    )


def test_a_list_that_is_not_indexed_yet_is_asked_for_again() -> None:
    with pytest.raises(Problem, match="not in the results index yet") as raised:
        require_requests(campaign(None))
    assert (raised.value.status, raised.value.code) == (409, "pending")
    assert int(raised.value.headers["retry-after"]) > 0


def test_a_list_that_cannot_be_read_is_not_waited_for() -> None:
    require_requests(campaign("part-00000.parquet is missing"))
