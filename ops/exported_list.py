"""The generated table of docs/reference/exported-lists.md: the columns of an exported list."""

from ops.markdown import table
from seedcast.storage.export.columns import COLUMNS, Kind

_IN_PARQUET: dict[Kind, str] = {
    "text": "string",
    "integer": "int64",
    "number": "double",
    "moment": "timestamp, ms, UTC",
}


def columns() -> str:
    """Return one row per column."""
    rows = ((f"`{each.name}`", _IN_PARQUET[each.kind], each.what) for each in COLUMNS)
    return table(("column", "in Parquet", "meaning"), rows)
