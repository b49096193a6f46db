"""Lines of a batch: what makes the whole batch fail, and what ends one line alone."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seedcast.errors import InvalidRow
from seedcast.producers.gateway.batch_lines import ID, MOST_ERRORS, BatchLines
from seedcast.producers.rows.request_ids import request_id
from seedcast.producers.rows.rows import BLOCK
from seedcast.producers.staging.list_job import BatchFile

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
PROFILES = ("web", "phone", "telephony")
URL = "/v1/audio/speech"


def line(custom_id: object = "a", body: object = None, **more: object) -> bytes:
    spoken = {"input": "Good night.", "voice": 7} if body is None else body
    whole = {"custom_id": custom_id, "method": "POST", "url": URL, "body": spoken} | more
    return json.dumps({name: value for name, value in whole.items() if value != "-"}).encode()


def body(**more: object) -> dict[str, object]:
    return {"input": "Good night.", "voice": 7} | more


def lines_of(folder: Path, *content: bytes, most: int = 100, left: timedelta = HOUR) -> BatchLines:
    path = folder / "batch.jsonl"
    path.write_bytes(b"\n".join(content))
    file = BatchFile(endpoint=URL, created_at=NOW, expires_at=NOW + left, most_lines=most)
    return BatchLines(path, "batch_1", file, PROFILES)


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        (b"{not json", "invalid_json_line", None),
        (b'"text"', "invalid_json_line", None),
        (b"\xff\xfe", "invalid_json_line", None),
        (b"[" * 100_000, "invalid_json_line", None),
        (line(body={"input": "x" * BLOCK, "voice": 7}), "line_too_long", None),
        (line(custom_id="-"), "missing_required_parameter", "custom_id"),
        (line(custom_id=None), "missing_required_parameter", "custom_id"),
        (line(custom_id=7), "invalid_type", "custom_id"),
        (line(custom_id=""), "invalid_custom_id", "custom_id"),
        (line(custom_id="x" * 513), "invalid_custom_id", "custom_id"),
        (line(method="-"), "missing_required_parameter", "method"),
        (line(method="GET"), "invalid_method", "method"),
        (line(url="-"), "missing_required_parameter", "url"),
        (line(url="/v1/chat/completions"), "url_mismatch", "url"),
        (line(body="-"), "missing_required_parameter", "body"),
        (line("first"), "duplicate_custom_id", "custom_id"),
    ],
)
def test_what_is_no_request_is_named_with_its_line(
    tmp_path: Path, wrong: bytes, code: str, param: str | None
) -> None:
    lines = lines_of(tmp_path, line("first"), b"", wrong, line("last"))
    [error] = lines.check()
    assert (error.code, error.line, error.param) == (code, 3, param)
    assert lines.total == 2


def test_a_file_without_requests_and_one_with_too_many_are_refused(tmp_path: Path) -> None:
    [empty] = lines_of(tmp_path, b"", b"  ").check()
    assert (empty.code, empty.line) == ("empty_file", None)
    [many] = lines_of(tmp_path, *(line(str(n)) for n in range(4)), most=3).check()
    assert (many.code, many.line) == ("too_many_tasks", 4)
    assert lines_of(tmp_path, *(line(str(n)) for n in range(3)), most=3).check() == []


def test_a_hundred_errors_are_shown(tmp_path: Path) -> None:
    errors = lines_of(tmp_path, *[b"{"] * 150, most=1000).check()
    assert [error.line for error in errors] == list(range(1, MOST_ERRORS + 1))


@pytest.mark.parametrize(
    ("given", "status", "code", "param"),
    [
        ({"voice": 7}, 400, "invalid_request", None),
        ("text", 400, "invalid_request", None),
        (body(input=""), 400, "invalid_request", "input"),
        (body(input="x" * 10_001), 400, "invalid_request", "input"),
        (body(speed=9), 400, "invalid_request", "speed"),
        (body(model="gpt-4"), 404, "model_not_found", "model"),
        (body(profile="gramophone"), 400, "unknown_profile", "profile"),
        (body(profile="phone", response_format="mp3"), 400, "invalid_request", "profile"),
        (body(response_format="pcm"), 400, "invalid_request", "response_format"),
        (body(instructions="softly"), 400, "invalid_request", None),
        (body(deadline="soon"), 400, "invalid_request", "deadline"),
        (body(metadata={"id": "x"}), 400, "invalid_request", "metadata.id"),
    ],
)
def test_a_wrong_body_ends_its_own_line_as_its_endpoint_would(
    tmp_path: Path, given: Any, status: int, code: str, param: str | None
) -> None:
    lines = lines_of(tmp_path, line("right"), line("wrong", given), line("right, too"))
    assert lines.check() == []
    assert [number for number, _ in lines.rows()] == [1, 3]
    [bad] = [json.loads(each) for each in lines.bad]
    identity = request_id("batch_1", "2")
    assert bad["custom_id"] == "wrong"
    assert bad["id"] == f"batch_req_{identity}"
    assert bad["error"] is None
    assert (bad["response"]["status_code"], bad["response"]["request_id"]) == (status, identity)
    error = bad["response"]["body"]["error"]
    assert (error["code"], error["param"]) == (code, param), error


def test_a_right_line_is_a_row_with_its_custom_id_unchanged(tmp_path: Path) -> None:
    given = body(speed=1.5, profile="telephony", metadata={"city": "Ulm"}, style={"top_k": 3})
    lines = lines_of(tmp_path, b"\xef\xbb\xbf" + line(" a\u4e00 ", given))
    assert lines.check() == []
    [(number, row)] = lines.rows()
    assert number == 1
    assert row[ID] == " a\u4e00 "
    assert (row["text"], row["voice"], row["speed"]) == ("Good night.", 7, 1.5)
    assert (row["profiles"], row["metadata.city"], row["top_k"]) == ("telephony", "Ulm", 3)
    assert row["deadline"] == NOW + HOUR


def test_a_deadline_of_a_line_counts_from_the_batch_and_is_no_later_than_its_window(
    tmp_path: Path,
) -> None:
    given = [line(text, body(deadline=text)) for text in ("5m", "3d")]
    lines = lines_of(tmp_path, *given)
    lines.check()
    assert [row["deadline"] for _, row in lines.rows()] == [NOW + timedelta(minutes=5), NOW + HOUR]


@pytest.mark.parametrize(("left", "expired"), [(HOUR, 0), (-HOUR, 1)])
def test_what_no_request_can_be_built_of_ends_its_line(
    tmp_path: Path, left: timedelta, expired: int
) -> None:
    lines = lines_of(tmp_path, line("a"), line("b"), left=left)
    lines.check()
    assert len(list(lines.rows())) == 2
    lines.reject(InvalidRow(2, "deadline", expected="a time after", got="earlier"))
    lines.reject(InvalidRow(1, "text", expected="at least one letter", got="none"))
    first, second = (json.loads(each) for each in lines.bad)
    error = first["response"]["body"]["error"]
    assert (first["custom_id"], error["param"]) == ("a", "input")
    assert lines.expired == expired
    if expired:
        assert (second["response"], second["error"]["code"]) == (None, "batch_expired")
    else:
        assert second["response"]["status_code"] == 504
