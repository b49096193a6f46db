"""A list becomes a campaign by plain forms, without a script; a name is never more than a name."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from seedcast.producers.staging.list_job import ListOptions
from seedcast.storage.uploaded_files import report_key
from tests.builders.list_pages import ListPages, list_pages

CSV = b"id,name,amount\na,Anna,5\nb,Omar,7\n"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
FIELDS = {"campaign": "july", "text": "template", "template": "Dear {name}.", "voice": "7"}


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[ListPages]:
    with list_pages(tmp_path) as made:
        made.sign_in()
        yield made


def uploaded(pages: ListPages, content: bytes = CSV, name: str = "list.csv") -> str:
    answer = pages.upload(name, content)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_an_upload_leads_to_the_lists_columns_and_a_form(pages: ListPages) -> None:
    shown = pages.client.get(uploaded(pages, name="July bills.csv")).text
    assert '<td class="cell">Anna</td>' in shown
    assert "<option selected>id</option>" in shown, "its column of ids is proposed"
    assert 'value="column.name"' in shown
    assert 'value="2222"' in shown, "a voice is proposed where no column has one"
    assert f'value="July-bills-{datetime.now(UTC):%Y-%m-%d}"' in shown
    assert "Say where the texts come from" in shown


@pytest.mark.parametrize("token", ["", "other"])
def test_an_upload_that_no_form_of_the_session_sends_is_refused(
    pages: ListPages, token: str
) -> None:
    answer = pages.upload("list.csv", CSV, token)
    assert answer.status_code == 403
    assert list(pages.store.list()) == [], "nothing of it stays"


def test_another_site_cannot_upload(pages: ListPages) -> None:
    token = pages.token()
    answer = pages.client.post(
        "/new",
        data={"token": token},
        files={"file": ("list.csv", CSV)},
        headers={"origin": "http://elsewhere.example"},
    )
    assert answer.status_code == 403


def test_no_file_is_said(pages: ListPages) -> None:
    answer = pages.upload("", b"")
    assert answer.status_code == 400
    assert list(pages.store.list()) == []


def test_the_preview_shows_rows_as_they_will_be_said(pages: ListPages) -> None:
    answer = pages.post(f"{uploaded(pages)}/preview", **FIELDS)
    assert answer.status_code == 200
    assert "Dear Anna." in answer.text
    assert "DEAR ANNA." in answer.text
    assert 'name="input" value="Dear Omar."' in answer.text, "it can be heard"


def test_a_column_is_the_text_where_it_is_chosen(pages: ListPages) -> None:
    fields = FIELDS | {"text": "column.name", "template": ""}
    answer = pages.post(f"{uploaded(pages)}/preview", **fields)
    assert 'name="input" value="Omar"' in answer.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"speed": "9"}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"campaign": "_no name"}, "campaign_id"),
        ({"profile.gramophone": "on"}, "gramophone"),
        ({"template": "Dear {nobody}."}, "nobody"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_filled_in(
    pages: ListPages, fields: dict[str, str], said: str
) -> None:
    place, given = uploaded(pages), FIELDS | fields
    step = "submit" if "campaign" in fields else "preview"
    answer = pages.post(f"{place}/{step}", **given)
    assert said in answer.text
    assert answer.status_code == (400 if step == "submit" else 200), "a preview refuses nothing"
    assert f'value="{given["campaign"]}"' in answer.text, "nothing that was typed is lost"
    refusals = answer.text.partition('<div id="refusals">')[2].partition("</div>")[0]
    assert said in refusals, "all that is wrong is in one place"
    assert answer.text.count('role="alert"') == 1
    assert pages.stagers.woken == 0


def test_a_refusal_leads_to_its_field(pages: ListPages) -> None:
    place = uploaded(pages)
    shown = pages.post(f"{place}/preview", **FIELDS | {"speed": "9"}).text
    assert '<a href="#f-speed"><code>speed</code></a>' in shown
    assert 'id="f-speed" name="speed" type="text" value="9" aria-invalid="true"' in shown
    shown = pages.post(f"{place}/submit", **FIELDS | {"campaign": "_no name"}).text
    assert 'href="#f-campaign"' in shown


def test_a_column_of_another_name_can_have_the_voices(pages: ListPages) -> None:
    content = b"id,name,caller\na,Anna,11\nb,Omar,\n"
    place, fields = uploaded(pages, content), FIELDS | {"voice_column": "caller"}
    shown = pages.post(f"{place}/preview", **fields).text
    assert re.findall(r"row (\d) · voice (\d+)", shown) == [("1", "11"), ("2", "7")]
    assert "<option selected>caller</option>" in shown
    shown = pages.post(f"{place}/preview", **fields | {"voice_column": "nobody"}).text
    assert "columns are missing" in shown


def test_a_speaker_string_is_an_option_of_the_list(pages: ListPages) -> None:
    place = uploaded(pages)
    pages.post(f"{place}/check", **FIELDS | {"speaker": "蘁淰敥欀"})
    checked = pages.accounts.stagings.find("bank", "july", is_check=True)
    assert checked
    assert msgspec.json.decode(checked.options, type=ListOptions).speaker == "蘁淰敥欀"
    assert 'value="蘁淰敥欀"' in pages.client.get(f"{place}?check=july").text


def test_a_list_is_checked_then_submitted_with_the_same_options(pages: ListPages) -> None:
    place = uploaded(pages)
    fields = FIELDS | {
        "speed": "1.5",
        "id_column": "id",
        "profile.web": "on",
        "profile.phone": "on",
    }
    answer = pages.post(f"{place}/check", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/staging/july/check")
    assert "Waiting to be checked" in pages.client.get("/staging/july/check").text
    checked = pages.accounts.stagings.find("bank", "july", is_check=True)
    answer = pages.post("/staging/july/submit")
    assert (answer.status_code, answer.headers["location"]) == (303, "/staging/july")
    submitted = pages.accounts.stagings.find("bank", "july", is_check=False)
    assert checked
    assert submitted
    assert (submitted.digest, submitted.file_id) == (checked.digest, checked.file_id)
    options = msgspec.json.decode(submitted.options, type=ListOptions)
    assert (options.template, options.voice, options.speed) == ("Dear {name}.", "7", 1.5)
    assert (options.id_column, set(options.profiles)) == ("id", {"web", "phone"})
    form = pages.client.get(f"{place}?check=july").text
    assert "Dear {name}.</textarea>" in form
    assert 'name="speed" type="text" value="1.5"' in form


def test_another_list_under_a_name_that_is_taken_is_said_on_the_form(pages: ListPages) -> None:
    pages.post(f"{uploaded(pages)}/submit", **FIELDS)
    again = pages.post(f"{uploaded(pages, CSV + b'c,Zoe,1')}/submit", **FIELDS)
    assert again.status_code == 409
    assert "use another name" in again.text
    assert "Dear {name}.</textarea>" in again.text


def ended(pages: ListPages, *, is_check: bool = True) -> None:
    """End the staging of july as a process would: one row of two is wrong."""
    stagings, now = pages.accounts.stagings, datetime.now(UTC)
    taken = stagings.take("me", now, timedelta(minutes=1))
    assert taken
    wrong = {"row": 2, "field": "name", "expected": "a name", "got": HOSTILE}
    report = {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 1,
        "rejections": [wrong],
        "reasons": [{"field": "name", "expected": "a name", "rows": 1}],
        "samples": [{"row": 1, "text": "Dear Anna.", "spoken": "Dear Anna.", "voice_seed": 7}],
        "equal_share": 0.0,
        "predicted": {"audio_seconds": 300, "s3_bytes": {"phone": 4_000_000}},
    }
    found = msgspec.json.encode({"reason": None, "report": report})
    pages.store.put(report_key(taken.job_id), found, "application/json")
    stagings.end(taken, "done", now, (2, 1, 1))


def test_what_a_check_found_is_shown_and_leads_on(pages: ListPages) -> None:
    pages.post(f"{uploaded(pages)}/check", **FIELDS)
    ended(pages)
    shown = pages.client.get("/staging/july/check").text
    for said in ("Checked: nothing was submitted yet", "5 min", "4.0 MB", "a name", "Dear Anna."):
        assert said in shown
    assert "data-open" not in shown
    assert 'action="/staging/july/submit"' in shown
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


def test_a_campaign_that_exists_is_one_click_away(pages: ListPages) -> None:
    pages.post(f"{uploaded(pages)}/submit", **FIELDS)
    assert "data-open" in pages.client.get("/staging/july").text
    ended(pages, is_check=False)
    shown = pages.client.get("/staging/july").text
    assert 'href="/campaigns/july"' in shown
    assert "/staging/july/submit" not in shown


def test_names_in_a_list_are_never_more_than_names(pages: ListPages) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    content = f"id,name,{quoted}\n{quoted},{quoted},{quoted}\n".encode()
    place = uploaded(pages, content, f"{HOSTILE}.csv".replace("/", ""))
    for shown in (
        pages.client.get(place).text,
        pages.post(f"{place}/preview", **FIELDS).text,
        pages.post(f"{place}/preview", **FIELDS | {"template": HOSTILE, "speed": HOSTILE}).text,
    ):
        assert "alert(1)" in shown
        assert "<script>alert" not in shown
        assert "<img" not in shown
        assert "49" not in shown.replace(pages.token(), "").partition("<main")[2][:200]


def test_texts_are_for_keys_that_may_listen(pages: ListPages) -> None:
    place = uploaded(pages)
    pages.post(f"{place}/check", **FIELDS)
    ended(pages)
    pages.sign_in("submit", "speak")
    for shown in (
        pages.client.get(place).text,
        pages.post(f"{place}/preview", **FIELDS).text,
        pages.client.get("/staging/july/check").text,
    ):
        assert "Anna" not in shown
        assert "alert(1)" not in shown
    assert "Fine" in pages.post(f"{place}/preview", **FIELDS).text


@pytest.mark.parametrize("scopes", [("read", "listen"), ("speak",)])
def test_lists_are_for_keys_that_may_submit(pages: ListPages, scopes: tuple[str, ...]) -> None:
    place = uploaded(pages)
    pages.sign_in(*scopes)  # type: ignore[arg-type]
    assert pages.client.get("/new").status_code == 403
    assert pages.client.get(place).status_code == 403
    assert pages.post(f"{place}/submit", **FIELDS).status_code == 403
    assert pages.upload("list.csv", CSV).status_code == 403


def test_another_tenants_list_is_not_there(pages: ListPages) -> None:
    place = uploaded(pages)
    pages.post(f"{place}/check", **FIELDS)
    pages.sign_in(tenant="rival")
    assert pages.client.get(place).status_code == 404
    for step in ("preview", "check", "submit"):
        assert pages.post(f"{place}/{step}", **FIELDS).status_code == 404
    assert pages.client.get("/staging/july/check").status_code == 404
    assert pages.post("/staging/july/submit").status_code == 404


def test_a_text_is_heard_as_it_was_asked_for(pages: ListPages) -> None:
    answer = pages.post("/hear", input="Hello.", voice="7", speed="1.5", locale="en-GB")
    assert (answer.content, answer.headers["content-type"]) == (b"audio", "audio/mpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    (body,) = pages.speech.bodies
    assert (body.input, body.voice, body.speed, body.locale) == ("Hello.", "7", 1.5, "en-GB")
    pages.sign_in("submit", "listen")
    assert pages.post("/hear", input="Hello.", voice="7").status_code == 403


def test_each_voice_is_heard_in_its_own_language(tmp_path: Path) -> None:
    voices = tmp_path / "voices.toml"
    voices.write_text(
        '[mei]\nseed = 3\nlanguage = "zh"\ndescription = "calm & <clear>"\n[tom]\nseed = 4\n'
    )
    with list_pages(tmp_path, voices) as pages:
        pages.sign_in()
        shown = pages.client.get("/voices").text
        assert "calm &amp; &lt;clear&gt;" in shown
        assert '<input type="hidden" name="voice" value="mei">' in shown
        assert shown.count("您好，您的订单4207") == 1
        pages.sign_in("read")
        assert 'action="/hear"' not in pages.client.get("/voices").text
