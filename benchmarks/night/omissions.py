"""Nights in which something never happened: a result, a commit, a request, the sealing.

Kafka cannot take back what it has, so these faults cannot be made afterwards. Each is a small
campaign in its own deployment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.night.fabricate import Night
from benchmarks.night.faults import ExpectedFinding
from seedcast.campaigns.campaign_topic import announce
from seedcast.kafka import Producer
from seedcast.schemas.messages import Campaign, SpeechRequest

# Finishes the night, but for what is omitted. Returns what the audit must name; "": no examples.
Finish = Callable[[Night, list[SpeechRequest]], str]


@dataclass(frozen=True)
class Omission:
    """Something that never happened in a night."""

    finding: str  # its name in the audit's report
    finish: Finish
    sealed: bool = True  # True if the producer seals the campaign


def make_incomplete(night: Night, words: str, requests: int) -> ExpectedFinding:
    """Fabricate a night with one of the OMISSIONS, and return the finding that it must give."""
    omission = OMISSIONS[words]
    night.accept(requests, seal=omission.sealed)
    example = omission.finish(night, list(night.requests()))
    return ExpectedFinding(words, omission.finding, example)


def _without_first_result(*, audio: bool, commit: Callable[[Night], None] | None) -> Finish:
    """The first request has no result, and no audio unless `audio`. The others have both."""

    def finish(night: Night, requests: list[SpeechRequest]) -> str:
        night.finish(requests[1:])
        if audio:
            night.speak(requests[:1])
        if commit:
            commit(night)
        return requests[0].request_id

    return finish


def _seal_with_one_more(night: Night, requests: list[SpeechRequest]) -> str:
    return _seal_with(night, requests, len(requests) + 1)


def _seal_with_one_fewer(night: Night, requests: list[SpeechRequest]) -> str:
    return _seal_with(night, requests, len(requests) - 1)


def _finish_all(night: Night, requests: list[SpeechRequest]) -> str:
    night.finish(requests)
    night.commit()
    return ""


def _seal_with(night: Night, requests: list[SpeechRequest], accepted: int) -> str:
    record = Campaign(
        campaign_id=night.campaign, state="sealed", created_at=datetime.now(UTC), accepted=accepted
    )
    announce(Producer(night.settings), night.settings, record)
    return _finish_all(night, requests)


OMISSIONS: dict[str, Omission] = {
    "offsets are committed past audio without a result": Omission(
        "audio_passed", _without_first_result(audio=True, commit=Night.commit)
    ),
    "offsets are committed past a request without audio": Omission(
        "request_passed", _without_first_result(audio=False, commit=Night.commit)
    ),
    "audio is not taken yet": Omission(
        "waiting_on_audio", _without_first_result(audio=True, commit=Night.commit_requests)
    ),
    "a request is not taken yet": Omission(
        "waiting_on_requests", _without_first_result(audio=False, commit=None)
    ),
    "a request fewer than it was sealed with": Omission(
        "fewer_than_sealed", _seal_with_one_more, sealed=False
    ),
    "a request more than it was sealed with": Omission(
        "more_than_sealed", _seal_with_one_fewer, sealed=False
    ),
    "it was never sealed": Omission("not_sealed", _finish_all, sealed=False),
}
