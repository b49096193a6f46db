"""What a sender keeps open: one producer, and the state of the campaigns."""

from dataclasses import dataclass

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.kafka import Admin, BackgroundProducer, Producer, client_config
from seedcast.producers.events.campaigns import EventCampaigns
from seedcast.producers.request_topics import RequestTopics, find_topics
from seedcast.schemas.rights import SENDER
from seedcast.settings import Settings


@dataclass(frozen=True)
class Connection:
    topics: RequestTopics
    campaigns: EventCampaigns
    producer: BackgroundProducer

    def close(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for what is on its way, and drop the rest."""
        self.producer.close(timeout)
        self.campaigns.close()


def connect(settings: Settings, timeout: float) -> Connection:
    """Wait for the brokers. A record that takes longer than `timeout` seconds is dropped.

    Raises Unreachable, CredentialsRefused, AccessDenied and TopicMismatch.
    """
    topics = RequestTopics(settings, find_topics(Admin(settings), settings, SENDER))
    followed = Campaigns(settings)
    try:
        followed.catch_up()
        followed.follow()
        producer = BackgroundProducer(Producer(settings, client_config.prompt(timeout)))
    except BaseException:
        followed.close()
        raise
    return Connection(topics, EventCampaigns(settings, followed, producer), producer)
