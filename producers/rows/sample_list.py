"""An example list of notifications: Mandarin and English, four voices, two profiles.

A few of its rows are wrong on purpose.
"""

import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path

COLUMNS = ("id", "name", "order", "amount", "time", "place", "template", "voice", "profile")
VOICES = (2222, 7869, 1111, 5099)
ROWS = 320  # of the example, wrong and duplicate rows included

_ENGLISH = (
    "Hello {name}, order {order} arrives at {place} around {time}.",
    "{name}, {amount} dollars are due by {time}.",
    "Dear {name}, your table at {place} is ready.",
)
_MANDARIN = (
    "{name}您好，订单{order}预计{time}送达{place}。",
    "{name}您好，请在{time}之前支付{amount}元。",
    "{name}，您预约的{place}已准备好。",
)
_NAMES = {
    "en": ("Anna", "Omar", "Grace", "Liam", "Priya", "Noah"),
    "zh": ("王女士", "李先生", "张老师", "陈小姐", "刘先生", "赵女士"),
}
_PLACES = {
    "en": ("the front desk", "River Street", "the north gate", "Garden Square"),
    "zh": ("前台", "人民路", "北门", "花园广场"),
}
_TIMES = {
    "en": ("half past nine", "17:30", "noon", "8 o'clock"),
    "zh": ("上午九点半", "下午五点", "中午十二点", "晚上八点"),
}


def rows(count: int = ROWS) -> Iterator[dict[str, str]]:
    """Yield `count` rows. From ROWS on, five are wrong in five ways and three are duplicates."""
    special = _SPECIAL if count >= ROWS else {}
    for number in range(1, count + 1):
        yield special.get(number, _row)(number)


def write_csv(path: Path, count: int | None = None) -> None:
    """Write `count` rows; None: those of the example."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(count or ROWS))


def _row(number: int) -> dict[str, str]:
    chance = random.Random(number)
    language = chance.choice(("en", "zh"))
    return {
        "id": f"n-{number:04d}",
        "name": chance.choice(_NAMES[language]),
        "order": str(chance.randint(100, 9999)),
        "amount": str(chance.randint(5, 500)),
        "time": chance.choice(_TIMES[language]),
        "place": chance.choice(_PLACES[language]),
        "template": chance.choice(_ENGLISH if language == "en" else _MANDARIN),
        "voice": str(VOICES[number % len(VOICES)]),
        "profile": "phone;telephony" if number % 4 == 0 else chance.choice(("phone", "telephony")),
    }


_SPECIAL: dict[int, Callable[[int], dict[str, str]]] = {
    47: lambda number: _row(number) | {"name": ""},  # a variable without a value
    98: lambda number: _row(number) | {"voice": "abc"},
    150: lambda _: _row(140),  # a duplicate: both rows are one request
    151: lambda number: _row(number) | {"profile": "gramophone"},
    203: lambda _: _row(202) | {"name": "Zoe"},  # an id that another row has, with other content
    254: lambda _: _row(240),
    266: lambda number: _row(number) | {"template": "…!?"},  # nothing to speak
    310: lambda _: _row(300),
}
