"""The format of a list: what an option says, or else the suffix of its file. Pure."""

from dataclasses import dataclass
from pathlib import Path

from seedcast.errors import InvalidInput

TEXTS = (".csv", ".tsv", ".jsonl", ".ndjson")
OTHERS = (".parquet", ".xlsx")
PACKINGS = (".gz", ".zst")  # of text
_REMEDIES = dict.fromkeys(
    (".xls", ".xlsm", ".xlsb", ".ods"), "save it as .xlsx, without macros, or as .csv"
) | {
    ".json": "write one object per line, as in: jq -c '.[]' list.json > list.jsonl;"
    " if it has that already, add --format jsonl"
}


@dataclass(frozen=True)
class ListFormat:
    kind: str  # of TEXTS or OTHERS
    packing: str = ""  # of PACKINGS, or ''


_FORMATS = {kind: ListFormat(kind) for kind in TEXTS + OTHERS} | {
    kind + packing: ListFormat(kind, packing) for kind in TEXTS for packing in PACKINGS
}


def format_of(path: Path, wanted: str | None) -> ListFormat:
    """Return the format that was named, or that of the file's suffix. Raises InvalidInput."""
    if wanted is not None:
        return _named(wanted)
    suffix = path.suffix.lower()
    ending = "".join(path.suffixes[-2:]).lower() if suffix in PACKINGS else suffix
    if found := _FORMATS.get(ending):
        return found
    raise InvalidInput(
        f"{path}",
        expected=f"a file ending in {', '.join(TEXTS + OTHERS)};"
        f" text also with {' or '.join(PACKINGS)}",
        got=ending or "no suffix",
        remedy=_REMEDIES.get(ending, "name its format with --format (SubmitOptions.format)"),
    )


def _named(wanted: str) -> ListFormat:
    suffix = f".{wanted.strip().lower().removeprefix('.')}"
    if found := _FORMATS.get(suffix):
        return found
    names = ", ".join(each[1:] for each in TEXTS + OTHERS)
    raise InvalidInput(
        "option format",
        expected=f"one of {names}; of packed text csv.gz, csv.zst and so on",
        got=repr(wanted)[:100],
        remedy=_REMEDIES.get(suffix, ""),
    )
