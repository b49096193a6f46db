"""Nights in which something never happened: a result, a commit, a request, the sealing.

Kafka cannot take back what it has, so these faults cannot be made afterwards. Each is a small
campaign in its own deployment.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.night.fabricate import Night
from benchmarks.night.faults import ExpectedFinding
from seedcast.campaigns.cursor_topic import write_feeder_records
from seedcast.kafka import Producer
from seedcast.schemas.messages import CampaignState, Cursor, SpeechRequest
from seedcast.storage.staged_lists import folder, part_name, staged_of

Begin = Callable[[Night, int], None]  # begins a night with that many requests
# Finishes the night, but for what is omitted. Returns what the audit must name; "": no examples.
Finish = Callable[[Night, list[SpeechRequest]], str]


@dataclass(frozen=True)
class Omission:
    """Something that never happened in a night."""

    finding: str  # its name in the audit's report
    finish: Finish
    begin: Begin


def make_incomplete(night: Night, words: str, requests: int) -> ExpectedFinding:
    """Fabricate a night with one of the OMISSIONS, and return the finding that it must give."""
    omission = OMISSIONS[words]
    omission.begin(night, requests)
    example = omission.finish(night, list(night.requests()))
    return ExpectedFinding(words, omission.finding, example)


def _feed_all(night: Night, count: int) -> None:
    night.stage(count)
    night.feed()


def _begin(state: CampaignState, more: int | None) -> Begin:
    """The campaign has no list. `more` requests than there are it was sealed with; None: never."""

    def begin(night: Night, count: int) -> None:
        night.begin(count, state, None if more is None else count + more)

    return begin


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


def _without_first_request(*, fed: bool) -> Finish:
    """The first row is on no topic, though the cursor says so if it is `fed`."""

    def finish(night: Night, requests: list[SpeechRequest]) -> str:
        night.send(requests[1:])
        if fed:
            cursor = Cursor(
                campaign_id=night.campaign,
                staging=staged_of(night.record).staging,
                fed=len(requests),
                generation=1,
            )
            write_feeder_records(Producer(night.settings), night.settings, [cursor])
        _finish_all(night, requests[1:])
        return requests[0].request_id

    return finish


def _without_part(night: Night, requests: list[SpeechRequest]) -> str:
    _finish_all(night, requests)
    key = folder(night.campaign, staged_of(night.record).staging) + part_name(0)
    night.store.delete(night.store.uri(key))
    return key


def _finish_all(night: Night, requests: list[SpeechRequest]) -> str:
    night.finish(requests)
    night.commit()
    return ""


OMISSIONS: dict[str, Omission] = {
    "offsets are committed past audio without a result": Omission(
        "audio_passed", _without_first_result(audio=True, commit=Night.commit), _feed_all
    ),
    "offsets are committed past a request without audio": Omission(
        "request_passed", _without_first_result(audio=False, commit=Night.commit), _feed_all
    ),
    "audio is not taken yet": Omission(
        "waiting_on_audio",
        _without_first_result(audio=True, commit=Night.commit_requests),
        _feed_all,
    ),
    "a request is not taken yet": Omission(
        "waiting_on_requests", _without_first_result(audio=False, commit=None), _feed_all
    ),
    "a row is not fed yet": Omission(
        "waiting_in_list", _without_first_request(fed=False), Night.stage
    ),
    "a row is fed and on no topic": Omission("lost", _without_first_request(fed=True), Night.stage),
    "a part of the list is missing": Omission("list_damaged", _without_part, _feed_all),
    "a request fewer than it was sealed with": Omission(
        "fewer_than_sealed", _finish_all, _begin("sealed", more=1)
    ),
    "a request more than it was sealed with": Omission(
        "more_than_sealed", _finish_all, _begin("sealed", more=-1)
    ),
    "it was never sealed": Omission("not_sealed", _finish_all, _begin("open", more=None)),
}
