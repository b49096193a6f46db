"""Makes the files that tests read, and submits them without Kafka."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from seedcast.producers.staging.options import SubmitOptions, SubmitReport
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings


def a_file(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parquet(folder: Path, columns: Mapping[str, Sequence[object]]) -> Path:
    path = folder / "list.parquet"
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path


def dry_run(path: Path, **options: object) -> SubmitReport:
    """Submit a file, with everything but Kafka."""
    fields: dict[str, object] = {"campaign": "night", "voice": 2222, "dry_run": True, **options}
    return submit_file(Settings(), path, SubmitOptions(**fields))  # type: ignore[arg-type]
