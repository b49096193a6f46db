"""The columns of an exported list: one line per row and profile. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seedcast.schemas.messages import STATUSES

Kind = Literal["text", "integer", "number", "moment"]
Line = Sequence[Any]  # one value per column; None where there is none

WAITING = "waiting"
STRAY = "stray"
ASKED = (*STATUSES, WAITING, STRAY)  # what `--status` takes


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind = "text"
    what: str = ""


LINK = Column(
    "link", what="only with `--urls`: where anybody can fetch the audio, until it expires"
)
COLUMNS = (
    Column("id", what="the row's own id, as it was submitted; empty if it has none"),
    Column("row", "integer", "of the list that was submitted, from 1; an event has none"),
    Column("request_id", what="as `seedcast where` and `seedcast fetch` take it"),
    Column("status", what="`succeeded`, `failed`, `expired`, `cancelled`; `waiting` for a result"),
    Column("error_code", what="why there is no audio"),
    Column("error", what="the same in words"),
    Column("profile", what="of this line's audio; empty where there is none"),
    Column("uri", what="address of the audio in the object store, `s3://bucket/key`"),
    LINK,
    Column("duration", "number", "seconds"),
    Column("bytes", "integer", "size of the audio"),
    Column("sha256", what="of the audio"),
    Column("format", what="how the audio is encoded"),
    Column("sample_rate", "integer", "Hz"),
    Column("unspoken", "integer", "characters of the text that the engine has no sound for"),
    Column("ended_at", "moment", "when the result was written, UTC"),
)


def columns(*, links: bool) -> tuple[Column, ...]:
    return tuple(column for column in COLUMNS if links or column is not LINK)
