"""The digest of a set: the order does not matter, and everything else does."""

from hypothesis import given
from hypothesis import strategies as st

from seedcast.campaigns.set_digest import SetDigest

members = st.lists(st.binary(max_size=8), max_size=6)


def digest(added: list[bytes]) -> str:
    result = SetDigest()
    for member in added:
        result.add(member)
    return result.hex()


@given(st.data(), members)
def test_the_order_does_not_matter(data: st.DataObject, added: list[bytes]) -> None:
    assert digest(data.draw(st.permutations(added))) == digest(added)
    assert len(digest(added)) == 64


@given(members, members)
def test_other_members_have_another_digest(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(one) == digest(other)) == (sorted(one) == sorted(other))
