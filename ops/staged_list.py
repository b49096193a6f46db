"""The generated table of docs/reference/staged-lists.md: the columns of a part, from its schema."""

from ops.markdown import table
from seedcast.storage.staged_lists import SCHEMA

_MEANINGS = {
    "row": "number of the row in the list that was submitted, from 1",
    "request_id": "the request's id, by which results name it",
    "voice_seed": "the voice seed, which is the request's key on Kafka",
    "priority": "`normal` or `urgent`: the lane that it is fed to",
    "request": "[`SpeechRequest`](../schemas/SpeechRequest.json) as JSON, byte for byte as it is "
    "sent; has the text",
    "source": "the row's own columns as a JSON object; has personal data. Null where a program "
    "made the request",
}


def columns() -> str:
    """Return one row per column. Raises KeyError if one has no meaning here, or is no more."""
    names = list(SCHEMA.names)
    if unknown := _MEANINGS.keys() - set(names):
        raise KeyError(f"no such column of a staged list: {', '.join(sorted(unknown))}")
    rows = (
        (f"`{field.name}`", str(field.type), "yes" if field.nullable else "", _MEANINGS[field.name])
        for field in SCHEMA
    )
    return table(("column", "type", "may be null", "meaning"), rows)
