"""Waits until every request of a campaign, or of several, has its result."""

from collections.abc import Callable, Mapping, Sequence

from seedcast.campaigns.campaign_topic import Campaigns, find_campaign
from seedcast.campaigns.indexed_outcomes import CampaignIndex, CampaignOutcomes
from seedcast.campaigns.progress import Progress, ReadIds
from seedcast.settings import Settings

POLL = 0.2  # seconds


def wait(
    settings: Settings,
    campaign_id: str,
    read_ids: ReadIds,
    on_progress: Callable[[Progress], None] = lambda _: None,
    index: CampaignIndex | None = None,
) -> Progress:
    """Return once every request of the campaign's list has a result.

    With an `index` that is asked; without one, or once it fails, which is logged, the results topic
    is read, and the list unless every one of its requests has a result already.

    A campaign of events that was cancelled has no list to wait for: this returns at once, and the
    progress is not `complete`. Raises InvalidInput if there is no such campaign, and what reading
    the list does.
    """

    def show(progress: Mapping[str, Progress]) -> None:
        on_progress(progress[campaign_id])

    return wait_for_all(settings, [campaign_id], read_ids, show, index)[campaign_id]


def wait_for_all(
    settings: Settings,
    campaign_ids: Sequence[str],
    read_ids: ReadIds,
    on_progress: Callable[[Mapping[str, Progress]], None],
    index: CampaignIndex | None = None,
) -> dict[str, Progress]:
    """Wait for several campaigns, each as `wait` does; the progress of each is under its id."""
    ended: dict[str, Progress] = {}
    with (
        Campaigns(settings) as campaigns,
        CampaignOutcomes(settings, read_ids, index, *campaign_ids) as outcomes,
    ):
        campaigns.catch_up()
        campaigns.follow()
        for campaign_id in campaign_ids:
            find_campaign(campaigns.records, campaign_id)
        while len(ended) < len(campaign_ids):
            outcomes.poll(POLL)
            campaigns.poll()
            records = [campaigns.records[campaign_id] for campaign_id in campaign_ids]
            progress = {each.campaign_id: outcomes.progress(each) for each in records} | ended
            on_progress(progress)
            for campaign in (each for each in records if each.campaign_id not in ended):
                if outcomes.ended(campaign):
                    ended[campaign.campaign_id] = progress[campaign.campaign_id]
                else:
                    outcomes.tell_strays_apart(campaign)
    return ended
