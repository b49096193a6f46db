"""A digest of a set that does not depend on the order in which its members are added."""

import hashlib

_BITS = 256


class SetDigest:
    """The sum of its members' SHA-256 hashes. A member that is added twice counts twice."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, member: bytes) -> None:
        self._sum += int.from_bytes(hashlib.sha256(member).digest())

    def hex(self) -> str:
        """Return 64 hexadecimal digits."""
        return f"{self._sum % 2**_BITS:064x}"
