"""The languages that are spoken, and the locales that decide how a text in them is read."""

from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]
Locale = Literal["zh-CN", "zh-TW", "zh-HK", "en-US", "en-GB"]

# The locale of a text whose request names another language's: 12/05 in English is the American
# way unless the locale is British.
DEFAULT_LOCALES: MappingProxyType[Language, Locale] = MappingProxyType(
    {"zh": "zh-CN", "en": "en-US"}
)
