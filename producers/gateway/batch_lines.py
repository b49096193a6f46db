"""The input file of a batch: lines that each ask for one speech. Only their ids are in memory.

A line that is no request at all makes the whole batch fail, and nothing is spoken. A request whose
body is wrong ends by itself, as it would at its own endpoint, and the others are spoken.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from seedcast.errors import InvalidRow
from seedcast.producers.events.build import as_event
from seedcast.producers.gateway.batch_output import error_line, problem_line
from seedcast.producers.gateway.bodies import decode
from seedcast.producers.gateway.problems import LATE, Problem, wrong
from seedcast.producers.gateway.speech_fields import deadline_of, fields_of, problem_of
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.producers.rows.columns import METADATA
from seedcast.producers.rows.json_lines import lines
from seedcast.producers.rows.request_ids import RequestIds
from seedcast.producers.rows.rows import BLOCK, Row
from seedcast.producers.staging.list_job import BatchFile
from seedcast.storage.accounts.batch_records import LineError

ID = f"{METADATA}id"  # the column of the row's own id, which results repeat
MOST_ID = 512  # characters
MOST_ERRORS = 100  # that a batch shows
_BOM = b"\xef\xbb\xbf"


class _Line(msgspec.Struct):
    """A line as it came: what is wrong with a field is told by its own code."""

    custom_id: object = None
    method: object = None
    url: object = None
    body: msgspec.Raw = msgspec.Raw(b"")


class BatchLines:
    def __init__(
        self, path: Path, campaign: str, file: BatchFile, profiles: Collection[str]
    ) -> None:
        self._path, self._file, self._profiles = path, file, profiles
        self._request_ids = RequestIds(campaign)
        self._custom_ids = dict[int, str]()  # by the number of the line
        self._bad = dict[int, bytes]()  # as the error file has them
        self.is_read = False  # to its end
        self.expired = 0  # of the bad lines, those that came too late for the whole batch

    @property
    def total(self) -> int:
        return len(self._custom_ids)

    @property
    def bad(self) -> list[bytes]:
        """The lines that no campaign has, in their order, as they will be in the error file."""
        return [self._bad[number] for number in sorted(self._bad)]

    def check(self) -> list[LineError]:
        """Read all lines; return why the batch fails, if it does."""
        errors, known = list[LineError](), set[str]()
        for number, data in self._lines():
            if len(known) + len(errors) >= self._file.most_lines:
                message = f"expected at most {self._file.most_lines:,} requests"
                return [LineError(code="too_many_tasks", message=message, line=number)]
            found = self._custom_id(data, known)
            if isinstance(found, LineError):
                errors.append(msgspec.structs.replace(found, line=number))
            else:
                known.add(found)
                self._custom_ids[number] = found
        if not known and not errors:
            return [LineError(code="empty_file", message="The input file has no requests.")]
        return errors[:MOST_ERRORS]

    def rows(self) -> Iterator[Row]:
        """Yield the requests whose bodies are right, as rows of a list. May be read again."""
        self.is_read, self.expired = False, 0
        for number, data in self._lines():
            line = msgspec.json.decode(data, type=_Line)
            try:
                fields = self._fields(decode(line.body, SpeechBody))
            except Problem as problem:
                self._end_as(number, problem)
                continue
            yield number, fields | {ID: line.custom_id}
        self.is_read = True

    def reject(self, error: InvalidRow) -> None:
        """Take a row that no request can be built of."""
        if error.field != "deadline":
            self._end_as(error.row, problem_of(as_event(error)))
        elif datetime.now(UTC) < self._file.expires_at:
            self._end_as(error.row, Problem(504, "deadline", LATE))
        else:
            self.expired += 1
            self._bad[error.row] = error_line(*self._names(error.row), "batch_expired")

    def _custom_id(self, data: bytes, known: Collection[str]) -> str | LineError:
        line = _decoded(data)
        if isinstance(line, LineError):
            return line
        if error := _envelope_error(line, self._file.endpoint):
            return error
        custom_id = str(line.custom_id)
        if custom_id in known:
            message = "custom_id: another line of the file has it, too"
            return LineError(code="duplicate_custom_id", message=message, param="custom_id")
        return custom_id

    def _fields(self, body: SpeechBody) -> dict[str, object]:
        if "id" in body.metadata:
            raise wrong("metadata.id", "another name: the result has the custom_id here")
        deadline = self._file.expires_at
        if body.deadline is not None:
            deadline = min(deadline, deadline_of(body.deadline, self._file.created_at))
        return fields_of(body, self._profiles, deadline)

    def _end_as(self, number: int, problem: Problem) -> None:
        self._bad[number] = problem_line(*self._names(number), problem)

    def _names(self, number: int) -> tuple[str, str]:
        return self._custom_ids[number], self._request_ids.derive(str(number))

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are not blank, with their numbers from 1."""
        with self._path.open("rb") as file:
            for number, data in enumerate(lines(file), start=1):
                found = data.removeprefix(_BOM) if number == 1 else data
                if found.strip():
                    yield number, found


def _decoded(data: bytes) -> _Line | LineError:
    if len(data) > BLOCK:
        return LineError(code="line_too_long", message=f"Expected at most {BLOCK:,} bytes.")
    try:
        return msgspec.json.decode(data, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = "This line is not parseable as valid JSON."
        return LineError(code="invalid_json_line", message=message)


def _envelope_error(line: _Line, endpoint: str) -> LineError | None:
    """Return what is wrong around the body, which is not looked into."""
    for name in ("custom_id", "method", "url"):
        value = getattr(line, name)
        if value is None:
            return _missing(name)
        if not isinstance(value, str):
            return LineError(code="invalid_type", message=f"{name}: expected text", param=name)
    if not 1 <= len(str(line.custom_id)) <= MOST_ID:
        message = f"custom_id: expected 1 to {MOST_ID} characters"
        return LineError(code="invalid_custom_id", message=message, param="custom_id")
    if line.method != "POST":
        return LineError(code="invalid_method", message="method: expected POST", param="method")
    if line.url != endpoint:
        message = f"url: expected {endpoint}, the endpoint of the batch"
        return LineError(code="url_mismatch", message=message, param="url")
    return None if line.body else _missing("body")


def _missing(name: str) -> LineError:
    message = f"Missing required parameter: '{name}'."
    return LineError(code="missing_required_parameter", message=message, param=name)
