"""How much a packed file may unpack to: a few kilobytes of it may stand for gigabytes."""

MIB = 1024 * 1024
ALWAYS = 64 * MIB  # bytes that anything may unpack to
RATIO = 200  # something larger may unpack to so many times its bytes in the file


def most_unpacked(packed: int) -> int:
    """Return how many bytes so many packed ones may unpack to."""
    return max(ALWAYS, RATIO * packed)
