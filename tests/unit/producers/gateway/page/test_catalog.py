"""Every message is there in every language, and every one is used."""

import re
from pathlib import Path
from string import Formatter

import pytest
from starlette.requests import Request

from seedcast.producers.gateway import page
from seedcast.producers.gateway.page.catalog import LANGUAGES, Catalog, chosen

FOLDER = Path(page.__file__).parent
MESSAGES = Catalog().messages


def sources() -> str:
    files = (path for path in FOLDER.rglob("*") if path.suffix in (".html", ".py"))
    return "\n".join(path.read_text() for path in files)


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_there_in_every_language(name: str) -> None:
    texts = MESSAGES[name]
    assert texts.keys() == set(LANGUAGES)
    assert all(text.strip() for text in texts.values())
    assert len({frozenset(fields(text)) for text in texts.values()}) == 1


def test_every_message_that_is_said_is_there_and_every_other_is_gone() -> None:
    text = sources()
    said = set(re.findall(r"""\b(?:t|say)\(\s*['"]([a-z_]+\.[a-z_]+)['"]""", text))
    begun = set(re.findall(r"""\b(?:t|say)\(\s*f?['"]([a-z_]+\.)['"{]""", text)) | {
        "problem.",
        "said.",
    }
    assert said - MESSAGES.keys() == set()
    unused = {name for name in MESSAGES.keys() - said if not name.startswith(tuple(begun))}
    assert unused == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("fr,zh;q=0.5", "zh"),
        ("fr", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=much", "en"),
        ("en;q=0.5, zh;q=0.9", "zh"),
    ],
)
def test_a_browser_is_answered_in_the_language_that_it_likes_best(
    header: str, language: str
) -> None:
    headers = [(b"accept-language", header.encode())]
    assert chosen(Request({"type": "http", "headers": headers})) == language
    headers.append((b"cookie", b"seedcast-language=zh"))
    assert chosen(Request({"type": "http", "headers": headers})) == "zh", "the switch"
