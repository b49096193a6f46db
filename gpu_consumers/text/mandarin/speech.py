"""Says a value in Mandarin."""

from seedcast.gpu_consumers.text.numbers import zh_digits, zh_number
from seedcast.gpu_consumers.text.values import Digits, Number, Value, Words
from seedcast.schemas.locales import Locale


def say(value: Value, locale: Locale) -> str:
    """Return the words for a value, without digits and signs."""
    match value:
        case Words(text):
            return text
        case Digits(groups):
            return "，".join(map(zh_digits, groups))
        case Number(whole, fraction):
            return zh_number(f"{whole}.{fraction}" if fraction else whole)
        case _:
            raise NotImplementedError(value)
