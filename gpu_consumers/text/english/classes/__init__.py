"""The classes of English: what a stretch of an English text is."""

from seedcast.gpu_consumers.text.classify import Row
from seedcast.gpu_consumers.text.english.classes import (
    abbreviations,
    addresses,
    calendar,
    codes,
    letters,
    names,
    quantities,
    serials,
    signs,
    telephones,
)

# For Latin words in a text of another language: what they mean does not depend on it.
LATIN: tuple[Row, ...] = (*letters.ROWS, *abbreviations.LATIN)
ROWS: tuple[Row, ...] = (
    *codes.ROWS,
    *telephones.ROWS,
    *serials.ROWS,
    *calendar.ROWS,
    *quantities.ROWS,
    *abbreviations.ROWS,
    *addresses.ROWS,
    *letters.ROWS,
    *names.ROWS,
    *signs.ROWS,
)
