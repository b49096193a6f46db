"""The digest of a list is for ever: by it a campaign of an older version knows its list again.

What is expected here comes from the version that first staged lists. Never change it.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from seedcast.catalog import profiles
from seedcast.catalog.lexicon import of_list
from seedcast.catalog.voices import Voice
from seedcast.producers.rows.build import Builder
from seedcast.producers.staging.known_ids import KnownIds
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.producers.staging.rejected import Rejected
from seedcast.producers.staging.run import Came, Given, Run
from seedcast.schemas.messages import Campaign, SpeechRequest, StagedList, Style
from seedcast.settings import PostprocessSettings
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import read_rows

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAGING = "0123456789abcdef"
PROFILES = profiles.load(PostprocessSettings())
VOICES = MappingProxyType({"mei": Voice(name="mei", seed=2222, speed=0.9, style={"oral": 2})})
LEXICON = """[[entry]]
word = "SQL"
reading = "sequel"
"""
PLAIN = [{"id": f"n-{number}", "text": f"Nummer {number}, 第{number}号."} for number in range(300)]
TEMPLATES = ("{name}, {sum:money:CNY} by {due:date}.", "{name|there}: {sum} 100%")
RICH = [
    {
        "id": number % 390,  # the last ten are others under an earlier id
        "text": f"{number} & <b>",
        "template": TEMPLATES[number % 2],
        "name": ("王女士", " Zoë ", "Ann & Bob", None)[number % 4],
        "sum": (Decimal("12.50"), 7, 0.1 + 0.2)[number % 3],
        "due": date(2026, 5, 1 + number % 28),
        "voice": ("mei", 7, "8", 7.0, None, "")[number % 6],
        "speed": (None, "1.5", 1.25, "")[number % 4],
        "profile": ("phone;telephony", "", ["phone"], None)[number % 4],
        "deadline": ("2h", None, "2026-03-01T00:00:00+08:00")[number % 3],
        "priority": ("urgent", "normal", "")[number % 3],
        "temperature": (None, 0.5)[number % 2],
        "laugh": ("", "2", 1)[number % 3],
        "locale": (None, "en_gb", "zh-CN")[number % 3],
        "metadata.city": ("Köln", None, 12.0)[number % 3],
    }
    for number in range(400)
]
MARKUP = [
    {"text": "<speak>Say <sub alias='two'>2</sub>.</speak>", "text_format": "markup"},
    {"text": "Plain & simple.", "text_format": "plain"},
    {"text": "OSM and SQL."},
]
MADE = [
    SpeechRequest(
        request_id=f"request-{number}",
        campaign_id="night",
        text="Hello.",
        voice_seed=number,
        profiles=("wav",),
        submitted_at=datetime(2025, 1, 1, number, tzinfo=UTC),
        style=Style(top_k=3),
        metadata={"row": "9", "b": "x", "a": "y"},
        text_format="plain",
    )
    for number in range(20)
]
LISTS: dict[str, tuple[Sequence[Came], dict[str, object]]] = {
    "plain": (PLAIN, {}),
    "by id": (PLAIN, {"id_column": "id", "deadline": "2h", "style": Style(top_p=0.5)}),
    "rich": (RICH, {"id_column": "id", "speed": 1.1, "deadline": "3h"}),
    "markup": (MARKUP, {"text_format": "markup", "locale": "en-US"}),
    "made": ([*MADE, MADE[3]], {}),
}
EXPECTED = {  # accepted, duplicates and rejected; digests of the list, its ids and its rows
    "plain": (
        (300, 0, 0),
        "407414e4b7bbb5f065516ea1e9b14f15b859d1c95d5ee01f2cfce85966489a3d",
        "0e13244c057d97705c1f00fd4515433d0242fe94e43851fec0cfc8030aaac775",
        "b387d42088e3f9dbf22120fdaadea4d6478d1d2a1885c92714c3f5444474f490",
    ),
    "by id": (
        (300, 0, 0),
        "3c3e60dae82d73903f7c70ea353aeabae9a880c5d850ca3b31cf8744f62ae10f",
        "9a0e4787a526e16ac5316c424c97d7c6cdd61b7b4a833d07bdae5ba1e1c3dec6",
        "4af9b67e8572fcddaef2e1beb0cd10d77708cc30a69d394fa497faad19e58037",
    ),
    "rich": (
        (390, 0, 10),
        "a54814f22bc137d2781374ad4f350c5a253c73f4c4475115cc8cb023fe752363",
        "c08682ecbfa3ece19d1f6d22e17acb81147848278c19b6fba2b199dcf08b6b3a",
        "5831494b370c3f0dde4d6812809da515212c0d057c4780c1552006ae9b6ace86",
    ),
    "markup": (
        (3, 0, 0),
        "047273572b56f4225013c86248d6b287d6c28c156e5464d6cab38a9035407fab",
        "807c6ee000553e1159778106081c946d8b3e099d5038e883fd7c92c2b6422233",
        "5c5e67225992c4abf2abf3145585babc07ce105ad4b796bbb764fe2d17acf749",
    ),
    "made": (
        (20, 1, 0),
        "54779bce1a072d0a3cc5b4603d780ea07f94ac6571f37198b88837e8d4083a36",
        "3dac5db44de25feaeb5799e68f5a57fa33e5e548158036e3a9610204e8d56be2",
        "1360b7ac5839f2b161634551989a05d88fa2d4b1fe58dcbb02c8cc83b4f78d5c",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_the_digest_and_the_rows_that_it_always_had(name: str, tmp_path: Path) -> None:
    rows, given = LISTS[name]
    (words := tmp_path / "words.toml").write_text(LEXICON)
    options = SubmitOptions(campaign="night", **{"voice": 1, **given})  # type: ignore[arg-type]
    builder = Builder(options, NOW, PROFILES, None, VOICES, of_list(words))
    writer = PartWriter(store := MemoryStore(), "night", STAGING, print)
    run = Run(builder, NOW, options.id_column, KnownIds(), Rejected(None), writer, None)
    numbered: list[Given] = list(enumerate(rows, start=1))
    for start in range(0, len(rows), 37):
        run.take(numbered[start : start + 37])
    content = hashlib.sha256()
    for row in read_rows(store, _campaign(writer)):
        content.update(f"{row.row} {row.request_id} {row.voice_seed} {row.priority} ".encode())
        content.update(row.value + b" " + (row.source or b"") + b"\n")
    counts = run.accepted, run.duplicates, run.rows - run.accepted - run.duplicates
    found = (counts, run.digest.hex(), run.ids_digest.hex(), content.hexdigest())
    assert found == EXPECTED[name]


def _campaign(writer: PartWriter) -> Campaign:
    staged = StagedList(staging=STAGING, parts=writer.finish(None), digest="", ids_digest="")
    return Campaign(campaign_id="night", state="sealed", created_at=NOW, staged=staged)
