"""Bytes that may come from outside: valid ones, damaged ones and any others."""

import msgspec
from hypothesis import strategies as st

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, valid: list[bytes]) -> bytes:
    """A valid record with bytes overwritten, removed or inserted."""
    record = bytearray(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(record)))
        record[start : start + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(record)


@st.composite
def altered(draw: st.DrawFn, kind: type[msgspec.Struct]) -> bytes:
    """JSON with the right names and any values."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    fields = draw(st.dictionaries(st.sampled_from(names), values, max_size=len(names)))
    has_id = draw(st.booleans())
    return msgspec.json.encode({"request_id": "request-1"} | fields if has_id else fields)


def anything(valid: list[bytes], kind: type[msgspec.Struct]) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.binary(max_size=200),
        damaged(valid),
        altered(kind),
        values.map(msgspec.json.encode),
        values.map(msgspec.msgpack.encode),
    )
