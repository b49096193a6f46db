"""Lines of a batch's files, of requests that ended in every way."""

import json
from datetime import timedelta

import pytest

from seedcast.producers.gateway.batch_files import line_of
from tests.builders.outcomes import ENDED, a_result, every_outcome, indexed

LATER = ENDED + timedelta(hours=1)


def test_what_was_spoken_has_its_address_and_its_proof() -> None:
    line = json.loads(line_of(every_outcome()[0], LATER))
    assert (line["custom_id"], line["error"]) == ("n-1", None)
    assert line["response"]["status_code"] == 200
    body = line["response"]["body"]
    assert body["audio_url"] == "s3://b/k.ogg"
    assert (body["profile"], body["content_type"], body["duration"]) == ("phone", "audio/ogg", 2.5)
    assert len(body["sha256"]) == 64


def test_what_failed_ends_as_its_endpoint_would_have_answered() -> None:
    line = json.loads(line_of(every_outcome()[1], LATER))
    assert (line["custom_id"], line["error"]) == ("n-2", None)
    assert line["response"]["status_code"] == 500
    assert line["response"]["body"]["error"]["code"] == "engine_error"


def test_what_was_cancelled_was_not_executed() -> None:
    line = json.loads(line_of(every_outcome()[3], LATER))
    assert (line["response"], line["error"]["code"]) == (None, "batch_cancelled")


@pytest.mark.parametrize("is_own", [True, False])
def test_what_came_too_late_tells_a_deadline_of_its_own_from_the_windows_end(is_own: bool) -> None:
    request = indexed(a_result(3, "expired"), 3)
    line = json.loads(line_of(request, LATER if is_own else ENDED))
    if is_own:
        assert line["response"]["status_code"] == 504
        assert line["response"]["body"]["error"]["code"] == "deadline"
    else:
        assert (line["response"], line["error"]["code"]) == (None, "batch_expired")
