"""Upstream's weights, fetched from the model hub."""

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

from gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.errors import InvalidInput, LocalResource, Retryable

REPOSITORY = "2Noise/ChatTTS"
LICENCES = (
    "ChatTTS: the code is AGPL-3.0-or-later; the weights are CC BY-NC 4.0, not for commercial use."
)
_AWAY = "try again, it goes on where it stopped; or copy the folder from another machine and let SEEDCAST_GPU_MODELS name it"


def pull(folder: Path, revision: str | None, endpoint: str | None = None) -> Assets:
    """Fetches what is missing. `endpoint`: another hub; None: the library's own, or HF_ENDPOINT.

    Raises Retryable while the hub is away, InvalidInput for a revision it does not have, LocalResource where the folder cannot be written.
    """
    if (folder / "asset").is_dir() and Assets(folder).fabrication:
        raise InvalidInput(
            f"{folder} holds fabricated weights",
            expected="an empty folder, or upstream's weights",
            remedy="name another with --to, or delete it",
        )
    try:
        # Asked first: with a folder that is begun, snapshot_download takes an unreachable hub for success.
        commit = HfApi(endpoint=endpoint).repo_info(REPOSITORY, revision=revision).sha
        with _over_http():
            snapshot_download(
                REPOSITORY,
                revision=commit,
                local_dir=folder,
                allow_patterns=list(FILES),
                endpoint=endpoint,
            )
    except (RevisionNotFoundError, RepositoryNotFoundError, HFValidationError) as error:
        got = f"{type(error).__name__} for revision {revision or 'main'}"
        raise InvalidInput(
            f"{REPOSITORY} on the model hub",
            expected="a branch, tag or commit of it",
            got=got,
            remedy="leave --revision out",
        ) from None
    except (
        HTTPError,
        ConnectionError,
        TimeoutError,
        FileMetadataError,
        EntryNotFoundError,
        XetError,
    ) as error:
        raise Retryable(
            "the model hub",
            expected="an answer",
            got=f"{type(error).__name__}: {str(error).splitlines()[0]}",
            remedy=_AWAY,
        ) from None
    except OSError as error:
        raise LocalResource(
            f"{folder} cannot be written",
            got=str(error),
            remedy="free some space (1.2 GB), or name another folder with --to",
        ) from None
    return Assets.open(folder)


@contextmanager
def _over_http() -> Iterator[None]:
    """Xet, the hub's other way to send a file, begins it anew when it broke off (huggingface_hub #4196); HTTP asks for the rest."""
    before = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before
