"""Keys and URIs of audio objects."""

import re

import pytest

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import SpeechRequest
from seedcast.storage.dead_letters import PREFIX
from seedcast.storage.objects import NO_CAMPAIGN, object_key, parse_uri
from tests.builders.records import a_request

SHA = "ab" + "0" * 62


def test_a_key_is_the_contents_hash_under_its_campaign() -> None:
    assert object_key("night-1", SHA, "wav") == f"night-1/ab/{SHA}.wav"


@pytest.mark.parametrize("reserved", [NO_CAMPAIGN, PREFIX])
def test_no_campaign_id_can_equal_a_prefix_of_ours(reserved: str) -> None:
    pattern = next(
        annotation.pattern
        for annotation in SpeechRequest.__annotations__["campaign_id"].__metadata__
    )
    assert re.match(pattern, a_request().campaign_id)
    assert not re.match(pattern, reserved)
    assert object_key(None, SHA, "wav").split("/")[0] == NO_CAMPAIGN


@pytest.mark.parametrize(
    "wrong",
    ["", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key", "bucket/key"],
)
def test_an_invalid_uri_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="expected s3://bucket/key"):
        parse_uri(wrong)
