"""The characters that reach the tokenizer: upstream's accepted set (ChatTTS/norm.py, `reject_pattern`)."""

import re

HAN = "\u4e00-\u9fff"  # CJK unified ideographs, as upstream bounds them
WORD = re.compile(f"[A-Za-z]+|[{HAN}]")
ACCEPTED = re.compile(f"[{HAN}A-Za-z，。、,. ]*")


def is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
