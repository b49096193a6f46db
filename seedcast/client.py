"""The Python interface: submit lists, send events, subscribe to results, read the audio.

    from seedcast import Client, SubmitOptions

    client = Client()  # the servers of the environment, or the embedded stack of this folder
    people = [{"id": "b-1", "name": "Anna", "due": 12}, {"id": "b-2", "name": "Omar", "due": 30}]
    options = SubmitOptions(
        campaign="reminders", id_column="id", voice=2222, template="{name}, {due} euros are due."
    )
    report = client.submit(people, options)  # the list is stored, and its campaign begins
    for result in client.subscribe(group="billing", campaign=report.campaign_id):
        audio = client.audio(result.renditions[0].uri)  # ends when the campaign is complete
        print(result.metadata["id"], result.status, len(audio) > 1000)

Importing it loads neither Kafka's client nor the object store's: each call loads what it needs.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from seedcast.campaigns.subscription import Subscription
    from seedcast.producers.events.options import SendOptions
    from seedcast.producers.events.sender import Sender
    from seedcast.producers.staging.options import OnProgress, SubmitOptions, SubmitReport
    from seedcast.schemas.messages import SpeechRequest, SpeechResult
    from seedcast.settings import Settings
    from seedcast.storage.index.reader import Index
    from seedcast.storage.s3 import S3Store


class Client:
    """Submits requests and reads results, on the servers that its settings name.

    Without `settings` it loads them from the environment and from SEEDCAST_CONFIG. Where they name
    no servers, it uses those of the embedded stack. It keeps no connection between calls, but for
    the object store's pool.

    Raises InvalidSettings.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        from seedcast import embedded
        from seedcast.settings import load

        self.settings = embedded.connected(load() if settings is None else settings)

    def submit(
        self,
        source: Path | str | Iterable[Mapping[str, object] | SpeechRequest],
        options: SubmitOptions,
        on_progress: OnProgress | None = None,
    ) -> SubmitReport:
        """Submit a file (CSV, JSON Lines, Parquet), or rows, or requests, as one campaign.

        Returns when the whole list is stored and the campaign exists. The same call again submits
        nothing twice. Raises as `submit_file` of seedcast.producers.staging does.
        """
        from seedcast.producers.staging.submit import submit_file, submit_requests

        if isinstance(source, str | Path):
            return submit_file(self.settings, source, options, on_progress)
        return submit_requests(self.settings, source, options, on_progress)

    def sender(self, options: SendOptions | None = None) -> Sender:
        """Return a sender of single requests, for events; keep it open for many of them.

            with client.sender(SendOptions(voice=2222)) as sender:
                receipt = sender.send({"id": "order-7", "text": "Your order is at the door."})

        In asyncio: `async with`, and `await sender.send_async(…)`. Raises InvalidInput.
        """
        from seedcast.producers.events.options import SendOptions
        from seedcast.producers.events.sender import Sender

        return Sender(self.settings, options or SendOptions())

    def subscribe(self, group: str, campaign: str | None = None) -> Subscription:
        """Iterate over each request's result, as a member of a consumer group.

        With a campaign, iteration ends when that is complete. The group goes on after the last
        result that was handled. Raises as seedcast.campaigns.subscription.subscribe does.
        """
        from seedcast.campaigns.subscription import subscribe
        from seedcast.storage.list_ids import ids_reader

        index = None if campaign is None else self._open_index()
        return subscribe(self.settings, group, ids_reader(self.settings.s3), campaign, index)

    def results(self, campaign: str | None = None, follow: bool = False) -> Iterator[SpeechResult]:
        """Yield the result of each request from the topic's beginning, without a group.

        Ends at the end of the topic; with `follow`, never. Raises Fatal errors of Kafka.
        """
        from seedcast.campaigns.subscription import read_results

        return read_results(self.settings, campaign, follow)

    def audio(self, uri: str) -> bytes:
        """Return a rendition's bytes. Raises MissingObject, and the errors of the object store."""
        return self._store.get(uri)

    def link(self, uri: str, valid: timedelta = timedelta(hours=1)) -> str:
        """Return a link under which anybody can read a rendition for a while, without keys."""
        return self._store.presign(uri, valid)

    def _open_index(self) -> Index | None:
        """None, which is logged, if there is one that does not answer: the topics tell the same."""
        import structlog

        from seedcast.errors import SeedcastError
        from seedcast.storage.index.reader import open_index

        try:
            return open_index(self.settings)
        except SeedcastError as error:
            log = structlog.get_logger(__name__)
            log.warning("index_left", problem=str(error), next="reads the results topic")
            return None

    @cached_property
    def _store(self) -> S3Store:
        from seedcast.storage.s3 import S3Store

        return S3Store(self.settings.s3)


def submit(
    source: Path | str | Iterable[Mapping[str, object] | SpeechRequest],
    options: SubmitOptions,
    on_progress: OnProgress | None = None,
) -> SubmitReport:
    """Submit to the servers of the environment: see `Client.submit`."""
    return Client().submit(source, options, on_progress)


def subscribe(group: str, campaign: str | None = None) -> Subscription:
    """Subscribe on the servers of the environment: see `Client.subscribe`."""
    return Client().subscribe(group, campaign)
