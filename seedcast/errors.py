"""One tree of errors, by what the process should do next.

    SeedcastError
    ├── Retryable            the world may heal: back off, hold the offset, never drop
    │   ├── BrokerUnavailable
    │   └── StoreUnavailable
    ├── Poison               this record or row never works: a failed result or a dead letter
    │   ├── InvalidRequest     its id is readable
    │   ├── Undecodable        it is not
    │   ├── InvalidRow         a row of a submitted file
    │   └── MissingObject      the store has no object at that address
    └── Fatal                this process should not go on
        ├── InvalidSettings
        ├── InvalidInput       a file or an argument as a whole
        ├── CredentialsRefused
        ├── TopicMismatch
        ├── OffsetsLost
        ├── Unreachable        at the start, after the patience for it ran out
        ├── LocalResource      a port, a folder, the disk
        ├── EngineFailed
        └── VoiceLockBroken    the engine is not the one that was blessed for its group

Foreign errors are mapped where their library lives: `seedcast/kafka/error_mapping.py`, `storage/error_mapping.py`.
"""

from schemas.messages import ErrorCode


class SeedcastError(Exception):
    """Says where, what was expected, what came and what to do.

    Never put a request's text into any part: errors are logged.
    """

    def __init__(self, what: str, *, expected: str = "", got: str = "", remedy: str = "") -> None:
        self.what, self.expected, self.got, self.remedy = what, expected, got, remedy
        parts = [what, expected and f"expected {expected}", got and f"got {got}", remedy]
        super().__init__("; ".join(part for part in parts if part))


class Retryable(SeedcastError):
    pass


class BrokerUnavailable(Retryable):
    pass


class StoreUnavailable(Retryable):
    pass


class Poison(SeedcastError):
    pass


class InvalidRequest(Poison):
    """A request that can be answered, with the code its result will carry."""

    def __init__(
        self, code: ErrorCode, what: str, *, expected: str = "", got: str = "", remedy: str = ""
    ) -> None:
        super().__init__(what, expected=expected, got=got, remedy=remedy)
        self.code: ErrorCode = code


class Undecodable(Poison):
    pass


class InvalidRow(Poison):
    """One row of a file, with the field that is wrong ('' for the row as a whole)."""

    def __init__(self, row: int, field: str, *, expected: str, got: str) -> None:
        super().__init__(
            f"row {row}" + (f", field {field!r}" if field else ""), expected=expected, got=got
        )
        self.row, self.field = row, field


class MissingObject(Poison):
    pass


class Fatal(SeedcastError):
    exit_code = 3


class InvalidSettings(Fatal):
    exit_code = 2


class InvalidInput(Fatal):
    exit_code = 2


class CredentialsRefused(Fatal):
    pass


class TopicMismatch(Fatal):
    pass


class OffsetsLost(Fatal):
    pass


class Unreachable(Fatal):
    pass


class LocalResource(Fatal):
    pass


class EngineFailed(Fatal):
    pass


class VoiceLockBroken(Fatal):
    pass
