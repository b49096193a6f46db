"""A form is read as it comes: fields are short, one part is a file, and nothing else is taken."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.gateway.form import FIELD_BYTES, FIELDS, Form
from seedcast.producers.gateway.problems import Problem

TYPE = "multipart/form-data; boundary=xYzZy"
PURPOSE = b'content-disposition: form-data; name="purpose"\r\n\r\nlist'
FILE = b'content-disposition: form-data; name="file"; filename="list.csv"\r\n\r\ntext\r\nHello.\r\n'


def body(*parts: bytes, end: bytes = b"--xYzZy--\r\n") -> bytes:
    return b"".join(b"--xYzZy\r\n" + part + b"\r\n" for part in parts) + end


def read(data: bytes, size: int = 7, content_type: str = TYPE) -> tuple[Form, bytes]:
    form = Form(content_type)
    pieces: Iterator[bytes] = (data[at : at + size] for at in range(0, len(data), size))
    return form, b"".join(form.pieces(pieces))


def refused(data: bytes, content_type: str = TYPE) -> Problem:
    with pytest.raises(Problem) as raised:
        read(data, content_type=content_type)
    return raised.value


@pytest.mark.parametrize("parts", [(PURPOSE, FILE), (FILE, PURPOSE)])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_fields_may_come_before_the_file_or_after_it(parts: tuple[bytes, ...], size: int) -> None:
    form, data = read(body(*parts), size)
    assert (form.filename, form.fields) == ("list.csv", {"purpose": "list"})
    assert data == b"text\r\nHello.\r\n"


@pytest.mark.parametrize("size", range(1, 40))
def test_what_looks_like_a_boundary_is_data(size: int) -> None:
    content = b"\r\n--xYzZ\r\n--\r\r\n\n--xYzZ--\r"
    _, data = read(body(PURPOSE, FILE.partition(b"text")[0] + content), size)
    assert data == content


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (body(PURPOSE, FILE, end=b""), "incomplete"),
        (body(PURPOSE, FILE)[:-20], "incomplete"),
        (b"", "incomplete"),
        (body(PURPOSE), "invalid_request"),
        (body(PURPOSE, FILE, FILE), "invalid_request"),
        (body(FILE.replace(b'"file"', b'"other"')), "invalid_request"),
        (b"no form at all", "invalid_request"),
        (body(*[PURPOSE.replace(b"purpose", b"%d" % n) for n in range(FIELDS + 1)], FILE), ""),
        (body(PURPOSE + b"x" * FIELD_BYTES, FILE), "invalid_request"),
        (body(b"x" * 10_000 + b": y\r\n\r\n", FILE), "invalid_request"),
    ],
)
def test_what_is_no_such_form_is_refused(data: bytes, code: str) -> None:
    problem = refused(data)
    assert problem.status == 400
    assert code in problem.code


@pytest.mark.parametrize("content_type", ["application/json", "", "multipart/mixed; boundary=x"])
def test_another_type_is_refused(content_type: str) -> None:
    assert refused(b"", content_type).status == 415


def test_a_form_without_a_boundary_or_with_an_endless_one_is_refused() -> None:
    assert refused(b"", "multipart/form-data").status == 400
    assert refused(b"", f"multipart/form-data; boundary={'x' * 10_000}").status == 400


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_content_comes_out_as_it_went_in(content: bytes, size: int) -> None:
    if b"--xYzZy" in content:
        return
    _, data = read(body(FILE.partition(b"text")[0] + content), size)
    assert data == content
