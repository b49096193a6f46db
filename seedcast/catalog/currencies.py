"""The currencies that can be named, by their codes in ISO 4217, and the signs that stand for them.

The front end has their words in both languages; a test compares the two tables.
"""

from collections.abc import Mapping
from types import MappingProxyType

CURRENCIES = (
    *("AED", "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "IDR", "ILS", "INR"),
    *("JPY", "KRW", "MOP", "MXN", "MYR", "NOK", "NZD", "PHP", "RUB", "SEK", "SGD", "THB", "TRY"),
    *("TWD", "USD", "VND", "ZAR"),
)
# Several codes: the sign alone does not tell which.
SIGNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "$": ("USD", "HKD", "TWD", "AUD", "SGD", "CAD", "NZD", "MXN", "MOP"),
        "US$": ("USD",),
        "HK$": ("HKD",),
        "NT$": ("TWD",),
        "A$": ("AUD",),
        "S$": ("SGD",),
        "C$": ("CAD",),
        "NZ$": ("NZD",),
        "R$": ("BRL",),
        "MOP$": ("MOP",),
        "¥": ("CNY", "JPY"),
        "€": ("EUR",),
        "£": ("GBP",),
        "₩": ("KRW",),
        "₹": ("INR",),
        "฿": ("THB",),
        "₫": ("VND",),
        "₱": ("PHP",),
        "₽": ("RUB",),
        "RM": ("MYR",),
        "RMB": ("CNY",),
        "元": ("CNY", "TWD", "HKD", "MOP"),
    }
)
