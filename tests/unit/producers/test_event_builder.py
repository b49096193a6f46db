"""Events to requests: their campaign, their ids, their deadlines, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from seedcast.catalog import profiles
from seedcast.codec import decode_request, encode_json
from seedcast.errors import InvalidEvent, InvalidInput
from seedcast.producers.events.build import EventBuilder
from seedcast.producers.events.options import SendOptions
from seedcast.producers.rows.request_ids import request_id
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings
from tests.builders.requests import a_request

PROFILES = profiles.load(Settings().postprocess)
NOW = datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC)
SOON = NOW + timedelta(seconds=2)  # on the next day
EVENT = {"id": "order-7", "text": "Hello.", "voice": 7}


def builder(**options: object) -> EventBuilder:
    return EventBuilder(SendOptions(**options), PROFILES)  # type: ignore[arg-type]


def build(event: object, now: datetime = NOW, **options: object) -> SpeechRequest:
    return builder(**options).build(event, now)  # type: ignore[arg-type]


def test_events_belong_to_the_campaign_of_their_tenant_and_day() -> None:
    events = builder(tenant="acme")
    assert events.build(EVENT, NOW).campaign_id == "events-acme-2026-01-01"
    assert events.build(EVENT, SOON).campaign_id == "events-acme-2026-01-02"
    assert build(EVENT).campaign_id == "events-default-2026-01-01"
    assert build(EVENT, campaign="alerts").campaign_id == "alerts"
    longest = builder(tenant="x" * 46).build(EVENT, NOW)
    assert decode_request(encode_json(longest)) == longest


def test_the_same_id_gives_the_same_request_id_also_after_midnight() -> None:
    first = build(EVENT)
    assert build(EVENT, SOON).request_id == first.request_id
    assert build({**EVENT, "id": "order-8"}).request_id != first.request_id
    assert build(EVENT, tenant="acme").request_id != first.request_id
    assert build(EVENT, campaign="a").request_id == request_id("a", "order-7")
    assert build({"order": "order-7", **EVENT, "id": 1}, id_column="order") == first


def test_request_ids_of_events_never_change() -> None:
    assert build(EVENT).request_id == "6f2f824f33d3cbe149410daf187aa4a5"


def test_an_event_without_an_id_gets_a_random_one_and_an_empty_id_is_refused() -> None:
    event = {"text": "Hello.", "voice": 7}
    one, other = build(event), build(event)
    assert one.request_id != other.request_id
    assert build({**event, "id": one.metadata["id"]}).request_id == one.request_id
    for empty in ("", None):
        with pytest.raises(InvalidEvent, match=r"field 'id'; expected an id of 1 to 256"):
            build({**event, "id": empty})


def test_the_result_repeats_the_events_metadata_and_no_row_number() -> None:
    assert build({**EVENT, "metadata.crm": 12}).metadata == {"crm": "12", "id": "order-7"}


def test_a_duration_counts_from_when_the_event_is_sent() -> None:
    assert build({**EVENT, "deadline": "90s"}).deadline == NOW + timedelta(seconds=90)
    events = builder(deadline="1h")
    assert events.build(EVENT, NOW).deadline == NOW + timedelta(hours=1)
    assert events.build(EVENT, SOON).deadline == SOON + timedelta(hours=1)
    own = events.build({**EVENT, "deadline": "2026-01-02T06:00:00+08:00"}, NOW - timedelta(hours=3))
    assert own.deadline == datetime(2026, 1, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field", "expected", "got"),
    [
        ({"voice": "abc"}, "voice", "an integer from 0 to 9007199254740991", "'abc'"),
        ({"voice": None}, "voice", "a voice", "nothing"),
        ({"text": "…"}, "text", "at least one letter or digit", "nothing to speak"),
        ({"speed": 9}, "speed", "a ratio from 0.5 to 2", "9.0"),
        ({"priority": "soon"}, "priority", "'normal' or 'urgent'", "'soon'"),
        ({"deadline": "0s"}, "deadline", "a time after 2026-01-01T23:59:59+00:00", NOW.isoformat()),
        (
            {"deadline": "soon"},
            "deadline",
            "an ISO 8601 time with its zone, or a duration such as '2h' or '1h30m'",
            "'soon'",
        ),
    ],
)
def test_a_wrong_event_names_its_field_and_no_row(
    change: dict[str, object], field: str, expected: str, got: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        build({**EVENT, **change})
    error = caught.value
    assert (error.field, error.expected, error.got) == (field, expected, got)
    assert error.what == f"event, field {field!r}"


@pytest.mark.parametrize("event", ["Hello.", None, [("id", "1")]])
def test_what_is_no_event_is_refused(event: object) -> None:
    with pytest.raises(InvalidEvent, match="expected a mapping or a SpeechRequest; got"):
        build(event)


def test_a_request_that_the_caller_made_is_checked_and_not_changed() -> None:
    request = a_request(submitted_at=NOW)
    assert build(request) == request
    assert build(request, campaign="night") == request
    for options, change, field in (
        ({}, {"voice_seed": -1}, "voice_seed"),
        ({}, {"deadline": NOW}, "deadline"),
        ({"campaign": "other"}, {}, "campaign_id"),
    ):
        with pytest.raises(InvalidEvent, match=f"event, field '{field}'"):
            build(replace(request, **change), **options)


def test_a_prepared_request_is_sent_as_it_is() -> None:
    prepared = build({"text": "Hello.", "voice": 7, "deadline": "1h"})
    assert build(prepared, SOON) == prepared
    assert decode_request(encode_json(prepared)) == prepared


def test_an_event_takes_the_senders_defaults() -> None:
    request = build({"id": 1, "name": "Anna"}, template="Dear {name}.", voice=3, priority="urgent")
    assert (request.text, request.voice_seed, request.priority) == ("Dear Anna.", 3, "urgent")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tenant": ""}, r"option tenant; expected 1 to 46 letters"),
        ({"tenant": "a/b"}, "option tenant.*got 'a/b'"),
        ({"tenant": "x" * 47}, "option tenant"),
        ({"tenant": "a\n"}, "option tenant"),
        ({"campaign": "a/b"}, "campaign; expected 1 to 64"),
        ({"deadline": "soon"}, "option deadline.*got 'soon'"),
        ({"speed": 9.0}, "option speed"),
    ],
)
def test_a_wrong_option_is_refused_before_the_first_event(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        builder(**options)
