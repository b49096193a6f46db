"""The classifier: where a token may begin, and which row wins."""

from seedcast.gpu_consumers.text.classify import Classifier, Row
from seedcast.gpu_consumers.text.values import Words


def kinds(rows: tuple[Row, ...], text: str) -> list[str]:
    return [found.kind for found in Classifier(rows).find(text, 0, len(text), "zh-CN")]


def row(kind: str, pattern: str, starts: str) -> Row:
    return Row(kind, pattern, lambda match, locale: Words(kind), starts=starts)


def test_a_hyphen_can_begin_a_token_beside_rows_that_begin_with_ranges_of_characters() -> None:
    rows = (row("number", "[0-9]+", "0-9"), row("minus", "-", "-"), row("star", r"\*", r"\*"))
    assert kinds(rows, "-5*-") == ["minus", "number", "star", "minus"]
