"""Names of audio files stay in their folder, are files on every system, and are never two's."""

import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidInput
from seedcast.storage.export.names import DEFAULT, MAX_BYTES, Named, NameTemplate, folded
from seedcast.storage.export.plan import Plan
from tests.builders.outcomes import a_rendition, a_result, indexed, waiting

RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
hostile = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        [
            "..",
            ".",
            "",
            "/",
            "\\",
            "../../etc/passwd",
            "C:\\x",
            "CON",
            "nul.txt",
            "a.",
            "a ",
            "~",
            "-",
            "=",
            "@",
        ]
    ),
)


def name(own_id: str, template: str = DEFAULT, row: int | None = 7) -> str:
    named = Named("night", "request-00007", own_id, row)
    return NameTemplate(template).name(named, a_rendition())


def test_a_file_is_named_after_row_and_profile() -> None:
    assert name("n-1_2") == "n-1_2.phone.ogg"
    assert name("Łucja 3", "{profile}/{row}-{id}.{ext}") == "phone/7-Łucja 3.ogg"
    fields = "{campaign}.{request_id}.{id}.{row}"
    named = Named("night", "request-00007", None, None)
    assert NameTemplate(fields).name(named, a_rendition()) == ("night.request-00007.request-00007_")


@pytest.mark.parametrize(
    ("own_id", "expected"),
    [
        ("../a b", "_._a b.phone.ogg"),
        ("a/b\\c:d", "a_b_c_d.phone.ogg"),
        (".hidden", "_hidden.phone.ogg"),
        ("NUL", "_NUL.phone.ogg"),
        ("com1.x", "_com1.x.phone.ogg"),
        ("console", "console.phone.ogg"),
        ("-rf", "_-rf.phone.ogg"),
        ("=ls", "_=ls.phone.ogg"),
        ("@list", "_@list.phone.ogg"),
        ("a\x00\n\u202eb", "a___b.phone.ogg"),
    ],
)
def test_what_a_system_refuses_is_replaced(own_id: str, expected: str) -> None:
    assert name(own_id) == expected


@given(hostile, st.sampled_from([DEFAULT, "{id}", "{id}/{id}", "{profile}/{id}", "x{id}.{ext}"]))
def test_no_name_leaves_the_folder_and_windows_takes_each(own_id: str, template: str) -> None:
    path = name(own_id, template)
    assert len(PurePosixPath(path).parts) == len(template.split("/"))
    assert PureWindowsPath(path).parts == PurePosixPath(path).parts
    for part in path.split("/"):
        assert part not in ("", ".", "..")
        assert not part.startswith((".", "-", "=", "@"))
        assert not re.search(r'[\x00-\x1f<>:"\\|?*]', part)
        assert part.rstrip(". ") == part
        assert part.split(".")[0].strip().lower() not in RESERVED


@pytest.mark.parametrize(
    "template",
    [
        *("", "/{id}", "../{id}", "a/../{id}", "{id}/", "./{id}", "a//{id}", "a\\{id}", "{id"),
        *("{}", "{name}", "{id.x}", "{id[0]}", "{id!r}", "{row:05}"),
    ],
)
def test_a_template_that_is_no_path_below_a_folder_is_refused(template: str) -> None:
    with pytest.raises(InvalidInput, match="--name"):
        NameTemplate(template)


def test_a_name_that_is_too_long_is_refused_and_says_whose() -> None:
    ending = len(".phone.ogg")
    assert len(name("ä" * ((MAX_BYTES - ending) // 2))) > 100
    with pytest.raises(InvalidInput, match=r"row 7, id 'ä.*256 bytes.*--name"):
        name("ä" * ((MAX_BYTES - ending) // 2) + "ab")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("a/b", "a_b"),
        ("Anna", "ANNA"),
        ("Straße", "STRASSE"),
        ("é", unicodedata.normalize("NFD", "É")),
        ("x.", "x_"),
    ],
)
def test_two_files_of_one_name_are_refused_and_both_are_named(one: str, other: str) -> None:
    requests = [indexed(a_result(1, own_id=one), 1), indexed(a_result(2, own_id=other), 2)]
    with pytest.raises(InvalidInput, match="two files of one name") as raised:
        Plan().add(requests, NameTemplate("{id}"))
    assert "row 1, id" in raised.value.got
    assert "row 2, id" in raised.value.got
    plan = Plan()
    plan.add(requests, NameTemplate("{row}.{id}"))
    assert plan.files == 2


@given(hostile, hostile)
def test_names_that_some_system_takes_for_one_are_found(one: str, other: str) -> None:
    assert folded(one) == folded(unicodedata.normalize("NFD", one))
    assert folded(one) == folded(folded(one))
    if one.lower() == other.lower() or one.upper() == other.upper():
        assert folded(one) == folded(other)


def test_two_profiles_of_a_row_need_two_names() -> None:
    both = (a_rendition("phone"), a_rendition("radio"))
    requests = [indexed(a_result(1, renditions=both), 1)]
    with pytest.raises(InvalidInput, match=r"profile phone, and for .*profile radio"):
        Plan().add(requests, NameTemplate("{id}.{ext}"))
    plan = Plan()
    plan.add(requests, NameTemplate("{id}.{ext}"), frozenset({"radio"}))
    assert [audio.whose for audio in plan] == [
        "row 1, id 'n-1', request request-00001, profile radio"
    ]


def test_what_has_no_audio_is_counted_by_its_status() -> None:
    plan = Plan()
    plan.add([indexed(a_result(1, "failed"), 1), waiting(2), waiting(3)], NameTemplate(DEFAULT))
    assert (plan.files, plan.without) == (0, {"failed": 1, "waiting": 2})
