"""The characters that may reach the tokenizer.

This is the set that upstream accepts (ChatTTS/norm.py, `reject_pattern`).
"""

import re

HAN = "\u4e00-\u9fff"  # CJK unified ideographs, with upstream's bounds
FULL_MARKS = "，。、；：！？（）《》"  # marks that take the place of an ideograph
WORD = re.compile(f"[A-Za-z]+|[{HAN}]")
ACCEPTED = re.compile(f"[{HAN}A-Za-z，。、,. ]*")


def is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
