"""Makes the files that tests read, and submits them without servers."""

import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet

from seedcast.producers.staging.options import SubmitOptions, SubmitReport
from seedcast.producers.staging.submit import submit_file
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings


def a_file(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parquet(folder: Path, columns: Mapping[str, Sequence[object]]) -> Path:
    path = folder / "list.parquet"
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Limit the size of files of this process, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def dry_run(path: Path, **options: object) -> SubmitReport:
    """Submit a file, with everything but the servers."""
    fields: dict[str, object] = {"campaign": "night", "voice": 2222, "dry_run": True, **options}
    return submit_file(Settings(), path, SubmitOptions(**fields))  # type: ignore[arg-type]


def accepted(
    path: Path, options: SubmitOptions, settings: Settings | None = None
) -> list[SpeechRequest]:
    """Return the requests that a file becomes."""
    found: list[SpeechRequest] = []
    submit_file(
        settings or Settings(),
        path,
        replace(options, dry_run=True),
        on_request=lambda request, _: found.append(request),
    )
    return found
