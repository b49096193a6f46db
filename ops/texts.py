"""The generated tables of docs/texts.md: what is said, by the reader itself."""

from ops.markdown import table
from seedcast.catalog.markup import say_as
from seedcast.catalog.say_as import KINDS
from seedcast.gpu_consumers.text import Reader
from seedcast.schemas.locales import Locale

_READER = Reader()
_EXAMPLES = (  # what it is, in English, in Mandarin
    ("codes", "482913 is your OTP.", "您的验证码是482913。"),
    ("telephone numbers", "Call 1300 555 019.", "请致电400-820-8820转801。"),
    ("money", "Pay HK$1,250.50.", "请支付¥1,250.50。"),
    ("dates", "Due on 08/15/2026.", "2026-08-15到期。"),
    ("times", "Open 7 a.m.–8 p.m.", "8点05分开门。"),
    ("ranges", "It takes 25-30min.", "请等2-3次。"),
    ("units", "It is 2.5km away.", "气温-2℃到6℃。"),
    ("versions", "Update to v2.0.1.", "支持USB3.0。"),
    ("fractions, ratios", "3/16 of an inch", "血压120/80"),
    ("short forms", "Dr. Li lives on Elm St. near Mt. Fuji.", "粤B·88888"),
    ("links", "See example.com.", "见example.com。"),
    ("both languages", "Your order 订单 4411 is ready.", "您的 iPhone 15 已到。"),
)


def readings() -> str:
    """Return one row per kind of expression, with an example in each language and its reading."""
    rows = (
        (kind, f"`{english}`", _said(english, "en-US"), f"`{mandarin}`", _said(mandarin, "zh-CN"))
        for kind, english, mandarin in _EXAMPLES
    )
    return table(("what", "written", "said", "written", "said"), rows)


def formats() -> str:
    """Return one row per example of a format: what it takes, and what is said in both languages."""
    rows = (
        (
            *((f"`{kind}`", KINDS[kind].takes) if not number else ("", "")),
            f"`{{x:{kind}{f':{detail}' if detail else ''}}}`",
            f"`{value}`",
            *(_said(say_as(kind, value, detail), locale, markup=True) for locale in _BOTH),
        )
        for kind in KINDS
        for number, (value, detail) in enumerate(KINDS[kind].examples)
    )
    head = ("format", "takes", "in a template", "value", "English", "Mandarin")
    return table(head, rows)


_BOTH: tuple[Locale, ...] = ("en-US", "zh-CN")


def details() -> str:
    """Return the details that formats take."""
    rows = (
        (f"`{kind}`", " ".join(f"`{detail}`" for detail in row.details))
        for kind, row in KINDS.items()
        if row.details
    )
    return table(("format", "detail"), rows)


def _said(text: str, locale: Locale, markup: bool = False) -> str:
    return _READER.read(text, "markup" if markup else "plain", locale).spoken
