"""Upstream's weights, downloaded from the model hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from httpx import HTTPError
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetError,
)

from seedcast.errors import InvalidInput, LocalResource, Retryable
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets

REPOSITORY = "2Noise/ChatTTS"
LICENCES = (
    "ChatTTS: the code is AGPL-3.0-or-later; the weights are CC BY-NC 4.0, not for commercial use."
)
_REVISION_ERRORS = (RevisionNotFoundError, RepositoryNotFoundError, HFValidationError)
_UNAVAILABLE_ERRORS = (
    HTTPError,
    ConnectionError,
    TimeoutError,
    FileMetadataError,
    EntryNotFoundError,
    XetError,
)
_RETRY = (
    "try again: the download resumes where it stopped; "
    "or copy the folder from another machine and set SEEDCAST_GPU_MODELS to it"
)


def pull(folder: Path, revision: str | None, endpoint: str | None = None) -> Assets:
    """Download the missing files and return the complete folder.

    `endpoint` is the URL of another hub; None stands for HF_ENDPOINT or the library's own.
    Raises Retryable while the hub is unavailable, InvalidInput for a revision that it does not
    have or a folder of fabricated weights, and LocalResource if the folder cannot be written.
    """
    if (folder / "asset").is_dir() and Assets(folder).fabrication:
        raise InvalidInput(
            f"{folder} holds fabricated weights",
            expected="an empty folder, or upstream's weights",
            remedy="name another with --to, or delete it",
        )
    with _map_errors(folder, revision):
        _download(folder, revision, endpoint)
    return Assets.open(folder)


def _download(folder: Path, revision: str | None, endpoint: str | None) -> None:
    # The commit is asked for first: if the folder has some files already, snapshot_download
    # treats an unreachable hub as success.
    commit = HfApi(endpoint=endpoint).repo_info(REPOSITORY, revision=revision).sha
    with _over_http():
        snapshot_download(
            REPOSITORY,
            revision=commit,
            local_dir=folder,
            allow_patterns=list(FILES),
            endpoint=endpoint,
        )


@contextmanager
def _map_errors(folder: Path, revision: str | None) -> Iterator[None]:
    try:
        yield
    except _REVISION_ERRORS as error:
        raise InvalidInput(
            f"{REPOSITORY} on the model hub",
            expected="a branch, tag or commit of it",
            got=f"{type(error).__name__} for revision {revision or 'main'}",
            remedy="omit --revision",
        ) from None
    except _UNAVAILABLE_ERRORS as error:
        raise Retryable(
            "the model hub",
            expected="an answer",
            got=f"{type(error).__name__}: {str(error).splitlines()[0]}",
            remedy=_RETRY,
        ) from None
    except OSError as error:
        raise LocalResource(
            f"{folder} cannot be written",
            got=str(error),
            remedy="free some space (1.2 GB), or name another folder with --to",
        ) from None


@contextmanager
def _over_http() -> Iterator[None]:
    """Disable Xet, the hub's other transport, and put the setting back afterwards.

    Xet starts an interrupted file again from its beginning (huggingface_hub #4196); HTTP asks for
    the rest only.
    """
    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before
