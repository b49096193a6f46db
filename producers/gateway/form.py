"""A body of multipart/form-data: short fields, and one file that is passed on as it comes."""

from collections.abc import Iterable, Iterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from seedcast.producers.gateway.problems import Problem

MEDIA_TYPE = "multipart/form-data"
FIELDS, FIELD_BYTES = 16, 1024  # of a form
MAX_NAME = 255  # characters of a file's name that are kept


class Form:
    """`fields` and `filename` are whole once `pieces` has ended."""

    def __init__(self, content_type: str) -> None:
        """Raises Problem: 415 for another type, 400 for one without a boundary."""
        media, options = parse_options_header(content_type)
        if media != MEDIA_TYPE.encode():
            message = f"expected a body of {MEDIA_TYPE}, got {content_type[:100]!r}"
            raise Problem(415, "unsupported_media_type", message)
        self.fields, self.filename = dict[str, str](), ""
        self._headers = dict[bytes, bytes]()
        self._header, self._value, self._field = b"", b"", ""
        self._has_file = self._in_file = False
        self._pieces: list[bytes] = []
        with_boundary = options.get(b"boundary", b"")
        if not with_boundary:
            raise _wrong("content-type: expected a boundary")
        try:
            self._parser = MultipartParser(
                with_boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._take_header,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take_data,
                },
            )
        except FormParserError as error:
            raise _wrong(f"content-type: {error}") from None

    def pieces(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the file as it comes. Raises Problem 400 for what is no such form."""
        for chunk in body:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _wrong(f"the body is not {MEDIA_TYPE}: {error}") from None
            yield from self._pieces
            self._pieces.clear()
        if self._parser.state != MultipartState.END:
            raise Problem(400, "incomplete", "the body ends inside the form")
        if not self._has_file:
            raise _wrong("file: expected a part with a file name", "file")

    def _begin(self) -> None:
        self._headers.clear()
        self._header = self._value = b""

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = b"filename" in options
        if self._in_file:
            self._begin_file(options[b"filename"].decode("utf-8", "replace"))
        elif len(self.fields) >= FIELDS:
            raise _wrong(f"expected at most {FIELDS} fields")
        else:
            self.fields[self._field] = ""

    def _begin_file(self, name: str) -> None:
        if self._field != "file" or self._has_file:
            raise _wrong("expected one file, in the field `file`", "file")
        self._has_file, self.filename = True, name[:MAX_NAME]

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])
            return
        value = self.fields[self._field] + data[start:end].decode("utf-8", "replace")
        if len(value) > FIELD_BYTES:
            raise _wrong(f"expected fields of at most {FIELD_BYTES} characters")
        self.fields[self._field] = value


def _wrong(message: str, param: str | None = None) -> Problem:
    return Problem(400, "invalid_request", message, param=param)
