"""Each format holds every outcome, and says the same, read back by somebody else's reader."""

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from seedcast.errors import InvalidInput, LocalResource
from seedcast.storage.export import workbook
from seedcast.storage.export.columns import COLUMNS
from seedcast.storage.export.export import ExportReport, Format, Source, export_file
from seedcast.storage.export.lines import LineOptions
from seedcast.storage.export.own_columns import OwnColumns
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.memory_store import MemoryStore
from tests.builders.outcomes import ENDED, a_rendition, a_result, every_outcome, indexed, waiting
from tests.builders.requests import numbered
from tests.builders.staged import stage

FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet", "xlsx")
WAY_OUT = Path("docs/way-out.md").absolute()
NAMES = [column.name for column in COLUMNS]


def write(
    path: Path,
    requests: Iterable[IndexedRequest],
    options: LineOptions | None = None,
    own: OwnColumns | None = None,
) -> ExportReport:
    rows = list(requests)
    source = Source(read=lambda: rows, own=own)
    return export_file(source, path, path.suffix[1:], options or LineOptions())  # type: ignore[arg-type]


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines, as values of text, where None stands for nothing."""
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                found = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
        case ".jsonl":
            found = [json.loads(line) for line in path.read_text().splitlines()]
        case ".parquet":
            found = pq.read_table(path).to_pylist()
        case _:
            titles, *rows = openpyxl.load_workbook(path)["list"].iter_rows(values_only=True)
            found = [dict(zip(titles, row, strict=True)) for row in rows]
    return [{name: _said(value) for name, value in line.items()} for line in found]


def _said(value: object) -> str | None:
    if isinstance(value, datetime):
        value = value.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return None if value is None else str(value)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_outcome_is_in_every_format(tmp_path: Path, ending: Format) -> None:
    path = tmp_path / f"list.{ending}"
    report = write(path, every_outcome(), LineOptions(sign=lambda uri: f"https://{uri[5:]}?signed"))
    assert (report.lines, report.requests, report.audio, report.waiting) == (6, 5, 2, 1)
    lines = read(path)
    assert list(lines[0]) == NAMES
    sha256 = {r.profile: r.sha256 for r in (a_rendition(), a_rendition("wav", b"waveform"))}
    assert list(lines[0].values()) == [
        "n-1", "1", "request-00001", "succeeded", None, None, "phone", "s3://b/k.ogg",
        "https://b/k.ogg?signed", "2.5", "5", sha256["phone"], "ogg-opus", "16000", "0",
        "2026-01-02T03:04:05.678Z",
    ]  # fmt: skip
    assert (lines[1]["row"], lines[1]["profile"], lines[1]["bytes"]) == ("1", "wav", "8")
    assert [(line["row"], line["status"], line["error_code"]) for line in lines[2:]] == [
        ("2", "failed", "engine_error"),
        ("3", "expired", "expired"),
        ("4", "cancelled", "cancelled"),
        ("5", "waiting", None),
    ]
    assert [line["error"] for line in lines[2:5]] == ["too late"] * 3
    assert {line["uri"] for line in lines[2:]} == {line["link"] for line in lines[2:]} == {None}
    assert lines[5]["ended_at"] is None


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_database_reads_the_same(tmp_path: Path, ending: Format) -> None:
    path = tmp_path / f"list.{ending}"
    write(path, every_outcome())
    reader = {"csv": "read_csv", "jsonl": "read_json", "parquet": "read_parquet"}[ending]
    query = f"SELECT status, count(*), sum(duration), max(ended_at) FROM {reader}('{path}')"  # noqa: S608
    by_status = {s: found for s, *found in duckdb.sql(f"{query} GROUP BY status").fetchall()}
    assert by_status["succeeded"][:2] == [2, 5.0]
    assert {status: found[0] for status, found in by_status.items()} == {
        "succeeded": 2, "failed": 1, "expired": 1, "cancelled": 1, "waiting": 1,
    }  # fmt: skip
    assert by_status["failed"][2].replace(tzinfo=UTC) == ENDED


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="no LibreOffice (libreoffice-calc-nogui)")
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_libreoffice_opens_it_and_runs_nothing(tmp_path: Path, ending: Format) -> None:
    path, seen = tmp_path / f"list.{ending}", tmp_path / "seen"
    write(path, [*every_outcome(), indexed(a_result(6, own_id="=1+1"), 6)])
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    to_csv = ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(seen)]
    # Its window for text files finds UTF-8 by itself.
    of_csv = ["--infilter=CSV:44,34,76"] if ending == "csv" else []
    done = subprocess.run(
        ["soffice", profile, "--headless", *of_csv, *to_csv, str(path)],
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "javaldx" not in line]  # no Java is meant
    assert not said
    lines, written = read(seen / "list.csv"), read(path)
    assert list(lines[0]) == list(written[0])
    for name in ("id", "status", "error", "uri"):
        assert [line[name] for line in lines] == [line[name] for line in written], name
    assert lines[-1]["id"] == "'=1+1"


def test_the_pandas_of_the_docs_finds_who_got_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "july.parquet", every_outcome())
    write(tmp_path / "july.csv", [indexed(a_result(1, own_id="00123"), 1)])
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", WAY_OUT.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102
    assert names["missing"].row.tolist() == [2, 3, 4, 5]
    assert names["july"].duration.sum() == 5.0
    (read_csv,) = re.findall(r"# or (read_csv\(.*\))", snippet)
    exec(f"july = pd.{read_csv}", names)  # noqa: S102
    assert names["july"][["id", "duration"]].to_numpy().tolist() == [["00123", 2.5]]


def test_csv_is_that_of_the_rfc_with_a_mark_for_excel(tmp_path: Path) -> None:
    write(tmp_path / "list.csv", [waiting(5)])
    data = (tmp_path / "list.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,row,")
    assert data.endswith(b"\r\n")
    assert data.count(b"\r\n") == data.count(b"\n") == 2


@pytest.mark.parametrize("ending", FORMATS)
def test_of_one_profile_each_request_has_one_line(tmp_path: Path, ending: Format) -> None:
    path = tmp_path / f"list.{ending}"
    write(path, every_outcome(), LineOptions(profiles=frozenset({"wav"})))
    assert [(line["row"], line["profile"]) for line in read(path)] == [
        ("1", "wav"), ("2", None), ("3", None), ("4", None), ("5", None),
    ]  # fmt: skip
    write(path, every_outcome()[:1], LineOptions(profiles=frozenset({"radio"})))
    assert [(line["status"], line["uri"]) for line in read(path)] == [("succeeded", None)]


@pytest.mark.parametrize("ending", FORMATS)
def test_the_lists_own_columns_are_beside_its_rows(tmp_path: Path, ending: Format) -> None:
    store = MemoryStore()
    sources = [
        {"id": "n-1", "name": "Łucja", "due": 12, "Row": None},
        {"id": "n-2", "name": "=1+1", "list.id": "x"},
        {"id": "n-3"},
    ]
    requests = [numbered(n, campaign_id="night") for n in (1, 2, 3)]
    campaign = stage(store, "night", requests[:2], requests[2:], sources=sources)
    stray = indexed(a_result(9), row=None)
    # One is not asked for, so that the list has more rows.
    wanted = [indexed(a_result(1), 1), waiting(3), stray]
    path = tmp_path / f"list.{ending}"
    write(path, wanted, own=OwnColumns(store, campaign))
    own = [{k: v for k, v in line.items() if k not in NAMES} for line in read(path)]
    assert list(own[0]) == ["list.id", "name", "due", "list.Row", "list.list.id"]
    assert [list(line.values()) for line in own] == [
        ["n-1", "Łucja", "12", None, None],
        ["n-3", None, None, None, None],
        [None, None, None, None, None],
    ]


def test_json_keeps_the_values_of_the_lists_own_columns(tmp_path: Path) -> None:
    store = MemoryStore()
    campaign = stage(store, "night", [numbered(1)], sources=[{"due": 12, "tags": ["a"]}])
    write(tmp_path / "list.jsonl", [waiting(1)], own=OwnColumns(store, campaign))
    line = json.loads((tmp_path / "list.jsonl").read_text())
    assert (line["due"], line["tags"]) == (12, ["a"])


def test_a_campaign_without_a_list_has_no_columns_of_its_own(tmp_path: Path) -> None:
    campaign = stage(MemoryStore(), "night", [numbered(1)])
    events = type(campaign)(campaign_id="night", state="open", created_at=campaign.created_at)
    with pytest.raises(InvalidInput, match="campaign of events"):
        OwnColumns(MemoryStore(), events)


def test_a_workbook_that_is_too_long_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 6)
    path = tmp_path / "list.xlsx"
    with pytest.raises(InvalidInput, match=r"got 6 lines; export to \.csv or \.parquet"):
        write(path, every_outcome())
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(workbook, "MAX_ROWS", 7)
    write(path, every_outcome())
    assert len(read(path)) == 6


def test_what_no_cell_can_hold_is_cut_and_counted(tmp_path: Path) -> None:
    long = "😀" * 20_000  # two units each
    report = write(tmp_path / "list.xlsx", [indexed(a_result(1, "failed", message=long), 1)])
    (line,) = read(tmp_path / "list.xlsx")
    assert report.cut == 1
    assert line["error"] == "😀" * 16_382 + " …"


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError("disk full")])
def test_nothing_half_is_left(tmp_path: Path, ending: Format, end: BaseException) -> None:
    path = tmp_path / f"list.{ending}"
    path.write_text("that of yesterday")

    def broken() -> Iterable[IndexedRequest]:
        yield from every_outcome()
        raise end

    with pytest.raises((KeyboardInterrupt, LocalResource)):
        export_file(Source(read=broken, most=5), path, ending, LineOptions())
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "that of yesterday"
