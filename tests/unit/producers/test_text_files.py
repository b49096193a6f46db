"""CSV and JSON Lines as people have them: delimiters, encodings, packed files, and bad ones."""

import gc
import gzip
import json
import os
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pytest

from seedcast.errors import InvalidInput, LocalResource
from seedcast.producers.rows.bad_rows import parsing
from seedcast.producers.rows.file_options import DETECTED, FileOptions
from seedcast.producers.rows.list_format import PACKINGS
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BLOCK, BadRow
from tests.builders.files import a_file, dry_run, parquet
from tests.builders.workbooks import a_list

TEXT = "您好，账单已出，请及时缴费。"


def values(path: Path, **options: str) -> list[dict[str, object]]:
    rows = read(path, FileOptions(**options) if options else DETECTED).rows
    return [dict(row[1]) for row in rows if not isinstance(row, BadRow)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(("name", "delimiter"), [("l.csv", ","), ("l.csv", ";"), ("l.csv", "\t")])
def test_the_delimiter_is_seen_in_the_header(
    tmp_path: Path, name: str, delimiter: str, line_end: str
) -> None:
    lines = [["id", "text"], ["1", f'"One{delimiter} two."'], ["2", "Three."]]
    content = "".join(delimiter.join(line) + line_end for line in lines)
    assert values(a_file(tmp_path, content, name)) == [
        {"id": "1", "text": f"One{delimiter} two."},
        {"id": "2", "text": "Three."},
    ]


def test_tsv_is_separated_by_tabs_whatever_else_its_header_holds(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,old;new\ttext\n1\tHi.\n", "l.tsv")
    assert values(path) == [{"id,old;new": "1", "text": "Hi."}]


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n", "\ufeffsep=;\n"])
def test_the_line_of_excel_says_the_delimiter_and_is_no_row(tmp_path: Path, line: str) -> None:
    path = a_file(tmp_path, f"{line}id;text, more\n1;Hi.\nshort\n")
    assert values(path) == [{"id": "1", "text, more": "Hi."}]
    assert [row.error.row for row in read(path).rows if isinstance(row, BadRow)] == [2]


def test_of_two_delimiters_in_the_header_the_one_that_fits_every_row_is_taken(
    tmp_path: Path,
) -> None:
    assert values(a_file(tmp_path, "id;name, first\n1;Anna\n2;Bob\n")) == [
        {"id": "1", "name, first": "Anna"},
        {"id": "2", "name, first": "Bob"},
    ]


def test_a_delimiter_in_doubt_is_asked_for(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id;a,b\n1;x,y\n")
    with pytest.raises(InvalidInput, match=r"line 1: .* got ',' and ';'; say which .*--delimiter"):
        read(path)
    assert values(path, delimiter=";") == [{"id": "1", "a,b": "x,y"}]
    assert values(path, delimiter=",") == [{"id;a": "1;x", "b": "y"}]


@pytest.mark.parametrize("wrong", ["", ";;", '"', "\n", "a", "7", "；", "\0", "\x1b"])
def test_a_delimiter_is_one_plain_character(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(InvalidInput, match="option delimiter; expected one character"):
        read(a_file(tmp_path, "id,text\n1,Hi.\n"), FileOptions(delimiter=wrong))


def test_the_delimiter_may_be_spelled(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id\ttext\n1\tHi.\n")
    assert values(path, delimiter="tab") == values(path, delimiter="\\t") == values(path)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["l.csv", "l.jsonl"])
def test_unicode_is_told_by_its_bytes(tmp_path: Path, codec: str, name: str) -> None:
    rows = [{"id": "1", "text": f"Hello, {TEXT}"}, {"id": "2", "text": "Goodbye, my friends."}]
    if name == "l.csv":
        content = "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows)
    else:
        content = "".join(json.dumps(row) + "\n" for row in rows)
    assert values(a_file(tmp_path, content.encode(codec), name)) == rows


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32", "gb18030"])
@pytest.mark.parametrize("text", [TEXT, "一二三" * 2000, f"{TEXT} Call 9 please."])
def test_chinese_is_told_by_its_bytes_or_its_mark(tmp_path: Path, codec: str, text: str) -> None:
    mark, row = "\ufeff" if codec == "gb18030" else "", {"编号": "1", "文本": text}
    csv, line = f"{mark}编号,文本\n1,{text}\n", mark + json.dumps(row, ensure_ascii=False)
    assert values(a_file(tmp_path, csv.encode(codec))) == [row]
    assert values(a_file(tmp_path, line.encode(codec), "l.jsonl")) == [row]


@pytest.mark.parametrize("name", ["utf-16", "utf-32"])
def test_unicode_without_a_mark_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected a byte order mark, or .*; name another"):
        read(a_file(tmp_path, "text\nfine\n"), FileOptions(encoding=name))


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("gb18030", "gb18030", f"{TEXT}𠮷😀"),
        ("gbk", "gbk", TEXT),
        ("GB2312", "gb2312", TEXT),
        ("big5", "big5", "您好，帳單已出，請及時繳費。"),
        ("windows-1252", "cp1252", "Müller, Café – 5 €"),
    ],
)
def test_an_encoding_that_is_named_is_read(
    tmp_path: Path, name: str, codec: str, text: str
) -> None:
    content = f"id;text\n1;{text}\n" * 1
    assert values(a_file(tmp_path, content.encode(codec)), encoding=name) == [
        {"id": "1", "text": text}
    ]
    lines = json.dumps({"text": text}, ensure_ascii=False).encode(codec)
    assert values(a_file(tmp_path, lines, "l.jsonl"), encoding=name) == [{"text": text}]


def test_a_character_across_two_blocks_is_whole(tmp_path: Path) -> None:
    content = ("text\n" + "号码\n" * 500_000).encode("gb18030")
    assert len(content) > 2 * BLOCK
    assert {row["text"] for row in values(a_file(tmp_path, content), encoding="gbk")} == {"号码"}


@pytest.mark.parametrize(
    ("codec", "text", "first"),
    [
        ("gb18030", TEXT, "gb18030"),
        ("big5", "您好，帳單已出，請及時繳費。", "big5"),
        ("cp1252", "Grüße aus München, schöne Füße", "windows-1252"),
    ],
)
def test_an_encoding_in_doubt_is_asked_for_with_two_readings(
    tmp_path: Path, codec: str, text: str, first: str
) -> None:
    path = a_file(tmp_path, f"id,text\n1,fine\n2,\x1b{text}\n".encode(codec))
    with pytest.raises(InvalidInput) as caught:
        read(path)
    error = caught.value
    assert ", line 3: not UTF-8" in error.what
    assert f"--encoding {first} (" in error.remedy
    assert text[:4] in error.got
    assert error.got.count(" in ") == 2
    assert "\\x1b" in error.got
    assert "\x1b" not in error.got
    assert text not in error.got  # no more of a person's text than needed
    assert len(error.got) < 150


@pytest.mark.parametrize(
    ("content", "named", "message"),
    [
        (
            "text\nfine\n\x81",
            "windows-1252",
            "line 3: not windows-1252; .* text in windows-1252; .*offset 10; name another",
        ),
        ("\ufefftext\nfine\n", "gbk", "expected text in gbk; got what is surely utf-8; leave out"),
        ("text\nfine\n", "klingon", "option encoding; expected one of utf-8, utf-16"),
    ],
)
def test_an_encoding_that_does_not_fit_is_refused(
    tmp_path: Path, content: str, named: str, message: str
) -> None:
    path = a_file(tmp_path, content.encode("latin-1" if "\x81" in content else "utf-8"))
    with pytest.raises(InvalidInput, match=message):
        read(path, FileOptions(encoding=named))


def packed(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content)
    return bytes(pyarrow.compress(content, "zstd", asbytes=True))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl"])
def test_packed_text_is_read(tmp_path: Path, suffix: str, kind: str) -> None:
    content = {
        ".csv": "id,text\n1,号\n",
        ".tsv": "id\ttext\n1\t号\n",
        ".jsonl": '{"id": "1", "text": "号"}\n',
    }[kind]
    path = a_file(tmp_path, packed(content.encode(), suffix), f"l{kind}{suffix}".upper())
    assert values(path) == [{"id": "1", "text": "号"}]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_text_in_several_parts_is_read_whole(tmp_path: Path, suffix: str) -> None:
    content = packed(b"text\nOne.\n", suffix) + packed(b"Two.\n", suffix)
    assert values(a_file(tmp_path, content, f"l.csv{suffix}")) == [
        {"text": "One."},
        {"text": "Two."},
    ]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_packed_file_is_refused(
    tmp_path: Path, suffix: str, kind: str, damage: str
) -> None:
    content = packed(b'{"text": "Hi."}\n' * 1000, suffix)
    content = content[:-9] if damage == "cut" else b"not packed at all"
    with pytest.raises(InvalidInput, match="is damaged; expected a whole"):
        list(read(a_file(tmp_path, content, f"l{kind}{suffix}")).rows)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_a_bomb_is_refused(
    tmp_path: Path, suffix: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedcast.producers.rows.bounds.ALWAYS", 1000)
    line, start = b'{"text": "' + b"a" * 1000 + b'"}\n', b"text\n" if kind == ".csv" else b""
    path = a_file(tmp_path, packed(start + line * 3000, suffix), f"l{kind}{suffix}")
    with pytest.raises(InvalidInput, match=r"unpacks to far more than a list; expected at most"):
        list(read(path).rows)
    path = a_file(tmp_path, packed(start + line[:100], suffix), f"small{kind}{suffix}")
    list(read(path).rows)


def test_zeros_after_a_packed_list_are_no_part_of_it(tmp_path: Path) -> None:
    content = packed(b"text\nHi.\n", ".gz") + bytes(512)
    with pytest.raises(InvalidInput, match=r"is damaged.*pack or copy it again"):
        read(a_file(tmp_path, content, "l.csv.gz"))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("l.csv", "utf-8"),
        ("l.csv.gz", "utf-8"),
        ("l.csv.zst", "utf-8-sig"),
        ("l.csv", "gb18030"),
        ("l.tsv.gz", "utf-16"),
    ],
)
def test_arrow_reads_ahead_without_python(
    tmp_path: Path, name: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its threads may still read while the process ends, and would end it with SIGABRT."""
    opened, open_csv = list[object](), pyarrow.csv.open_csv

    def noting(stream: Any, **options: Any) -> Any:
        opened.append(stream)
        return open_csv(stream, **options)

    monkeypatch.setattr(pyarrow.csv, "open_csv", noting)
    content, suffix = f"text\n{TEXT}\n".encode(codec), Path(name).suffix
    path = a_file(tmp_path, packed(content, suffix) if suffix in PACKINGS else content, name)
    assert values(path, encoding=codec.removesuffix("-sig")) == [{"text": TEXT}]
    assert opened
    assert {type(stream) for stream in opened} <= {pyarrow.OSFile, pyarrow.CompressedInputStream}


def test_arrow_releases_no_function_of_python(tmp_path: Path) -> None:
    """Its threads would, while the process ends."""
    values(a_file(tmp_path, "text|more\nHi.|\n"), delimiter="|")
    options = weakref.ref(parsing("|"))
    parsing.cache_clear()
    gc.collect()
    assert options() is not None


def test_lists_that_are_read_in_turns_keep_their_own_wrong_rows(tmp_path: Path) -> None:
    lists = [a_file(tmp_path, f"a,b\n{name}\n1,2\n" * 2, f"{name}.csv") for name in "xy"]
    pairs = list(zip(*(read(path).rows for path in lists), strict=True))
    lines = [[row.line for row in pair if isinstance(row, BadRow)] for pair in pairs]
    assert lines == [["x", "y"], [], [], ["x", "y"], []]


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl"])
def test_without_room_for_the_copy_in_utf_8_it_says_so(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    path = a_file(tmp_path, "text\nHi.\n".encode("utf-16"), name)
    with pytest.raises(LocalResource, match=r"a copy in .*none; .* set TMPDIR to a folder with"):
        read(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("change", ["longer", "other", "gone"])
def test_a_list_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, kind: str, change: str
) -> None:
    texts = ["Hi."] * 3
    content = "text\n" + "Hi.\n" * 3 if kind == "csv" else '{"text": "Hi."}\n' * 3
    path = {
        "parquet": lambda: parquet(tmp_path, {"text": texts}),
        "xlsx": lambda: a_list(tmp_path, ["text"], *([text] for text in texts)),
    }.get(kind, lambda: a_file(tmp_path, content, f"l.{kind}"))()

    def run() -> Iterator[None]:
        for number, _ in enumerate(read(path).rows):
            if number == 1 and change == "longer":
                path.open("a").write(content)
            elif number == 1 and change == "other":
                path.with_name("new").write_text(content)
                path.with_name("new").replace(path)
            elif number == 1:
                path.unlink()
            yield

    with pytest.raises(InvalidInput, match=r"changed while it was read.*wait until it is written"):
        list(run())


@pytest.mark.parametrize("columns", ["id,text,id", "id, ,text", "id,text,"])
def test_a_header_that_is_wrong_says_what_to_do(tmp_path: Path, columns: str) -> None:
    with pytest.raises(InvalidInput, match="in the header"):
        read(a_file(tmp_path, f"{columns}\n1,2,3\n"))


def test_a_pipe_a_folder_and_a_missing_file_say_what_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.csv").symlink_to("none")
    for name, got in [
        ("pipe", r"a pipe .*seedcast check - --format"),
        ("", "a folder; name a list in it"),
        ("none.csv", "no such file"),
        ("link.csv", "a link to no file"),
    ]:
        with pytest.raises(InvalidInput, match=f"expected a file; got {got}"):
            read(tmp_path / name)
    with pytest.raises(InvalidInput, match=r"cannot be read; got .*File name too long"):
        read(tmp_path / f"{'a' * 300}.csv")


@pytest.mark.parametrize(
    ("header", "remedy"),
    [
        ("ID, text", "capitals and spaces count: rename 'ID' to 'id', ' text' to 'text' in"),
        ("id|text", "say what separates the columns with --delimiter"),
        ("name", "add them to the header"),
    ],
)
def test_a_list_without_its_columns_is_named(tmp_path: Path, header: str, remedy: str) -> None:
    path = a_file(tmp_path, f"{header}\n" + ("1,Hi.\n" if "," in header else "1\n"))
    with pytest.raises(InvalidInput, match=re.escape(remedy)) as caught:
        dry_run(path, id_column="id")
    assert caught.value.what == "list.csv: columns are missing"


def test_a_file_whose_name_has_control_characters_is_read_and_named(tmp_path: Path) -> None:
    name = "a\x1b[2Jb\n.csv"
    assert dry_run(a_file(tmp_path, "text\nHi.\n…\n", name)).rejected == 1
    assert (tmp_path / f"{name}.rejected.jsonl").exists()


def test_a_list_of_only_wrong_rows_and_a_row_of_ten_thousand_characters(tmp_path: Path) -> None:
    assert dry_run(a_file(tmp_path, "text\n…\n!\n")).rejected == 2
    exact, longer = "a" * 10_000, "a" * 10_001
    report = dry_run(a_file(tmp_path, f"text\n{exact}\n{longer}\nfine\n"))
    assert (report.accepted, report.rejected) == (2, 1)
    assert [(one.row, one.expected, one.got) for one in report.rejections] == [
        (2, "at most 10,000 characters", "10,001")
    ]


@pytest.mark.parametrize(
    ("codec", "text", "first"),
    [("gb18030", TEXT, "gb18030"), ("cp1252", "Grüße aus München", "windows-1252")],
)
def test_the_encoding_of_json_lines_in_doubt_is_asked_for(
    tmp_path: Path, codec: str, text: str, first: str
) -> None:
    lines = f'{{"text": "fine"}}\n{{"text": "{text}"}}\n'.encode(codec)
    path = a_file(tmp_path, lines, "list.jsonl")
    with pytest.raises(InvalidInput, match=f", line 2: not UTF-8.*--encoding {first}") as caught:
        list(read(path).rows)
    assert text[:4] in caught.value.got
    assert values(path, encoding=first) == [{"text": "fine"}, {"text": text}]


@pytest.mark.parametrize("named", [None, "utf-8"])
def test_a_line_of_json_that_is_no_utf8_as_the_text_before_is_an_error_of_its_row(
    tmp_path: Path, named: str | None
) -> None:
    before = "" if named else '{"text": "号"}\n'
    path = a_file(tmp_path, before.encode() + '{"text": "账单"}\n'.encode("gbk"), "list.jsonl")
    [wrong] = [
        row for row in read(path, FileOptions(encoding=named)).rows if isinstance(row, BadRow)
    ]
    assert wrong.error.expected == "one JSON object per line, in UTF-8"
    assert "账单\"}' in gb18030 and " in wrong.error.got


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("list.csv", "sheet", "One"),
        ("list.jsonl", "delimiter", ";"),
        ("list.xlsx", "delimiter", ";"),
        ("list.xlsx", "encoding", "gbk"),
        ("list.parquet", "encoding", "gbk"),
    ],
)
def test_an_option_that_says_nothing_of_a_format_is_refused(
    tmp_path: Path, name: str, option: str, value: str
) -> None:
    path = a_file(tmp_path, "text\nHi.\n", name)
    with pytest.raises(InvalidInput, match=f"{name}, option {option}; expected none: it is of"):
        dry_run(path, **{option: value})


def test_a_workbook_with_a_title_above_its_header_says_what_to_delete(tmp_path: Path) -> None:
    path = a_list(tmp_path, ["Customers of May"], ["id", "text"], ["n-1", "Hi."])
    with pytest.raises(InvalidInput, match="delete titles above it"):
        dry_run(path, id_column="id")


@pytest.mark.parametrize(
    "text", ['[{"text": "Hi."}]\n', '[\n{"text": "Hi."}\n]\n', '{\n  "text": "Hi."\n}\n']
)
def test_json_that_is_not_one_object_per_line_says_how_to_make_it_so(
    tmp_path: Path, text: str
) -> None:
    rows = list(read(a_file(tmp_path, text, "list.jsonl")).rows)
    assert isinstance(rows[0], BadRow)
    assert "jq -c '.[]'" in rows[0].error.expected
