"""Entries are found at whole words, the best one first; a wrong file is named with its place."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.catalog.lexicon import Lexicon, load, of_settings
from seedcast.catalog.lexicon_entry import Entry
from seedcast.catalog.markup import Break, Phonemes, Substitution, Text, write
from seedcast.catalog.markup_parser import parse
from seedcast.errors import InvalidInput, InvalidSettings
from seedcast.settings import Settings

HUAN = Entry(word="还钱", pinyin="huan2 qian2")


def said(text: str, *entries: Entry) -> list[str]:
    """Return how the entries that are found are said."""
    pieces = [match.piece for match in Lexicon(entries).find(text)]
    return [p.alias if isinstance(p, Substitution) else p.phonemes for p in pieces]


@pytest.mark.parametrize(
    ("text", "entry", "expected"),
    [
        ("请还钱，还钱", HUAN, ["huan2 qian2"] * 2),
        ("W3C, w3c and W3CX", Entry(word="W3C", reading="a"), ["a", "a"]),
        ("W3C, w3c", Entry(word="W3C", reading="a", case=True), ["a"]),
        ("用W3C的", Entry(word="W3C", reading="a"), ["a"]),
        ("Müll, müll", Entry(word="MÜLL", reading="a"), ["a", "a"]),
        ("C++ c++11", Entry(word="C++", reading="a"), ["a", "a"]),
        ("St. 您好", Entry(word="St.", reading="a", language="en"), []),
        ("St.", Entry(word="St.", reading="a", language="en"), ["a"]),
        ("St. 您好", Entry(word="St.", reading="a", language="zh"), ["a"]),
        ("Gate T3, gate T3a", Entry(pattern="Gate T#", reading="gate #"), ["gate 3"]),
        ("SKU-a1/77", Entry(pattern="SKU-*/#", reading="# of *"), ["a1 of 77"]),
        ("T12", Entry(pattern="T#", reading="a"), ["a"]),
        ("a.b axb", Entry(word="a.b", reading="x"), ["x"]),
    ],
)
def test_an_entry_is_found_at_whole_words(text: str, entry: Entry, expected: list[str]) -> None:
    assert said(text, entry) == expected


def test_the_higher_priority_wins_then_the_longer_then_the_first() -> None:
    short, long = Entry(word="还", reading="a"), Entry(word="还钱", reading="b")
    assert said("还钱", short, long) == ["b"]
    assert said("还钱", Entry(word="还", reading="a", priority=1), long) == ["a"]


def test_entries_become_pieces_and_other_pieces_stay() -> None:
    pieces = (Text("请还钱。"), Break(0.5), Substitution("还钱", "还钱"))
    applied = Lexicon([HUAN]).apply(pieces)
    named = Phonemes("还钱", "pinyin", "huan2 qian2")
    assert applied == (Text("请"), named, Text("。"), *pieces[1:])
    assert parse(write(applied)) == applied


@given(st.lists(st.text(st.sampled_from("aB1 还钱.<&#*"), min_size=1, max_size=4)), st.text())
def test_nothing_is_lost_around_entries(words: list[str], text: str) -> None:
    entries = [Entry(word=w, reading="x") for w in words if w.strip() == w]
    text = text + "".join(words)
    pieces = Lexicon(entries).apply([Text(text)])
    assert "".join(p.text if isinstance(p, Text) else p.source for p in pieces) == text


def test_the_version_covers_what_is_read_and_not_the_order() -> None:
    other = Entry(word="W3C", reading="a")
    version = Lexicon([HUAN, other]).version
    assert version == Lexicon([other, HUAN]).version
    assert version != Lexicon([HUAN]).version
    assert version != Lexicon([HUAN, Entry(word="W3C", reading="b")]).version


def test_ten_thousand_entries_and_a_long_text_take_no_time() -> None:
    entries = [Entry(word=f"w{number}", reading="x") for number in range(5000)]
    entries += [Entry(pattern=f"a{number}*b#c", reading="x") for number in range(100)]
    lexicon = Lexicon(entries)
    began = time.process_time()
    assert len(list(lexicon.find("w77 " * 100))) == 100
    assert list(lexicon.find("a1" * 500)) == []
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("x", "lexicon .*expected TOML of"),
        ("", "expected 1 to 10,000 entries; got 0"),
        ("entry = 7", "expected TOML of"),
        ("[[word]]\nword = 'a'", r"expected \[\[entry\]\] tables only; got \[\[word\]\]"),
        ("[[entry]]\nword = 'a'", "entry 1; .*; got no reading or pinyin or ipa"),
        ("[[entry]]\nreading = 'a'", "got no word or pattern"),
        ("[[entry]]\nword = 'a'\nreading = 'b'\nipa = 'c'", "got reading and ipa together"),
        ("[[entry]]\nword = 'a'\nread = 'b'", "unknown field `read`"),
        ("[[entry]]\nword = 'a'\nreading = 7", r"at `\$.reading`"),
        ("[[entry]]\nword = 'a'\nreading = '…'", "a reading without a letter"),
        ("[[entry]]\nword = ' a'\nreading = 'b'", "outer spaces"),
        ("[[entry]]\nword = '还钱'\npinyin = 'huan2'", "one syllable for each ideograph"),
        ("[[entry]]\nword = 'a'\nipa = 'a]]'", "IPA"),
        ("[[entry]]\npattern = 'ab'\nreading = 'b'", r"a pattern without # and \*"),
        ("[[entry]]\npattern = '#a'\nreading = 'b'", "one that is first"),
        ("[[entry]]\npattern = 'a#*'\nreading = 'b'", "side by side"),
        ("[[entry]]\npattern = 'a#'\nipa = 'b'", "pattern without a reading"),
        ("[[entry]]\npattern = 'a#'\nreading = '# #'", "more or fewer # and"),
        ("[[entry]]\nword = 'a'\nreading = 'b'\npriority = 5000", r"at `\$.priority`"),
        ("[[entry]]\nword = 'a'\nreading = 'b'\n" * 2, "entry 2; .*'a' is in entry 1"),
        ("[[entry]]\nword = '" + "a" * 101 + "'\nreading = 'b'", r"at `\$.word`"),
    ],
)
def test_a_wrong_file_is_named_with_entry_and_key(tmp_path: Path, toml: str, message: str) -> None:
    file = tmp_path / "lexicon.toml"
    file.write_text(toml)
    with pytest.raises(InvalidInput, match=message) as caught:
        load(file)
    assert str(file) in str(caught.value)


def test_the_setting_names_its_file() -> None:
    assert of_settings(Settings()) is None
    assert of_settings(Settings(lexicon="examples/lexicon.toml"))
    with pytest.raises(InvalidSettings, match=r"SEEDCAST_LEXICON.*/no/such.toml"):
        of_settings(Settings(lexicon="/no/such.toml"))


def test_the_example_is_right() -> None:
    pieces = load(Path("examples/lexicon.toml")).apply([Text("IKEA, ikea, Gate T3, 还钱")])
    assert [type(piece) for piece in pieces[::2]] == [Phonemes, Substitution, Phonemes]
