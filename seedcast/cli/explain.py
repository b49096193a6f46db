"""`say --explain`: what will be said for a text, and why, without an engine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seedcast.cli.base import emit, err, out
from seedcast.cli.tables import show
from seedcast.schemas.messages import SpeechRequest

if TYPE_CHECKING:
    from seedcast.gpu_consumers.text import Reading, Token
    from seedcast.settings import Settings

COLUMNS = ("written", "kind", "language", "said", "phonemes")


def explain(request: SpeechRequest, settings: "Settings", as_json: bool) -> None:
    """Print the reading of a request's text."""
    from seedcast.gpu_consumers.text.reader import of_settings

    reader = of_settings(settings)
    reading = reader.read(request.text, request.text_format or "plain", request.locale or None)
    if settings.gpu.engine == "chattts":
        err.print(
            "chattts: its tokenizer was not asked, which may not know some of these words",
            style="dim",
        )
    if as_json:
        emit(facts(reading))
        return
    out.print(f"spoken    {reading.spoken}", markup=False)
    out.print(f"unspoken  {reading.unspoken:,} characters")
    show(COLUMNS, map(_cells, _shown(reading)), stacked_first=("phonemes",))


def facts(reading: "Reading") -> dict[str, object]:
    """Return a reading as JSON: what programs test a text by."""
    from seedcast.gpu_consumers.text.tokens import tidy

    tokens = [
        {
            "source": token.source,
            "kind": token.kind,
            "language": token.language,
            "words": tidy(token.words),
            "phonemes": token.phonemes,
            "pause": token.pause,
        }
        for token in _shown(reading)
    ]
    return {"spoken": reading.spoken, "tokens": tokens, "unspoken": reading.unspoken}


def _shown(reading: "Reading") -> Iterator["Token"]:
    """Yield the tokens that say something or are written."""
    for token in reading.tokens:
        if token.source.strip() or token.words.strip() or token.pause:
            yield token


def _cells(token: "Token") -> tuple[str, ...]:
    from seedcast.gpu_consumers.text.tokens import tidy

    said = f"({token.pause:g} s)" if token.kind == "break" else tidy(token.words)
    return (token.source.strip(), token.kind, token.language, said, token.phonemes)
