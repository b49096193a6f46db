"""Reading files: errors of a row, errors of the file, and the numbers of the rows."""

import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BLOCK, MAX_COLUMNS, BadRow, check_columns
from tests.builders.files import a_file, parquet
from tests.builders.memory import peak_of_reading


def good(path: Path) -> list[tuple[int, dict[str, object]]]:
    return [(row[0], dict(row[1])) for row in read(path).rows if not isinstance(row, BadRow)]


def bad(path: Path) -> list[tuple[int, str]]:
    return [(row.error.row, row.line) for row in read(path).rows if isinstance(row, BadRow)]


def test_csv_values_stay_text(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,name,flag\n007,,true\n1e5,NULL,\n")
    assert good(path) == [
        (1, {"id": "007", "name": "", "flag": "true"}),
        (2, {"id": "1e5", "name": "NULL", "flag": ""}),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_quoted_value_may_hold_separators_and_line_ends(tmp_path: Path, line_end: str) -> None:
    path = a_file(tmp_path, line_end.join(["id,text", 'a,"one, ""two""\nthree"', "b,四", ""]))
    assert good(path) == [
        (1, {"id": "a", "text": 'one, "two"\nthree'}),
        (2, {"id": "b", "text": "四"}),
    ]


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_byte_order_mark_does_not_become_part_of_the_first_column(
    tmp_path: Path, name: str
) -> None:
    content = "id\nx\n" if name.endswith("csv") else '{"id": "x"}\n'
    assert good(a_file(tmp_path, b"\xef\xbb\xbf" + content.encode(), name)) == [(1, {"id": "x"})]


def test_a_wrong_number_of_columns_is_an_error_of_that_row(tmp_path: Path) -> None:
    path = a_file(tmp_path, 'id,text\nshort\na,"two\nlines"\n\nlong,1,2\nb,x\nc\n')
    assert bad(path) == [(1, "short"), (3, "long,1,2"), (5, "c")]
    assert [number for number, _ in good(path)] == [2, 4]


def test_rows_keep_their_numbers_across_blocks(tmp_path: Path) -> None:
    lines = [
        f"n-{number}" if number % 1000 == 0 else f"n-{number},{'x' * 60}"
        for number in range(1, 40_001)
    ]
    path = a_file(tmp_path, "id,text\n" + "\n".join(lines) + "\n")
    assert path.stat().st_size > 2 * BLOCK
    assert all(values["id"] == f"n-{number}" for number, values in good(path))
    assert [number for number, _ in bad(path)] == list(range(1000, 40_001, 1000))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"", "is empty"),
        ("list.jsonl", b"", "is empty"),
        ("list.parquet", b"", "is empty"),
        ("list.csv", b"id,text", "has no rows"),
        ("list.csv", b"id,text,id\n1,2,3\n", "columns appear twice.*'id'"),
        ("list.csv", b"id,,text\n1,2,3\n", "a column has no name"),
        ("list.csv", b"id,text\nok,fine\n1,\xff\xfe\n", "line 3: not UTF-8.*offset 18.*iconv"),
        ("list.csv", "id,text\n1,é\n".encode("latin-1"), "line 2: not UTF-8.*offset 10"),
        ("list.csv", "id,text\n1,é".encode()[:-1], "line 2: not UTF-8.*offset 10"),
        ("list.csv", "id,text\n1,éé".encode()[:-1], "line 2.*its end within a character; copy"),
        ("list.csv", "text\né".encode("utf-16")[:-1], "line 2: not UTF-16.*within a character"),
        ("list.csv", "é\n".encode() + b"\xe9,\n", "as the text before; .*in one encoding"),
        (
            "list.csv",
            b"\x89PNG\r\n\x1a\n\0\0\0\r",
            "expected a text file; got bytes that are no text",
        ),
        ("list.csv", b'id,text\n1,"never closed\n2,x\n3,y\n', "row 1.*a closing quote"),
        ("list.csv", b'id,text\n1,x\n2,y,"never\n3,z\n', "row 2.*a closing quote"),
        ("list.csv", b'id,text\n1,"' + b"x\n" * BLOCK, "close a quote that is still open"),
        ("list.csv", b'id,te"xt\n', "a quote in the header that is never closed"),
        ("list.parquet", b"PAR1 not at all", "is not Parquet"),
        ("list.csv", b"PK\x03\x04", "expected a text file; got a workbook"),
        ("list.csv", b"\x1f\x8b\x08", "expected a text file; got gzip"),
        ("list.txt", b"id", "expected a file ending in .csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("list.xlsm", b"PK", "got .xlsm; save it as .xlsx, without macros"),
        ("list.parquet.gz", b"PAR1", r"got \.parquet\.gz"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(read(a_file(tmp_path, content, name)).rows)


def test_invalid_utf8_late_in_a_file_is_found_before_its_first_row(tmp_path: Path) -> None:
    start = ("a,message\n" + "1,号\n" * 400_000).encode()
    across_two_blocks = start[2 * BLOCK - 2 : 2 * BLOCK + 1]
    assert across_two_blocks.decode() == "号"
    with pytest.raises(InvalidInput, match=rf"line 400,002: .* offset {len(start) + 2:,}"):
        read(a_file(tmp_path, start + b"2,\xff\n"))


def test_a_lone_quote_inside_a_value_is_a_character(tmp_path: Path) -> None:
    assert good(a_file(tmp_path, 'id,text\n1,5" pipe\n2,x\n'))[0][1]["text"] == '5" pipe'


@pytest.mark.parametrize("what", ["folder", "missing"])
def test_a_path_without_a_file_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "list.csv"
    if what == "folder":
        path.mkdir()
    with pytest.raises(InvalidInput, match="expected a file; got"):
        read(path)


def test_a_wrong_line_of_json_lines_is_an_error_of_that_row(tmp_path: Path) -> None:
    lines = [
        '{"id": 1, "name": "é"}'.encode(),
        b"{",
        b"[1]",
        b"",
        b'{"id": "\xff"}',
        b'{"id": "' + b"x" * BLOCK + b'"}',
        b'{"id": 7}',
    ]
    path = a_file(tmp_path, b"\n".join(lines), "list.jsonl")
    assert good(path) == [(1, {"id": 1, "name": "é"}), (7, {"id": 7})]
    assert [number for number, _ in bad(path)] == [2, 3, 5, 6]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    assert good(parquet(tmp_path, {"id": [7, None], "text": ["a", "b"]})) == [
        (1, {"id": 7, "text": "a"}),
        (2, {"id": None, "text": "b"}),
    ]


@pytest.mark.parametrize("readable", [True, False])
def test_a_single_precision_float_keeps_its_shortest_digits(tmp_path: Path, readable: bool) -> None:
    amounts = pyarrow.array([12.3, None, 0.1, -1e10], pyarrow.float32())
    texts = pyarrow.array([b"a", b"b", b"c", b"d" if readable else b"\xff"], pyarrow.binary())
    table = pyarrow.table(
        {"amount": amounts, "text": pyarrow.StringArray.from_buffers(4, *texts.buffers()[1:])}
    )
    pyarrow.parquet.write_table(table, tmp_path / "list.parquet")
    expected = [12.3, None, 0.1, -1e10][: 4 if readable else 3]
    assert [values["amount"] for _, values in good(tmp_path / "list.parquet")] == expected


def test_an_unreadable_parquet_value_is_an_error_of_that_row(tmp_path: Path) -> None:
    # A writer that checks nothing leaves such bytes in a string column.
    texts = pyarrow.array([b"Hello.", b"caf\xe9", b"Bye.", b"Ciao."], pyarrow.binary())
    times = pyarrow.array([1000, 2000, 1, 3000], pyarrow.timestamp("ns"))
    table = pyarrow.table(
        {"text": pyarrow.StringArray.from_buffers(4, *texts.buffers()[1:]), "at": times}
    )
    pyarrow.parquet.write_table(table, tmp_path / "list.parquet")
    rows = list(read(tmp_path / "list.parquet").rows)
    assert [(row[0], row[1]["text"]) for row in rows if isinstance(row, tuple)] == [
        (1, "Hello."),
        (4, "Ciao."),
    ]
    assert [
        (row.error.row, row.error.field, row.line) for row in rows if isinstance(row, BadRow)
    ] == [(2, "text", "caf\\xe9"), (3, "at", "")]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    with path.open("w") as file:
        for number in range(100_000):
            file.write(json.dumps({"id": number, "text": "x" * 1000}) + "\n")
    peak, printed = peak_of_reading(path)
    assert printed == "100000"
    assert peak < 32_000_000  # the file has 100 MB


def words(count: int) -> pyarrow.DictionaryArray:
    """One word of nearly a megabyte, which each of the rows names."""
    return pyarrow.DictionaryArray.from_arrays(np.zeros(count, np.int32), ["b" * 900_000])


BOMBS = {
    "a cell": ({"text": ["a" * 70_000_000]}, r"column 'text'; expected at most 67,108,864 bytes"),
    "a word": ({"metadata.note": words(4000)}, r"^4000$"),
    "a list": ({"tags": [["phone"] * 2_000_000]}, r"expected lists of at most 1,024 values"),
    "a word in lists": (
        {"tags": pyarrow.ListArray.from_arrays([0, 900, 1800], words(1800))},
        r"row 2; expected a row of at most 1,048,576 bytes; got 810,014,416\n2$",
    ),
    "a word in a struct": ({"deep": pyarrow.StructArray.from_arrays([words(900)], ["a"])}, "^900$"),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", BOMBS)
def test_a_small_parquet_file_does_not_unpack_to_gigabytes(tmp_path: Path, name: str) -> None:
    columns, expected = BOMBS[name]
    path = tmp_path / "list.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")
    assert path.stat().st_size < 30_000
    peak, printed = peak_of_reading(path)
    assert re.search(expected, printed)
    assert peak < 50_000_000


def test_one_cell_of_parquet_is_bounded_before_it_is_in_memory(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(97, 122, 70_000_000, np.uint8).tobytes().decode()
    path = parquet(tmp_path, {"text": ["Hi.", noise]})
    assert path.stat().st_size > 30_000_000  # so the ratio says nothing
    peak, printed = peak_of_reading(path)
    assert "column 'text'; expected at most 67,239,936 bytes unpacked" in printed
    assert peak < 10_000_000


def test_a_row_of_parquet_that_is_too_long_is_an_error_of_that_row(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"id": ["a", "b", "c"], "tags": [["x"], ["y" * 1020] * 1024, None]})
    assert [row[1]["tags"] for row in read(path).rows if not isinstance(row, BadRow)] == [
        ["x"],
        None,
    ]
    (wrong,) = [row for row in read(path).rows if isinstance(row, BadRow)]
    assert (wrong.error.row, wrong.error.expected) == (2, "a row of at most 1,048,576 bytes")
    assert wrong.line == ""


def test_words_of_a_dictionary_nested_values_and_nulls_are_read_as_they_are(tmp_path: Path) -> None:
    values = {
        "word": ["a", None, "a"],
        "large": pyarrow.array(["x", "y", None], pyarrow.large_string()),
        "raw": [b"1", None, b""],
        "lists": [["p", None], None, []],
        "deep": [{"a": "q", "b": [1]}, None, {"a": None, "b": None}],
        "map": pyarrow.array(
            [[("k", "v")], None, []], pyarrow.map_(pyarrow.string(), pyarrow.string())
        ),
        "price": pyarrow.array([Decimal("1.50"), None, Decimal(2)], pyarrow.decimal128(9, 2)),
    }
    table = pyarrow.table(values)
    path = tmp_path / "list.parquet"
    pyarrow.parquet.write_table(table, path)
    assert [row for _, row in good(path)] == table.to_pylist()


def test_a_key_that_appears_twice_is_an_error_of_its_row(tmp_path: Path) -> None:
    lines = '{"text": "a", "text": "b"}\n{"at": "12:30", "of": {"id": 1, "\\u0069d": 2}}\n'
    path = a_file(tmp_path, lines + '{"text": "a: b", "at": "12:30"}\n', "list.jsonl")
    assert good(path) == [(3, {"text": "a: b", "at": "12:30"})]
    errors = [row.error for row in read(path).rows if isinstance(row, BadRow)]
    assert [(error.row, error.got) for error in errors] == [(1, "'text' twice"), (2, "'id' twice")]


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    table = pyarrow.table([["a"], ["b"]], names=["text", "text"])
    pyarrow.parquet.write_table(table, tmp_path / "list.parquet")
    with pytest.raises(InvalidInput, match=r"columns appear twice.*'text'"):
        read(tmp_path / "list.parquet")


@pytest.mark.parametrize("is_inside", [False, True])
def test_parquet_with_times_in_an_unknown_zone_is_refused(tmp_path: Path, is_inside: bool) -> None:
    for zone in ("Asia/Shanghai", "+05:30", "Mars/Olympus"):
        times = pyarrow.array([0], pyarrow.timestamp("us", zone))
        column = pyarrow.StructArray.from_arrays([times], ["at"]) if is_inside else times
        pyarrow.parquet.write_table(
            pyarrow.table({"when": column}), tmp_path / f"{len(zone)}.parquet"
        )
    assert len(good(tmp_path / "6.parquet") + good(tmp_path / "13.parquet")) == 2
    with pytest.raises(InvalidInput, match=r"column 'when'.*got 'Mars/Olympus'; write the times"):
        read(tmp_path / "12.parquet")


def test_a_header_of_too_many_columns_is_refused_and_of_many_is_read(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(100_000)]
    assert check_columns("list.csv", names[:MAX_COLUMNS]) == tuple(names[:MAX_COLUMNS])
    path = a_file(tmp_path, ",".join(names) + "\n")
    with pytest.raises(
        InvalidInput, match="too many columns; expected at most 16,384; got 100,000"
    ):
        read(path)
