"""A text to hear at once, for who chooses a voice or a template; and the voices there are."""

from starlette.responses import Response

from seedcast.catalog.voices import Voice
from seedcast.producers.gateway.bodies import convert
from seedcast.producers.gateway.page.catalog import Language
from seedcast.producers.gateway.page.rendering import HEADERS, Pages
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.speech import Clock, Speech
from seedcast.producers.gateway.wire import SpeechBody

FIELDS = ("input", "voice", "speed", "locale", "text_format")  # of a form, as of a speech
# Some voices to begin with: any other number is one, too.
SEEDS = (2222, 7869, 1111, 5099)


class Hearing:
    def __init__(self, pages: Pages, speech: Speech, requests: Requests) -> None:
        self._pages, self._speech, self._requests = pages, speech, requests

    def views(self) -> tuple[View, ...]:
        return (
            View(method="GET", path="/voices", scope=None, handler=self.voices),
            View(method="POST", path="/hear", scope="speak", handler=self.hear),
        )

    async def hear(self, visit: Visit) -> Response:
        """Answer with the audio itself: a browser without scripts plays that, too."""
        given = {name: visit.form[name] for name in FIELDS if visit.form.get(name)}
        response = await self._speech.say(visit.key, convert(given, SpeechBody), Clock())
        response.headers.update(HEADERS)
        return response

    async def voices(self, visit: Visit) -> Response:
        named = self._requests.voices.values()
        return self._pages.render(
            visit.http,
            "voices.html",
            visit,
            named=[(voice, _language(voice, visit)) for voice in named],
            seeds=SEEDS,
        )


def _language(voice: Voice, visit: Visit) -> Language:
    """Return the language in which a voice is heard."""
    return voice.language or visit.language
