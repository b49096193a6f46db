"""The table of rights on the object store: who may read people's texts, and who may write where."""

import pytest

from ops.policies import policy
from seedcast.schemas.rights import INDEXER, OUTPUTS, READER, ROLES
from seedcast.storage.dead_letters import PREFIX as DEAD_LETTERS
from seedcast.storage.list_outputs import output_key
from seedcast.storage.objects import PROBE, object_key
from seedcast.storage.staged_lists import BEGUN, REJECTED, folder, part_name
from seedcast.storage.uploaded_files import content_key, report_key
from tests.builders.object_rights import may

STAGING = folder("july-bills", "0123456789abcdef")
LIST = [STAGING + name for name in (part_name(0), REJECTED, BEGUN)]
UPLOADED = [content_key("file-0f"), report_key("staging-0f")]
AUDIO = [object_key(name, "0f" * 32, "ogg") for name in ("july-bills", "1", "Z.9_x")]
LETTER, LOCK = f"{DEAD_LETTERS}/0f/0f", "_locks/seedcast.gpu-consumers/espeak.json"


def who_may(action: str, key: str = "") -> set[str]:
    return {role.name for role in ROLES if may(role, action, key)}


@pytest.mark.parametrize("key", LIST)
def test_few_may_read_texts_and_a_reader_of_audio_is_not_one_of_them(key: str) -> None:
    readers = {"retrier", "waiter", "exporter", "feeder", "indexer", "auditor", "gateway"}
    assert who_may("s3:GetObject", key) == readers
    assert who_may("s3:PutObject", key) == {"submitter", "retrier", "gateway"}
    assert who_may("s3:DeleteObject", key) == {"feeder"}


@pytest.mark.parametrize("key", UPLOADED)
def test_a_gateway_alone_writes_and_deletes_what_is_uploaded(key: str) -> None:
    assert who_may("s3:GetObject", key) == {"gateway", "exporter", "auditor"}
    assert who_may("s3:PutObject", key) == {"gateway"}
    assert who_may("s3:DeleteObject", key) == {"gateway"}
    assert who_may("s3:AbortMultipartUpload", key) == {"gateway"}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_indexer_alone_writes_how_a_list_has_ended(name: str) -> None:
    assert who_may("s3:PutObject", output_key("july-bills", name)) >= {"indexer"}
    assert not may(INDEXER, "s3:PutObject", LIST[0])


@pytest.mark.parametrize("key", AUDIO)
def test_a_reader_may_read_every_campaigns_audio(key: str) -> None:
    assert who_may("s3:GetObject", key) == {"reader", "exporter", "auditor", "gateway"}
    assert who_may("s3:PutObject", key) == {"post-processing"}
    assert not who_may("s3:DeleteObject", key)


def test_what_is_no_campaigns_has_its_own_rights() -> None:
    assert who_may("s3:GetObject", LETTER) == {"redriver", "exporter", "auditor"}
    assert who_may("s3:PutObject", LETTER) == {"GPU consumer", "post-processing"}
    assert who_may("s3:GetObject", LOCK) == {"GPU consumer", "blesser", "exporter", "auditor"}
    assert who_may("s3:PutObject", LOCK) == {"blesser"}
    workers = {"feeder", "indexer", "GPU consumer", "post-processing", "gateway"}
    assert who_may("s3:PutObject", PROBE) == {*workers, "blesser"}
    listing = {"feeder", "indexer", "GPU consumer", "blesser", "auditor", "watcher"}
    assert who_may("s3:ListBucket") == listing


def test_a_deny_outweighs_the_right_to_read_everything() -> None:
    effects = [statement["Effect"] for statement in policy(READER)["Statement"]]
    assert effects == ["Allow", "Deny"]
