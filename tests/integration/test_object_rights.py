"""The rights on the object store of schemas/rights.py, as policies of users of a real MinIO."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from ops.policies import policy
from seedcast.errors import AccessDenied, StoreUnavailable
from seedcast.producers.feeder.sweep import Sweep
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.schemas import rights
from seedcast.schemas.rights import ROLES, Role
from seedcast.settings import S3Settings, Settings
from seedcast.storage.list_outputs import output_key
from seedcast.storage.objects import PROBE, object_key
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import (
    ABANDONED,
    BEGUN,
    REJECTED,
    StagedRow,
    deployment,
    folder,
    part_name,
)
from tests.builders.minio_server import minio_server, with_policy
from tests.builders.object_rights import may

pytestmark = pytest.mark.integration

STAGING = folder("july-bills", "0123456789abcdef")
AUDIO = object_key("july-bills", "0f" * 32, "ogg")
KEYS = (
    *(STAGING + name for name in (part_name(0), REJECTED, BEGUN)),
    *(output_key("july-bills", name) for name in rights.OUTPUTS),
    AUDIO,
    "_dead-letters/0f/0f",
    "_locks/seedcast.gpu-consumers/espeak.json",
    PROBE,
)
ACTIONS: dict[str, Callable[[S3Store, str], object]] = {
    "s3:GetObject": lambda store, key: store.get(store.uri(key)),
    "s3:PutObject": lambda store, key: store.put(key, b"x", "application/octet-stream"),
    "s3:DeleteObject": lambda store, key: store.delete(store.uri(key)),
}


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Settings]:
    with minio_server(tmp_path_factory.mktemp("minio")) as settings:
        yield settings


@pytest.fixture
def root(minio: S3Settings) -> S3Settings:
    """A bucket with one object of each kind."""
    settings = minio.model_copy(update={"bucket": f"t{uuid4().hex[:10]}"})
    store = S3Store(settings)
    store.ensure_bucket()
    for key in KEYS:
        store.put(key, b"x", "application/octet-stream")
    return settings


def limited(root: S3Settings, role: Role) -> S3Settings:
    return with_policy(root, policy(role, root.bucket))


def is_granted(action: Callable[[], object]) -> bool:
    try:
        action()
    except (AccessDenied, StoreUnavailable) as error:  # one that has started waits for its rights
        if "a right is missing" not in str(error):
            raise
        return False
    return True


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "role", [role for role in ROLES if role.objects], ids=lambda role: role.name
)
def test_minio_grants_a_role_what_the_table_says_and_nothing_else(
    root: S3Settings, role: Role
) -> None:
    store = S3Store(limited(root, role))
    for action, attempt in ACTIONS.items():
        granted = {key for key in KEYS if is_granted(lambda key=key, do=attempt: do(store, key))}
        assert granted == {key for key in KEYS if may(role, action, key)}, action
    assert is_granted(lambda: list(store.list(""))) is may(role, "s3:ListBucket")


def test_a_right_to_read_audio_gives_no_text_and_no_list_of_names(root: S3Settings) -> None:
    store = S3Store(limited(root, rights.READER))
    assert store.get(store.uri(AUDIO)) == b"x"
    with pytest.raises(StoreUnavailable, match=rf"s3:GetObject.*{STAGING}{part_name(0)}"):
        store.get(store.uri(STAGING + part_name(0)))
    with pytest.raises(StoreUnavailable, match="s3:ListBucket"):
        list(store.list("_lists/"))


def test_a_list_with_more_wrong_rows_than_one_upload_takes_is_staged_by_a_submitter(
    root: S3Settings, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(bytes(6 * 1024 * 1024))
    writer = PartWriter(S3Store(limited(root, rights.SUBMITTER)), "night", "0f" * 8, print)
    writer.begin(b"this deployment")
    writer.add(StagedRow(1, "request-1", 7, "normal", b"{}", None))
    with wrong.open("rb") as file:
        [part] = writer.finish(file)
    writer.end()
    store, key = S3Store(root), folder("night", "0f" * 8)
    assert len(store.get(store.uri(key + part_name(0)))) == part.bytes
    assert len(store.get(store.uri(key + REJECTED))) == wrong.stat().st_size
    assert store.get(store.uri(key + BEGUN)) == b""


def test_a_feeder_sweeps_an_abandoned_staging_with_its_rights(root: S3Settings) -> None:
    settings = Settings(s3=limited(root, rights.FEEDER))
    mine = deployment("cluster", settings.kafka.prefix)
    S3Store(root).put(STAGING + BEGUN, mine, "application/octet-stream")
    sweep = Sweep(settings, S3Store(settings.s3), "cluster", dict)
    assert list(sweep.sweep(datetime.now(UTC) + 2 * ABANDONED)) == [STAGING]
    left = {info.key for info in S3Store(root).list("_lists/")}
    assert left == {output_key("july-bills", name) for name in rights.OUTPUTS}
