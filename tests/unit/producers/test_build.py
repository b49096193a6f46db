"""Rows to requests: every value is checked; an error names row, field, expected and got."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from seedcast.catalog import profiles
from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.lexicon_entry import Entry
from seedcast.catalog.voices import NONE, Voice, Voices
from seedcast.codec import decode_request
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.content import check_deadline, digest, encode
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import MAX_VOICE_SEED, SpeechRequest, Style
from seedcast.settings import Settings

CREATED = datetime(2026, 1, 1, 20, tzinfo=UTC)
ANNA = Voice(name="anna", seed=7)
BO = Voice(name="bo", speaker="\u4e00", speed=0.8, style={"top_k": 5, "break": 3})
VOICES: Voices = MappingProxyType({"anna": ANNA, "bo": BO})
PROFILES = profiles.load(Settings().postprocess)
VOICE_SEED = "an integer from 0 to 9007199254740991"
PROFILE_NAMES = f"profiles of {', '.join(sorted(PROFILES))}"
DEADLINE = "an ISO 8601 time with its zone, or a duration such as '2h' or '1h30m'"
ROW_NUMBER = "another name, because the result's metadata has the row's number here"
ROW_ID = "another name, because the result's metadata has the row's id here"


def builder(
    columns: tuple[str, ...] | None = None, voices: Voices = NONE, **options: object
) -> Builder:
    given: dict[str, object] = {"campaign": "night", "voice": 2222, **options}
    return Builder(SubmitOptions(**given), CREATED, PROFILES, columns, voices)  # type: ignore[arg-type]


def build(
    values: Mapping[str, object], row: int = 1, voices: Voices = NONE, **options: object
) -> SpeechRequest:
    return builder(voices=voices, **options).build(row, {"text": "Hello.", **values}, CREATED)


@pytest.mark.parametrize(
    ("values", "field", "expected", "got"),
    [
        ({"text": ""}, "text", "at least one letter or digit", "an empty text"),
        ({"text": None}, "text", "text", "nothing"),
        ({"text": 7}, "text", "text", "int"),
        ({"text": "x" * 100_000}, "text", "at most 10,000 characters", "100,000"),
        ({"text": "pass\0word"}, "text", "no control characters", "U+0000 at character 5"),
        ({"text": "bell\a"}, "text", "no control characters", "U+0007 at character 5"),
        ({"text": "half \ud800"}, "text", "no control characters", "U+D800 at character 6"),
        ({"text": "…!?。"}, "text", "at least one letter or digit", "nothing to speak"),
        ({"text": "😀🎉"}, "text", "at least one letter or digit", "nothing to speak"),
        ({"voice": "abc"}, "voice", VOICE_SEED, "'abc'"),
        ({"voice": "-1"}, "voice", VOICE_SEED, "-1"),
        ({"voice_seed": str(MAX_VOICE_SEED + 1)}, "voice_seed", VOICE_SEED, "9007199254740992"),
        ({"voice": "9" * 5000}, "voice", VOICE_SEED, repr("9" * 5000)[:100]),
        ({"voice": True}, "voice", VOICE_SEED, "True"),
        ({"voice": "1_000"}, "voice", VOICE_SEED, "'1_000'"),
        ({"voice": [1]}, "voice", VOICE_SEED, "(1,)"),
        ({"voice": {"a": [1]}}, "voice", "a single value", "dict"),
        ({"speed": "2.5"}, "speed", "a ratio from 0.5 to 2", "2.5"),
        ({"speed": "nan"}, "speed", "a ratio from 0.5 to 2", "nan"),
        ({"speed": "fast"}, "speed", "a ratio from 0.5 to 2", "'fast'"),
        ({"profile": "gramophone"}, "profile", PROFILE_NAMES, "gramophone"),
        ({"profiles": "phone;x,y"}, "profiles", PROFILE_NAMES, "x, y"),
        ({"profiles": ";"}, "profiles", f"1 to 16 {PROFILE_NAMES}", "0 profiles"),
        ({"profiles": [1]}, "profiles", PROFILE_NAMES, "(1,)"),
        ({"priority": "soon"}, "priority", "'normal' or 'urgent'", "'soon'"),
        ({"temperature": "9"}, "temperature", "a number over 0 and up to 2", "9.0"),
        ({"top_k": "1.5"}, "top_k", "an integer from 1 to 100", "1.5"),
        ({"oral": "10"}, "oral", "an integer from 0 to 9", "10"),
        ({"laugh": -1}, "laugh", "an integer from 0 to 2", "-1"),
        ({"break": "long"}, "break", "an integer from 0 to 7", "'long'"),
        ({"refine": "on"}, "refine", "true or false (1 or 0, yes or no)", "'on'"),
        ({"refine": 2}, "refine", "true or false (1 or 0, yes or no)", "2"),
        ({"refine": [True]}, "refine", "true or false (1 or 0, yes or no)", "(True,)"),
        (
            {"speaker": "x" * 8193},
            "speaker",
            "a speaker string of at most 8,192 characters",
            repr("x" * 8193)[:100],
        ),
        ({"deadline": "tomorrow"}, "deadline", DEADLINE, "'tomorrow'"),
        (
            {"deadline": "2026-01-01T00:00:00"},
            "deadline",
            DEADLINE,
            "'2026-01-01T00:00:00', which has no zone",
        ),
        ({"deadline": "9" * 30 + "d"}, "deadline", DEADLINE, repr("9" * 30 + "d")),
        (
            {"template": "Hello {0}"},
            "template",
            "a template such as 'Hello {name}'",
            "a placeholder is {name}, a plain column name; {{ and }} stand for braces",
        ),
        ({"template": "Hello {name}"}, "name", "a value for the template", "nothing"),
    ],
)
def test_an_error_names_row_field_expected_and_got(
    values: dict[str, object], field: str, expected: str, got: str
) -> None:
    with pytest.raises(InvalidRow) as caught:
        build(values, row=12)
    error = caught.value
    assert (error.row, error.field, error.expected, error.got) == (12, field, expected, got)


@pytest.mark.parametrize(
    ("values", "field", "expected", "got"),
    [
        ({"metadata.a": "half \ud800"}, "metadata.a", "text that UTF-8 can hold", "U+D800"),
        ({"metadata.\ud800": "x"}, "", "text that UTF-8 can hold", "U+D800"),
        ({"speaker": "\udcff"}, "speaker", "text that UTF-8 can hold", "U+DCFF"),
        ({"metadata.a": 10**5000}, "metadata.a", "a value that can be written as text", "int"),
        ({"voice": 10**5000}, "voice", VOICE_SEED, "int"),
        ({"speed": 10**400}, "speed", "a ratio from 0.5 to 2", repr(10**400)[:100]),
        ({"top_k": 10**400}, "top_k", "an integer from 1 to 100", repr(10**400)[:100]),
        ({"profile": "\ud800"}, "profile", PROFILE_NAMES, "\\ud800"),
        ({"priority": "\ud800"}, "priority", "'normal' or 'urgent'", "'\\ud800'"),
        ({"template": "{\ud800}"}, "template", "text that UTF-8 can hold", "U+D800"),
        ({7: "x"}, "", "column names that are text", "int"),
        ({"metadata.row": "1"}, "metadata.row", ROW_NUMBER, "a column"),
    ],
)
def test_values_that_only_python_can_make_are_errors_of_their_row(
    values: dict[str, object], field: str, expected: str, got: str
) -> None:
    with pytest.raises(InvalidRow) as caught:
        build(values, row=12)
    error = caught.value
    assert (error.row, error.field, error.expected, error.got) == (12, field, expected, got)


@pytest.mark.parametrize("value", ["\udc00", 10**5000], ids=["surrogate", "long"])
def test_an_id_that_cannot_be_written_is_an_error(value: object) -> None:
    with pytest.raises(InvalidRow, match="field 'id'"):
        build({"id": value}, id_column="id")


@pytest.mark.parametrize("row", [None, 7, "Hello.", ["Hello."]])
def test_a_value_that_is_no_row_is_an_error_of_that_row(row: object) -> None:
    with pytest.raises(InvalidRow, match=r"row 3; expected a mapping or a SpeechRequest; got \w+"):
        builder().build(3, row, CREATED)  # type: ignore[arg-type]


def test_the_column_metadata_id_is_refused_only_if_there_is_an_id_column() -> None:
    assert build({"metadata.id": "x"}).metadata["id"] == "x"
    with pytest.raises(
        InvalidRow,
        match=f"field 'metadata.id'; expected {ROW_ID}",
    ):
        build({"metadata.id": "x", "id": "a"}, id_column="id")


def test_a_row_without_a_voice_is_an_error() -> None:
    with pytest.raises(InvalidRow, match="field 'voice'"):
        build({}, voice=None)


def test_columns_override_options() -> None:
    request = build(
        {
            "voice": " 7 ",
            "speed": "1.5",
            "profiles": "phone; telephony,phone",
            "priority": "urgent",
            "top_p": "0.5",
            "speaker": "s",
            "metadata.crm": "x",
        },
        speed=0.8,
        profiles=("wav",),
        style=Style(top_k=20),
    )
    assert (
        request.voice_seed,
        request.speed,
        request.profiles,
        request.priority,
        request.speaker,
    ) == (7, 1.5, ("phone", "telephony"), "urgent", "s")
    assert request.style == Style(top_p=0.5, top_k=20)
    assert request.metadata == {"crm": "x", "row": "1"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("true", True),
        (" YES ", True),
        ("1", True),
        (1, True),
        (True, True),
        ("No", False),
        ("0", False),
        (False, False),
    ],
)
def test_refine_accepts_true_and_false_in_several_spellings(cell: object, expected: bool) -> None:
    assert build({"refine": cell}, style=Style(refine=not expected)).style.refine is expected


def test_break_is_a_column_and_an_option_although_it_is_a_python_keyword() -> None:
    assert build({}, style=Style(break_=2, oral=1)).style == Style(break_=2, oral=1)
    assert build({"break": "4", "laugh": 1.0}, style=Style(break_=2, oral=1)).style == Style(
        break_=4, oral=1, laugh=1
    )
    with pytest.raises(InvalidInput, match=r"option break; expected an integer from 0 to 7; got 8"):
        builder(style=Style(break_=8))
    assert decode_request(encode(1, build({"break": "4"}))).style == Style(break_=4)


def test_a_voice_name_becomes_its_seed_or_speaker_with_its_defaults() -> None:
    row = build({"voice": " bo "}, voices=VOICES, speed=1.2, style=Style(top_k=9, temperature=0.5))
    assert (row.voice_seed, row.speaker, row.speed, row.style) == (
        0,
        "\u4e00",
        0.8,
        Style(top_k=5, break_=3, temperature=0.5),
    )
    row = build({"voice": "anna"}, voices=VOICES, speed=1.2, speaker="\u4e01", style=Style(top_k=9))
    assert (row.voice_seed, row.speaker, row.speed, row.style) == (7, None, 1.2, Style(top_k=9))


def test_a_rows_own_columns_override_the_defaults_of_its_voice() -> None:
    row = build({"speed": "1.5", "top_k": "6", "voice": "bo", "speaker": "\u4e02"}, voices=VOICES)
    assert (row.speaker, row.speed, row.style) == ("\u4e02", 1.5, Style(top_k=6, break_=3))


def test_a_row_with_a_seed_takes_nothing_from_the_named_voice_of_the_list() -> None:
    assert build({}, voices=VOICES, voice="bo").speaker == "\u4e00"
    row = build({"voice": "3"}, voices=VOICES, voice="bo")
    assert (row.voice_seed, row.speaker, row.speed, row.style) == (3, None, 1.0, Style())
    assert build({"voice": "0"}, voices=VOICES, voice="anna").voice_seed == 0


def test_an_unknown_voice_name_is_an_error_that_lists_some_known_names() -> None:
    many: Voices = MappingProxyType(
        {f"v{number}": Voice(name=f"v{number}", seed=number) for number in range(23)}
    )
    listed = ", ".join(f"v{number}" for number in range(20))
    expected = f"{VOICE_SEED}, or one of the voices {listed} and 3 more"
    with pytest.raises(InvalidRow) as caught:
        build({"voice": "carl"}, voices=many)
    assert (caught.value.field, caught.value.expected, caught.value.got) == (
        "voice",
        expected,
        "'carl'",
    )
    with pytest.raises(
        InvalidInput, match=r"option voice.*or one of the voices anna, bo; got 'carl'"
    ):
        builder(voices=VOICES, voice="carl")
    with pytest.raises(InvalidRow, match="field 'voice_seed'"):
        build({"voice_seed": "anna"}, voices=VOICES)


def test_a_named_voice_and_a_speaker_for_the_whole_list_contradict_each_other() -> None:
    with pytest.raises(
        InvalidInput,
        match="option speaker; expected a named voice or a speaker, not both; "
        "got both, with voice bo",
    ):
        builder(voices=VOICES, voice="bo", speaker="\u4e01")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_cell_keeps_the_option(empty: object) -> None:
    request = build(
        dict.fromkeys(("voice", "speed", "profile", "deadline", "template"), empty), deadline="2h"
    )
    assert (request.voice_seed, request.speed, request.profiles, request.deadline) == (
        2222,
        1.0,
        ("phone",),
        CREATED + timedelta(hours=2),
    )


def test_a_template_column_overrides_the_template_option_which_overrides_the_text() -> None:
    assert build({"name": "Anna"}, template="Dear {name}").text == "Dear Anna"
    assert (
        build({"name": "Anna", "template": "Hi {name}"}, template="Dear {name}").text == "Hi Anna"
    )


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2h", CREATED + timedelta(hours=2)),
        ("1d2h3m4s", CREATED + timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("2026-01-02T06:00:00Z", datetime(2026, 1, 2, 6, tzinfo=UTC)),
        ("2026-01-02T06:00:00+08:00", datetime(2026, 1, 2, 6, tzinfo=timezone(timedelta(hours=8)))),
        (CREATED, CREATED),
    ],
)
def test_a_deadline_is_an_instant_or_counts_from_the_opening_of_the_campaign(
    cell: object, expected: datetime
) -> None:
    assert build({"deadline": cell}).deadline == expected


def test_a_past_deadline_is_an_error_of_the_row() -> None:
    with pytest.raises(InvalidRow, match=r"field 'deadline'.*a time after 2026-01-01T20:00:00"):
        check_deadline(3, build({"deadline": "2026-01-01T19:59:59Z"}), CREATED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"campaign": "a/b"}, "campaign.*1 to 64 letters"),
        ({"voice": -1}, "option voice.*got -1"),
        ({"speed": 3.0}, "option speed"),
        ({"profiles": ("gramophone",)}, "option profiles.*gramophone"),
        ({"profiles": ()}, "option profiles.*0 profiles"),
        ({"deadline": "soon"}, "option deadline"),
        ({"template": "{a.b}"}, "option template"),
        ({"style": Style(temperature=9.0)}, "option temperature"),
        ({"columns": ("id", "voice")}, "the list: columns are missing; expected 'text'"),
        ({"columns": ("text",), "id_column": "id"}, "the list: columns are missing; expected 'id'"),
        ({"columns": ("text",), "voice": None}, "the list: columns are missing; expected 'voice'"),
        (
            {"columns": ("name",), "template": "{name} {amount}"},
            "the list: columns are missing; expected 'amount'",
        ),
        (
            {"columns": ("text", "metadata.row")},
            f"the list, column metadata.row; expected {ROW_NUMBER}",
        ),
        (
            {"columns": ("text", "id", "metadata.id"), "id_column": "id"},
            f"the list, column metadata.id; expected {ROW_ID}",
        ),
    ],
)
def test_an_error_of_every_row_is_raised_once_for_the_list(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        builder(**options)  # type: ignore[arg-type]


def test_request_ids_never_change() -> None:
    assert build({"id": "n-1"}, id_column="id").request_id == "3622c816b406c577819bcfcb5b0da4cb"
    assert build({}, row=1).request_id == "379ec7f18f6d87aa1330611d211fb878"


campaigns = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
ids = st.text(min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.tuples(campaigns, ids), st.tuples(campaigns, ids))
def test_request_ids_differ_exactly_if_campaign_or_row_differ(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    first, second = (
        build({"id": row}, id_column="id", campaign=campaign).request_id
        for campaign, row in (one, other)
    )
    assert (first == second) == (one == other)


@pytest.mark.parametrize("value", ["", "  ", None, 1.5, True, "x" * 257])
def test_an_empty_mistyped_or_long_id_is_an_error(value: object) -> None:
    with pytest.raises(
        InvalidRow, match=r"field 'order'.*an id (of 1 to 256 characters|as text, or)"
    ):
        build({"order": value}, id_column="order")


def test_a_built_request_is_accepted_by_its_reader() -> None:
    request = build({"deadline": "2h", "metadata.a": 1, "temperature": "0.3", "top_k": 20.0})
    assert decode_request(encode(1, request)) == request


def test_row_number_and_time_of_submission_do_not_change_the_digest() -> None:
    first = builder(id_column="id").build(1, {"id": "a", "text": "Hello."}, CREATED)
    again = builder(id_column="id").build(
        99, {"id": "a", "text": "Hello."}, CREATED + timedelta(hours=1)
    )
    assert digest(first) == digest(again)
    assert digest(decode_request(encode(1, first))) == digest(first)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Hi."},
        {"voice": "1"},
        {"speed": "1.1"},
        {"profile": "wav"},
        {"deadline": "2h"},
        {"priority": "urgent"},
        {"top_k": "3"},
        {"metadata.a": "1"},
        {"text_format": "markup"},
        {"locale": "en-GB"},
    ],
)
def test_everything_that_can_be_heard_or_read_changes_the_digest(change: dict[str, object]) -> None:
    assert digest(build(change)) != digest(build({}))


def test_a_request_that_says_it_is_plain_is_what_it_is_without_saying_so() -> None:
    assert digest(replace(build({}), text_format="plain")) == digest(build({}))
    assert digest(replace(build({}), text_format="markup")) != digest(build({}))
    assert digest(replace(build({}), locale="en-GB")) != digest(build({}))


def test_formats_make_markup_and_a_plain_text_is_never_parsed() -> None:
    request = build({"x": "12.5"}, template="{x:money:CNY}", locale="zh-HK")
    assert (request.text_format, request.locale) == ("markup", "zh-HK")
    plain = build({"text": "5 < 6 & <b>", "locale": ""})
    assert (plain.text, plain.text_format, plain.locale) == ("5 < 6 & <b>", UNSET, UNSET)
    assert decode_request(encode(1, request)) == request
    assert b"text_format" not in encode(1, plain)
    assert b"locale" not in encode(1, plain)


def test_format_and_locale_are_options_and_columns() -> None:
    markup = "<break/>a"
    assert build({"text": markup}, text_format="markup").text_format == "markup"
    assert build({"text": markup, "text_format": "markup"}).text_format == "markup"
    assert (
        build({"text": markup, "text_format": "plain"}, text_format="markup").text_format is UNSET
    )
    assert build({"locale": " en_gb "}, locale="en-US").locale == "en-GB"
    row = {"template": "<break/>{a}", "text_format": "markup", "a": "<b"}
    assert build(row).text == "<break/>&lt;b"


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"text": "a & b", "text_format": "markup"}, "text", "well-formed markup"),
        ({"text": "<break/>", "text_format": "markup"}, "text", "at least one letter"),
        ({"text_format": "ssml"}, "text_format", "'plain' or 'markup'"),
        ({"locale": "fr-FR"}, "locale", "one of zh-CN, zh-TW, zh-HK, en-US, en-GB"),
        ({"template": "<b>{a}</b>", "text_format": "markup", "a": "x"}, "template", "got <b>"),
        ({"template": "{a:money:CNY}", "a": "dear"}, "a", "an amount in CNY"),
        ({"template": "{a:money:CNY}"}, "a", "a value for the template"),
        ({"template": "{a:digit}", "a": "1"}, "template", "FORMAT one of digits"),
    ],
)
def test_wrong_markup_and_wrong_values_are_errors_of_their_row(
    values: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(InvalidRow, match=message) as caught:
        build(values)
    assert caught.value.field == field


def test_a_column_or_a_format_that_there_is_not_is_refused_before_the_first_row() -> None:
    with pytest.raises(InvalidInput, match="expected 'due'; got 'name', 'amount'"):
        builder(("name", "amount"), template="{name|there} {amount:money:CNY} {due:date|soon}")
    with pytest.raises(InvalidInput, match=r"option template.*FORMAT one of digits"):
        builder(template="{amount:mony}")
    with pytest.raises(InvalidInput, match=r"option locale; expected one of zh-CN.*got 'de-DE'"):
        builder(locale="de-DE")
    with pytest.raises(InvalidInput, match="option text_format"):
        builder(text_format="ssml")
    with pytest.raises(InvalidInput, match=r"option template.*well-formed"):
        builder(template="a & {b}", text_format="markup")


def test_a_lists_lexicon_becomes_markup_of_the_request_and_only_where_it_has_a_word() -> None:
    words = Lexicon([Entry(word="还钱", pinyin="huan2 qian2"), Entry(word="<b>", reading="b")])
    options = SubmitOptions(campaign="night", voice=1)
    built = Builder(options, CREATED, PROFILES, None, NONE, words)

    def text_of(**values: object) -> tuple[str, bool]:
        request = built.build(1, values, CREATED)
        return request.text, request.text_format == "markup"

    named = '<phoneme alphabet="pinyin" ph="huan2 qian2">还钱</phoneme>'
    assert text_of(text="您好 & <x>") == ("您好 & <x>", False)
    assert text_of(text="请还钱 & <b>") == (
        f'请{named} &amp; <sub alias="b">&lt;b&gt;</sub>',
        True,
    )
    assert text_of(text="还钱<break/>", text_format="markup") == (
        f'{named}<break time="500ms"/>',
        True,
    )
    assert text_of(template="{a:digits}还钱", a="1")[0].endswith(f"</say-as>{named}")
    with pytest.raises(InvalidRow, match="at most 10,000 characters"):
        text_of(text="还钱" * 4000)


def test_a_row_larger_than_the_topic_accepts_is_an_error() -> None:
    with pytest.raises(InvalidRow, match=r"row 4; expected at most 1,032,192 bytes"):
        encode(4, build({"metadata.blob": "x" * 1_100_000}))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"voice_seed": -1}, "voice_seed"),
        ({"voice_seed": 2**70}, "voice_seed"),
        ({"request_id": "short"}, "request_id"),
        ({"text": "…"}, "text"),
        ({"text": "<b>", "text_format": "markup"}, "text"),
        ({"text_format": "ssml"}, "text_format"),
        ({"text": "\ud800"}, "request_id"),
        ({"profiles": ("gramophone",)}, "profiles"),
        ({"profiles": ()}, "profiles"),
        ({"campaign_id": "other"}, "campaign_id"),
        ({"speed": 9.0}, "speed"),
        ({"submitted_at": datetime(2026, 1, 1)}, "submitted_at"),
        ({"metadata": {"a": object()}}, "request_id"),
    ],
)
def test_a_request_that_the_caller_made_is_checked_as_its_reader_checks_it(
    change: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRow, match=f"row 5, field {field!r}"):
        builder().build(5, replace(build({}), **change), CREATED)


def test_cells_that_are_equal_and_of_other_types_are_parsed_each_for_itself() -> None:
    """Rows share what their cells say, and in Python 1, 1.0 and True are equal."""
    one = builder()
    for voice in (1, 1.0, "1"):
        assert one.build(1, {"text": "Hello.", "voice": voice}, CREATED).voice_seed == 1
    with pytest.raises(InvalidRow, match="row 7, field 'voice'"):
        one.build(7, {"text": "Hello.", "voice": True}, CREATED)


def test_another_column_can_have_the_voices() -> None:
    made = builder(("text", "caller", "voice"), VOICES, voice_column="caller")
    row = {"text": "Hello.", "caller": "anna", "voice": "nobody"}
    assert made.build(1, row, CREATED).voice_seed == ANNA.seed, "voice means nothing then"
    assert made.build(1, {**row, "caller": ""}, CREATED).voice_seed == 2222, "the option holds"
    assert build({"caller": 5}, voice_column="caller").voice_seed == 5
    with pytest.raises(InvalidRow) as wrong:
        made.build(1, {**row, "caller": "nobody"}, CREATED)
    assert wrong.value.field == "caller"
    builder(("text", "caller"), voice=None, voice_column="caller")
    with pytest.raises(InvalidInput, match="columns are missing"):
        builder(("text", "voice"), voice_column="caller")
    for column in ("speed", "top_k", "text"):
        with pytest.raises(InvalidInput, match="voice_column"):
            builder(("text", column), voice_column=column)
