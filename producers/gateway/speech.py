"""POST /v1/audio/speech: one text, spoken while the client waits, or later."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response

from seedcast import metrics
from seedcast.producers.events.sender import Sender
from seedcast.producers.gateway import answers, problems
from seedcast.producers.gateway.bodies import json_of
from seedcast.producers.gateway.breaker import Breaker
from seedcast.producers.gateway.idempotency import Idempotency
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.replies import Replies
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.wire import Accepted, SpeechBody
from seedcast.schemas.messages import Rendition, SpeechRequest, SpeechResult
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.objects import ObjectStore

_MEDIA = {  # by the beginning of a rendition's format
    "mp3": "audio/mpeg",
    "ogg-opus": "audio/ogg",
    "webm-opus": "audio/webm",
    "m4a-aac": "audio/mp4",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
_FAULTS = {  # error codes that are the client's to mend
    "nothing_to_speak": 400,
    "text_too_long": 400,
    "no_speech": 422,
    "unknown_profile": 400,
    "invalid_request": 400,
}


class Speech:
    def __init__(
        self,
        requests: Requests,
        sender: Sender,
        replies: Replies,
        store: ObjectStore,
        limits: Limits,
        idempotency: Idempotency,
    ) -> None:
        self._requests, self._sender, self._replies = requests, sender, replies
        self._store, self._limits, self._idempotency = store, limits, idempotency
        self._breaker = Breaker()

    async def speak(self, http: Request, key: ApiKey) -> Response:
        """Answer with audio, or with 202 where the client prefers that. Raises Problem."""
        clock = Clock()
        body = await json_of(http, SpeechBody)
        waits = "respond-async" not in http.headers.get("prefer", "").lower()
        given = http.headers.get("idempotency-key")
        return await self.say(key, body, clock, waits=waits, given=given)

    async def say(
        self,
        key: ApiKey,
        body: SpeechBody,
        clock: "Clock",
        *,
        waits: bool = True,
        given: str | None = None,
    ) -> Response:
        """Answer as `speak` does. `given`: an idempotency key. Raises Problem."""
        identity = None if given is None else self._idempotency.identity(given, body)
        request = self._requests.build(key.tenant, body, identity, waits=waits)
        known: SpeechResult | None = None
        if given is not None:
            known = await self._idempotency.claim(key, given, body, request.request_id)
        clock.lap("accept")
        if not waits:
            left = await self._left(key, request, known)
            if known is None:
                await self._sender.send_async(request, tenant=key.tenant)
            return _accepted(request, left)
        with self._breaker.passing():
            left = await self._left(key, request, known)
            result = known or await self._result(request, key)
            clock.lap("speak")
            if result.status != "succeeded":
                raise failed(result)
            audio = await asyncio.to_thread(self._store.get, result.renditions[0].uri)
            clock.lap("fetch")
        return _audio(result, result.renditions[0], audio, clock, left)

    async def _left(
        self, key: ApiKey, request: SpeechRequest, known: SpeechResult | None
    ) -> dict[str, str]:
        """Count what is to be spoken; return headers that say what is left. Raises Problem."""
        if known is not None:  # it is not spoken again
            return {}
        return await self._limits.speak(key, len(request.text))

    async def _result(self, request: SpeechRequest, key: ApiKey) -> SpeechResult:
        """Send a request and wait for its result until its deadline."""
        characters = len(request.text)
        self._limits.queue(key, characters)
        reply = self._replies.wait(request.request_id)
        try:
            await self._sender.send_async(request, tenant=key.tenant)
            async with asyncio.timeout(_seconds_left(request)):
                return await reply
        except TimeoutError:
            raise _late() from None
        finally:
            reply.cancel()
            self._limits.spoken(key, characters)


def _seconds_left(request: SpeechRequest) -> float | None:
    """Return the seconds until the deadline, which a request has for which somebody waits."""
    if request.deadline is None:
        return None
    return max(0.0, (request.deadline - datetime.now(UTC)).total_seconds())


class Clock:
    """The stages of an answer, for its header Server-Timing."""

    def __init__(self) -> None:
        self._last, self._laps = perf_counter(), dict[str, float]()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self._laps[name], self._last = now - self._last, now

    def __str__(self) -> str:
        return ", ".join(f"{name};dur={1000 * took:.1f}" for name, took in self._laps.items())


def _accepted(request: SpeechRequest, left: Mapping[str, str]) -> Response:
    url = f"/v1/requests/{request.request_id}"
    body = Accepted(request_id=request.request_id, campaign_id=request.campaign_id, url=url)
    headers = {"location": url, "preference-applied": "respond-async"}
    names = _names(request.request_id, request.campaign_id)
    return answers.json(body, 202, headers | names | dict(left))


def _audio(
    result: SpeechResult,
    rendition: Rendition,
    audio: bytes,
    clock: Clock,
    left: Mapping[str, str],
) -> Response:
    headers = {"server-timing": str(clock)} | receipt(result, rendition) | dict(left)
    return Response(audio, HTTPStatus.OK, headers, media_type(rendition.format))


def receipt(result: SpeechResult, rendition: Rendition) -> dict[str, str]:
    """Return what proves a rendition, as headers."""
    fields: dict[str, object] = {
        "profile": rendition.profile,
        "sha256": rendition.sha256,
        "duration": f"{rendition.duration:.3f}",
    }
    if result.receipt is not None:
        fields |= {
            "voice-seed": result.receipt.voice_seed,
            "waveform-sha256": result.receipt.waveform_sha256,
            "engine-fingerprint": result.receipt.engine_fingerprint,
            "chain-fingerprint": result.receipt.chain_fingerprint,
            "draw": result.receipt.draw,
        }
    return _names(result.request_id, result.campaign_id) | _own(fields)


def media_type(audio_format: str) -> str:
    """Return the media type of a profile's format; a stream of bytes for one without a name."""
    known = (media for begin, media in _MEDIA.items() if audio_format.startswith(begin))
    return next(known, "application/octet-stream")


def _names(request_id: str, campaign_id: str | None) -> dict[str, str]:
    return _own({"request-id": request_id, "campaign-id": campaign_id})


def _own(fields: Mapping[str, object]) -> dict[str, str]:
    """Return our own headers."""
    return {f"x-seedcast-{name}": str(value) for name, value in fields.items()}


def failed(result: SpeechResult) -> Problem:
    """Return what a client is told of a request that has ended without audio."""
    headers = _own({"request-id": result.request_id})
    if result.status == "expired":
        return _late(headers)
    if result.status == "cancelled":
        return Problem(409, "cancelled", "its campaign was cancelled", headers=headers)
    code = result.error.code if result.error else "engine_error"
    message = result.error.message if result.error else "it could not be spoken"
    return Problem(_FAULTS.get(code, 500), code, message, headers=headers)


def _late(headers: Mapping[str, str] | None = None) -> Problem:
    metrics.GATEWAY_LATE.inc()
    retry = {"retry-after": str(problems.RETRY_AFTER)}
    return Problem(504, "deadline", problems.LATE, headers=retry | dict(headers or {}))
