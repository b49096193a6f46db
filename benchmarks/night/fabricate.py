"""What a finished night leaves behind, by the real topics, codecs and consumer groups, without a word being spoken."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from benchmarks.night.records import CONTENT_TYPE, PROFILE, audio_of, data_of, key_of, result_of
from benchmarks.night.topics import commit_all, send
from gpu_consumers.assignments import GROUP as GPU_CONSUMERS
from producers import SubmitOptions, submit_requests
from schemas.messages import SpeechRequest, SpeechResult
from schemas.topics import AUDIO, AUDIO_URGENT, REQUESTS, REQUESTS_URGENT, RESULTS
from seedcast.campaigns.requests import read_requests
from seedcast.codec import encode_json, encode_synthesis
from seedcast.settings import Settings
from storage.s3 import S3Store
from stream_apps.postprocess.faust_app import GROUP as POSTPROCESS

VOICES = 8
BATCH = 4096  # objects handed to the threads at once


@dataclass(frozen=True)
class Night:
    """One campaign. Each step is its own, so that a night may lack one."""

    settings: Settings
    campaign: str

    @cached_property
    def store(self) -> S3Store:
        return S3Store(self.settings.s3)

    def accept(self, count: int, *, seal: bool = True) -> None:
        """Through the producer that submits every list: requests on their topic, and the campaign's record."""
        rows = (
            {"text": f"Dear customer {number}, thank you.", "voice": number % VOICES}
            for number in range(count)
        )
        submit_requests(
            self.settings,
            rows,
            SubmitOptions(campaign=self.campaign, profiles=(PROFILE,), seal=seal),
        )

    def requests(self) -> Iterator[SpeechRequest]:
        return read_requests(self.settings, self.campaign)

    def speak(self, requests: Iterable[SpeechRequest]) -> None:
        send(
            self.settings,
            AUDIO,
            ((request.request_id, encode_synthesis(audio_of(request))) for request in requests),
        )

    def put(self, requests: Iterable[SpeechRequest]) -> None:
        """Objects, each by a PUT of its own."""
        names = (request.request_id for request in requests)
        with ThreadPoolExecutor(self.settings.s3.concurrency) as pool:
            while batch := list(islice(names, BATCH)):
                list(pool.map(self._put, batch))

    def place(self, requests: Iterable[SpeechRequest], bucket: Path) -> None:
        """The same objects as files in the bucket's folder, which is what the embedded S3 server serves: 10,000 a second, where PUTs make 900.

        Only for a bucket that has not been listed yet: the server remembers a folder for five minutes (measured).
        """
        for request in requests:
            file = bucket / key_of(self.campaign, request.request_id)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data_of(request.request_id))

    def deliver(self, requests: Iterable[SpeechRequest]) -> None:
        self.end(self.result_of(request) for request in requests)

    def end(self, results: Iterable[SpeechResult]) -> None:
        send(
            self.settings, RESULTS, ((result.request_id, encode_json(result)) for result in results)
        )

    def commit(self) -> None:
        self.commit_requests()
        self.commit_audio()

    def commit_requests(self) -> None:
        commit_all(self.settings, GPU_CONSUMERS, (REQUESTS, REQUESTS_URGENT))

    def commit_audio(self) -> None:
        commit_all(self.settings, POSTPROCESS, (AUDIO, AUDIO_URGENT))

    def finish(self, requests: list[SpeechRequest]) -> None:
        """Spoken, stored, delivered; nothing is committed."""
        for step in (self.speak, self.put, self.deliver):
            step(requests)

    def result_of(self, request: SpeechRequest) -> SpeechResult:
        return result_of(request, self.uri_of(request.request_id))

    def uri_of(self, request_id: str) -> str:
        return self.store.uri(key_of(self.campaign, request_id))

    def _put(self, request_id: str) -> None:
        self.store.put(key_of(self.campaign, request_id), data_of(request_id), CONTENT_TYPE)
