"""The gateway answers as /openapi.json says, to whatever schemathesis makes of that document."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from seedcast.campaigns.campaign_topic import announce
from seedcast.schemas.messages import Campaign
from seedcast.storage.accounts.keys import KeyLimits
from tests.builders.topics import producer
from tests.builders.waiting import eventually
from tests.integration.test_gateway import (
    BATCH,
    Served,
    hook,
    served,
    speak,
    upload,
    upload_batch,
)

__all__ = ["served"]  # a fixture
pytestmark = pytest.mark.integration

# What has the right form may say nothing, name no voice or be over: it is refused, too.
EXCLUDED = [positive_data_acceptance]
LONGEST = 60  # seconds for an answer: a retry alone may take 20 until it says 202
UNLIMITED = KeyLimits(requests_per_second=10_000, characters_per_minute=10**9)
# Of a request, too, which random ones rarely are; and a campaign of events cannot be paused, nor
# have terms. A random text is no address, and a random change disables the webhook. Of six lists
# with random options each may be refused, and then none is staged.
WITHOUT_SUCCESS = {
    "POST /v1/webhooks",
    "POST /v1/webhooks/{webhook_id}/test",
    "POST /v1/webhooks/{webhook_id}/deliveries/{event_id}/resend",
    "POST /v1/audio/speech",
    "POST /v1/campaigns/{campaign_id}/pause",
    "PATCH /v1/campaigns/{campaign_id}",
    "PUT /v1/campaigns/{campaign_id}",
    "GET /v1/campaigns/{campaign_id}/staging",
    "POST /v1/batches",
    "POST /v1/batches/{batch_id}/cancel",
}

Seen = set[tuple[str, int]]  # operations and the status of an answer


@pytest.fixture
def known(served: Served) -> dict[str, str]:
    """Objects that are there, by the parameter that names them; a test may delete them."""
    with served.client() as client:
        request_id = speak(client).headers["x-seedcast-request-id"]
        now = datetime.now(UTC)
        name = f"night-{uuid4().hex[:8]}"
        night = Campaign(campaign_id=name, state="open", created_at=now, tenant="bank")
        announce(producer(served.settings), served.settings, night)
        for path in (f"/v1/requests/{request_id}", f"/v1/campaigns/{name}"):
            eventually(lambda: client.get(path).status_code == 200, what=path)  # noqa: B023
        file_id = upload(client).json()["id"]
        batch = BATCH | {"input_file_id": upload_batch(client)}
        batch_id = client.post("/v1/batches", json=batch).json()["id"]
        hooked = hook(client)
    return hooked | {
        "batch_id": batch_id,
        "request_id": request_id,
        "campaign_id": name,
        "file_id": file_id,
        "model": "tts-1",
    }


def document(served: Served) -> schemathesis.BaseSchema:
    """Return the gateway's own description, with a key that may do everything."""
    auth = {"openapi": {"key": {"bearer": served.key(limits=UNLIMITED)}}}
    config = SchemathesisConfig.from_dict({"auth": auth, "request-timeout": LONGEST})
    whole = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)
    return whole.exclude(path_regex="/events$")  # streams have no end


def conforms(operation: APIOperation, mode: GenerationMode, there: dict[str, str], n: int) -> Seen:
    """Send `n` requests, about what is `there` or anything; each answer must be a described one."""
    seen = Seen()

    @seed(0)
    @settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=there))
    def ask(case: Case) -> None:
        answer = case.call_and_validate(excluded_checks=EXCLUDED, allow_redirects=False)
        seen.add((operation.label, answer.status_code))

    ask()
    return seen


def all_conform(served: Served, known: dict[str, str], n: int) -> Seen:
    seen = Seen()
    operations = [found.ok() for found in document(served).get_all_operations()]
    for operation in sorted(operations, key=lambda each: each.method == "delete"):
        named = {each.name for each in operation.path_parameters} & known.keys()
        for there in [{}, {name: known[name] for name in named}][: 2 if named else 1]:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                seen |= conforms(operation, mode, there, n)
    return seen


def check(seen: Seen) -> None:
    operations = {operation for operation, _ in seen}
    succeeded = {operation for operation, status in seen if status < 400}
    assert operations - succeeded <= WITHOUT_SUCCESS
    assert {401, 404} <= {status for _, status in seen}


def test_every_answer_is_one_that_is_described(
    served: Served,
    known: dict[str, str],
) -> None:
    check(all_conform(served, known, 6))


@pytest.mark.slow
def test_every_answer_to_thousands_of_requests_is_one_that_is_described(
    served: Served,
    known: dict[str, str],
) -> None:
    check(all_conform(served, known, 120))
