"""Fabricate a finished night: real topics, codecs and consumer groups, and no synthesis."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path

from benchmarks.local_stack import feed
from benchmarks.night.records import (
    CONTENT_TYPE,
    PROFILE,
    VOICES,
    audio_of,
    data_of,
    key_of,
    request_of,
    result_of,
    text_of,
)
from benchmarks.night.topics import commit_all, send
from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.codec import encode_json, encode_synthesis
from seedcast.kafka import Producer
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign, CampaignState, SpeechRequest, SpeechResult
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    GPU_CONSUMERS,
    POSTPROCESS,
    REQUESTS,
    REQUESTS_URGENT,
    RESULTS,
)
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.s3 import S3Store

BATCH = 4096  # objects submitted to the threads at once


@dataclass(frozen=True)
class Night:
    """One campaign. Each step is a method, so that a step can be omitted."""

    settings: Settings
    campaign: str

    @cached_property
    def store(self) -> S3Store:
        return S3Store(self.settings.s3)

    @property
    def record(self) -> Campaign:
        return read_campaigns(self.settings)[self.campaign]

    def stage(self, count: int) -> None:
        """Submit a list, as `seedcast submit` does."""
        rows = ({"text": text_of(number), "voice": number % VOICES} for number in range(count))
        options = SubmitOptions(campaign=self.campaign, profiles=(PROFILE,))
        submit_requests(self.settings, rows, options)

    def feed(self) -> None:
        """Feed the list whole, as a feeder does."""
        feed(self.settings)

    def begin(self, count: int, state: CampaignState, accepted: int | None) -> None:
        """Begin a campaign without a list, as an older version does. `accepted`: as sealed."""
        record = Campaign(
            campaign_id=self.campaign,
            state=state,
            created_at=datetime.now(UTC),
            accepted=accepted,
        )
        announce(Producer(self.settings), self.settings, record)
        self.send(request_of(self.campaign, number) for number in range(count))

    def send(self, requests: Iterable[SpeechRequest]) -> None:
        """Send requests to their topic, past the feeder."""
        records = ((str(request.voice_seed), encode_json(request)) for request in requests)
        send(self.settings, REQUESTS, records)

    def requests(self) -> Iterator[SpeechRequest]:
        return (row.request for row in rows_of(self.settings, self.record))

    def speak(self, requests: Iterable[SpeechRequest]) -> None:
        """Send the requests' audio to its topic, as GPU consumers do."""
        records = (
            (request.request_id, encode_synthesis(audio_of(request))) for request in requests
        )
        send(self.settings, AUDIO, records)

    def put(self, requests: Iterable[SpeechRequest]) -> None:
        """Store the requests' objects, with one PUT each."""
        request_ids = (request.request_id for request in requests)
        with ThreadPoolExecutor(self.settings.s3.concurrency) as pool:
            while batch := list(islice(request_ids, BATCH)):
                list(pool.map(self._put, batch))

    def make_folder(self, bucket: Path) -> None:
        """Make the folder for `place` before the S3 server looks into the bucket, as a feeder does.

        It remembers for five minutes what a folder has (measured).
        """
        (bucket / self.campaign).mkdir()

    def place(self, requests: Iterable[SpeechRequest], bucket: Path) -> None:
        """Write the same objects as files into the bucket's folder, which the S3 server serves.

        This makes 10,000 objects per second, PUTs make 900. The campaign's folder must not have
        been listed yet.
        """
        for request in requests:
            file = bucket / key_of(self.campaign, request.request_id)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data_of(request.request_id))

    def deliver(self, requests: Iterable[SpeechRequest]) -> None:
        """Send the requests' results, as the post-process app does."""
        self.end(self.result_of(request) for request in requests)

    def end(self, results: Iterable[SpeechResult]) -> None:
        records = ((result.request_id, encode_json(result)) for result in results)
        send(self.settings, RESULTS, records)

    def commit(self) -> None:
        self.commit_requests()
        self.commit_audio()

    def commit_requests(self) -> None:
        commit_all(self.settings, GPU_CONSUMERS.name, (REQUESTS, REQUESTS_URGENT))

    def commit_audio(self) -> None:
        commit_all(self.settings, POSTPROCESS.name, (AUDIO, AUDIO_URGENT))

    def finish(self, requests: list[SpeechRequest]) -> None:
        """Send audio, store objects and send results; commit nothing."""
        for step in (self.speak, self.put, self.deliver):
            step(requests)

    def result_of(self, request: SpeechRequest) -> SpeechResult:
        return result_of(request, self.uri_of(request.request_id))

    def uri_of(self, request_id: str) -> str:
        return self.store.uri(key_of(self.campaign, request_id))

    def _put(self, request_id: str) -> None:
        self.store.put(key_of(self.campaign, request_id), data_of(request_id), CONTENT_TYPE)
