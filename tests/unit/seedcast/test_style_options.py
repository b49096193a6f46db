"""The options of style: one per parameter of the schema, and each reaches the request."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from seedcast.cli.say import _request as request_of
from seedcast.cli.say import say
from seedcast.cli.style_options import (
    ListOptions,
    NewListOptions,
    StyleOptions,
    UtteranceOptions,
    expand_options,
)
from seedcast.cli.submit import submit
from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Style
from seedcast.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "examples" / "voices.toml"
ALL = {
    "temperature": 0.5,
    "top_p": 0.6,
    "top_k": 7,
    "repetition_penalty": 1.1,
    "refine": True,
    "oral": 1,
    "laugh": 2,
    "break_": 3,
}


def test_every_parameter_of_the_schema_is_an_option_of_every_command_that_speaks() -> None:
    assert (
        set(ALL) == set(Style.__struct_fields__) == {field.name for field in fields(StyleOptions)}
    )
    for command in (say, submit):
        assert set(ALL) <= set(inspect.signature(command).parameters)


def test_what_was_given_becomes_the_style_and_nothing_else() -> None:
    assert StyleOptions(**ALL).style() == Style(**ALL)  # type: ignore[arg-type]
    assert StyleOptions().style() == Style()
    assert StyleOptions().columns() == {}


def test_what_a_text_means_is_an_option_of_every_command_that_speaks() -> None:
    for command in (say, submit):
        assert {"markup", "locale", "lexicon"} <= set(inspect.signature(command).parameters)
    options = ListOptions(markup=True, locale="en-GB", lexicon=EXAMPLE).submit_options("night")
    assert (options.text_format, options.locale, options.lexicon) == ("markup", "en-GB", EXAMPLE)


def test_a_command_gets_its_options_as_one_object() -> None:
    app, calls = typer.Typer(), list[tuple[object, ...]]()

    @app.command()
    @expand_options
    def speak(
        *,
        text: Annotated[str, typer.Argument()],
        spoken: ListOptions,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        calls.append((text, spoken, loud))

    options = ["--voice", "mei", "--speed", "1.5", "--no-refine", "--break", "3", "--loud"]
    assert CliRunner().invoke(app, ["Hello.", *options]).exit_code == 0
    spoken = ListOptions(voice="mei", speed=1.5, refine=False, break_=3)
    assert calls == [("Hello.", spoken, True)]
    assert spoken.columns() == {"refine": False, "break": 3}
    assert CliRunner().invoke(app, ["Hello.", "--speed", "3"]).exit_code == 2


def test_list_options_are_those_of_a_submission() -> None:
    spoken = ListOptions(
        id_column="id", template="Hi {name}.", voice="7", speaker="x", speed=1.5, laugh=1
    )
    options = spoken.submit_options("night", profiles=("wav",), priority="urgent")
    assert (options.text_format, options.locale, options.lexicon) == ("plain", None, None)
    assert (options.campaign, options.id_column, options.template) == ("night", "id", "Hi {name}.")
    assert (options.voice, options.speaker, options.speed) == ("7", "x", 1.5)
    assert (options.profiles, options.priority) == (("wav",), "urgent")
    assert options.style == Style(laugh=1)


def test_a_new_list_has_profiles_a_deadline_and_a_folder_too() -> None:
    options = NewListOptions(
        profile=["wav", "phone"], deadline="2h", rejected=Path("s"), format="csv", voice="7"
    ).submit_options("night", spread=3)
    assert (options.profiles, options.deadline, options.rejected) == (
        ("wav", "phone"),
        "2h",
        Path("s"),
    )
    assert (options.file_options.format, options.voice, options.spread) == ("csv", "7", 3)
    assert NewListOptions().submit_options("night").profiles == ("phone",)


def test_defaults_of_one_text_and_of_a_list() -> None:
    assert (UtteranceOptions().voice, UtteranceOptions().speed) == ("2222", None)
    assert (ListOptions().voice, ListOptions().speed) == (None, 1.0)


def test_an_option_of_say_overrides_the_default_of_a_named_voice() -> None:
    settings = Settings(voices=str(EXAMPLE))
    row = {"text": "Hello.", "voice": "chat", "speaker": None, "speed": 1.5, "profile": "wav"}
    assert request_of(row, settings).style == Style(refine=True, oral=2, laugh=1, break_=4)
    request = request_of(row | {"refine": False, "break": 0}, settings)
    assert (request.voice_seed, request.speed) == (1111, 1.5)
    assert request.style == Style(oral=2, laugh=1, break_=0)


def test_an_option_out_of_its_bounds_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"laugh; expected an integer from 0 to 2; got 3"):
        request_of({"text": "Hello.", "voice": "1", "profile": "wav", "laugh": 3}, Settings())
