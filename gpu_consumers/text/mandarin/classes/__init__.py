"""The classes of Mandarin: what a stretch of a Mandarin text is."""

from seedcast.gpu_consumers.text.classify import Row
from seedcast.gpu_consumers.text.mandarin.classes import (
    between,
    codes,
    dates,
    money,
    names,
    places,
    polyphones,
    quantities,
    telephones,
    times,
    years,
)

ROWS: tuple[Row, ...] = (
    *codes.ROWS,
    *telephones.ROWS,
    *places.ROWS,
    *dates.ROWS,
    *years.ROWS,
    *times.ROWS,
    *money.ROWS,
    *quantities.ROWS,
    *names.ROWS,
    *between.ROWS,
    *polyphones.ROWS,
)
