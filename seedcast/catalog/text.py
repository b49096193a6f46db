"""Whether a text can be spoken at all: asked by producers of a row, and by the GPU consumer of a record."""

import unicodedata

from schemas.messages import MAX_TEXT

_ALLOWED_CONTROLS = "\n\r\t"


def problem(text: str) -> tuple[str, str] | None:
    """(expected, got) where the text cannot be spoken, else None. Quotes no text."""
    if len(text) > MAX_TEXT:
        return f"at most {MAX_TEXT:,} characters", f"{len(text):,}"
    for place, character in enumerate(
        "" if text.isprintable() else text
    ):  # printable: none of them; six times as fast
        if unicodedata.category(character) in ("Cc", "Cs") and character not in _ALLOWED_CONTROLS:
            return "no control characters", f"U+{ord(character):04X} at character {place + 1}"
    if not any(character.isalnum() for character in text):
        return (
            "at least one letter or digit",
            "nothing to speak" if text.strip() else "an empty text",
        )
    return None
