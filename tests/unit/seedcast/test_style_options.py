"""The options of style: every parameter of the schema has one, and they reach the request as a column would."""

import inspect
from pathlib import Path

import pytest

from schemas.messages import Style
from seedcast.cli import style_options
from seedcast.cli.say import _request as request_of
from seedcast.cli.say import say
from seedcast.cli.submit import submit
from seedcast.errors import InvalidInput
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


def test_every_parameter_of_the_schema_is_an_option_of_both_commands() -> None:
    assert (
        set(ALL)
        == set(Style.__struct_fields__)
        == set(inspect.signature(style_options.given).parameters)
    )
    for command in (say, submit):
        assert set(ALL) <= set(inspect.signature(command).parameters)


def test_what_was_asked_for_becomes_the_style_and_nothing_else() -> None:
    assert style_options.style(style_options.given(**ALL)) == Style(**ALL)  # type: ignore[arg-type]
    assert style_options.style(style_options.given(**dict.fromkeys(ALL))) == Style()  # type: ignore[arg-type]


def test_said_once_an_option_goes_before_the_default_of_a_named_voice() -> None:
    settings = Settings(voices=str(EXAMPLE))
    row = {"text": "Hello.", "voice": "chat", "speaker": None, "speed": 1.5, "profile": "wav"}
    assert request_of(row, settings).style == Style(refine=True, oral=2, laugh=1, break_=4)
    request = request_of(row | {"refine": False, "break": 0}, settings)
    assert (request.voice_seed, request.speed, request.style) == (
        1111,
        1.5,
        Style(oral=2, laugh=1, break_=0),
    )


def test_an_option_out_of_its_bounds_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"laugh; expected an integer from 0 to 2; got 3"):
        request_of({"text": "Hello.", "voice": "1", "profile": "wav", "laugh": 3}, Settings())
