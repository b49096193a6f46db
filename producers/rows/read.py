"""Files to rows, in batches, so that memory does not grow with the file.

A wrong row is a value (`BadRow`), and the rows after it are read. A file that is wrong as a whole
raises InvalidInput, before its first row as far as possible.
"""

from collections.abc import Callable
from pathlib import Path

from seedcast.errors import InvalidInput
from seedcast.producers.rows.json_lines import read_json_lines
from seedcast.producers.rows.rows import Rows


def _read_csv(path: Path) -> Rows:
    from seedcast.producers.rows.csv_file import read_csv  # loads pyarrow

    return read_csv(path)


def _read_parquet(path: Path) -> Rows:
    from seedcast.producers.rows.parquet import read_parquet  # loads pyarrow

    return read_parquet(path)


_READERS: dict[str, Callable[[Path], Rows]] = {
    ".csv": _read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": _read_parquet,
}


def read(path: Path) -> Rows:
    """Open a file by its suffix. Raises InvalidInput, here or while the rows are read."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        expected = f"a file ending in {', '.join(_READERS)}"
        raise InvalidInput(f"{path}", expected=expected, got=path.suffix or "no suffix")
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise InvalidInput(f"{path}", expected="a file", got=got)
    try:
        if path.stat().st_size == 0:
            raise InvalidInput(f"{path} is empty", expected="at least one row", got="0 bytes")
        return reader(path)
    except OSError as error:  # pyarrow raises it, too
        raise InvalidInput(f"{path} cannot be read", got=str(error)) from error
