"""One tree of errors, ordered by what the process should do next.

    SeedcastError
    ├── Retryable            may work later: back off, keep the offset, never drop the record
    │   ├── BrokerUnavailable
    │   ├── StoreUnavailable
    │   ├── IndexUnavailable
    │   └── AccountsUnavailable  the database of the gateway's keys
    ├── Poison               this record or row can never work: a failed result or a dead letter
    │   ├── InvalidRequest     its request id is readable
    │   ├── Undecodable        its request id is not readable
    │   ├── InvalidRow         a row of a submitted file
    │   ├── InvalidEvent       a request that is sent by itself
    │   └── MissingObject      the store has no object at that address
    └── Fatal                this process must end
        ├── InvalidSettings
        ├── InvalidInput       a file or an argument as a whole
        ├── CredentialsRefused
        │   └── AccessDenied   the credentials are right, and a right is missing
        ├── TopicMismatch
        ├── OffsetsLost
        ├── Unreachable        did not answer within the time that a start waits for it
        ├── LocalResource      a port, a folder, the disk
        ├── ListDamaged        a part of a staged list is missing or altered
        ├── IndexMismatch      the index's schema is another version's
        │   └── IndexDamaged   its file is none that SQLite can read; a rebuild sets it aside
        ├── AccountsMismatch   the same of the gateway's keys
        ├── EngineFailed
        └── VoiceLockBroken    the engine differs from the one blessed for its consumer group

A library's own errors are mapped where the library is used: `seedcast/kafka/error_mapping.py`,
`storage/error_mapping.py` and `storage/index/error_mapping.py`.
"""

from seedcast.schemas.messages import ErrorCode


class SeedcastError(Exception):
    """Says what is wrong, what was expected, what came instead, and how to correct it.

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


class IndexUnavailable(Retryable):
    pass


class AccountsUnavailable(Retryable):
    pass


class Poison(SeedcastError):
    pass


class InvalidRequest(Poison):
    """A request that can be answered; `code` is the error code of its result."""

    def __init__(
        self, code: ErrorCode, what: str, *, expected: str = "", got: str = "", remedy: str = ""
    ) -> None:
        super().__init__(what, expected=expected, got=got, remedy=remedy)
        self.code: ErrorCode = code


class Undecodable(Poison):
    pass


class InvalidRow(Poison):
    """One row of a file and its wrong field; `field` is '' if the row as a whole is wrong."""

    def __init__(self, row: int, field: str, *, expected: str, got: str) -> None:
        what = f"row {row}, field {field!r}" if field else f"row {row}"
        super().__init__(what, expected=expected, got=got)
        self.row, self.field = row, field


class InvalidEvent(Poison):
    """An event and its wrong field; `field` is '' if the event as a whole is wrong."""

    def __init__(self, field: str, *, expected: str, got: str) -> None:
        what = f"event, field {field!r}" if field else "event"
        super().__init__(what, expected=expected, got=got)
        self.field = field


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


class AccessDenied(CredentialsRefused):
    pass


class TopicMismatch(Fatal):
    pass


class OffsetsLost(Fatal):
    pass


class Unreachable(Fatal):
    pass


class LocalResource(Fatal):
    pass


class ListDamaged(Fatal):
    pass


class IndexMismatch(Fatal):
    pass


class IndexDamaged(IndexMismatch):
    pass


class AccountsMismatch(Fatal):
    pass


class EngineFailed(Fatal):
    pass


class VoiceLockBroken(Fatal):
    pass
