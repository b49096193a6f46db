"""The rows of a CSV that have the wrong width, which Arrow leaves out of its batches.

Arrow hands each to a function, and one of its threads releases that function, also while the
process ends: Python, which it needs for that, then ends it with SIGABRT. So Arrow is given one
function, which is never released.
"""

import ctypes
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

import pyarrow.csv

from seedcast.errors import InvalidRow
from seedcast.producers.rows.rows import BadRow

BadRows = deque[BadRow]
_one_reads = threading.Lock()
_bad = BadRows()  # of who reads


@contextmanager
def collecting(bad: BadRows) -> Iterator[None]:
    """Collect what a reader comes to meanwhile, in any thread; other readers wait."""
    global _bad
    with _one_reads:
        _bad = bad
        yield


@lru_cache
def parsing(delimiter: str) -> pyarrow.csv.ParseOptions:
    """Return the options to read rows within `collecting`; a quoted value may have line feeds."""
    options = pyarrow.csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=_add
    )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(options))  # kept also as the process ends
    return options


def _add(row: pyarrow.csv.InvalidRow) -> Literal["skip"]:
    number = (row.number or 0) - 1  # Arrow counts the header; None only if it uses threads
    expected = f"{row.expected_columns} columns"
    error = InvalidRow(number, "", expected=expected, got=str(row.actual_columns))
    _bad.append(BadRow(error, row.text))
    return "skip"
