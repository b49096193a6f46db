"""The one table of what the gateway answers: paths, scopes, and what comes and goes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway.campaigns import CampaignList, Campaigns, CampaignView, Changed
from seedcast.producers.gateway.events import MEDIA_TYPE, Events
from seedcast.producers.gateway.files import PURPOSES, FileDeleted, FileList, FileRoutes, FileView
from seedcast.producers.gateway.form import MEDIA_TYPE as FORM
from seedcast.producers.gateway.lookups import Lookups
from seedcast.producers.gateway.speech import Speech
from seedcast.producers.gateway.submissions import (
    FORMATS,
    OPTIONS,
    CampaignBody,
    StagingView,
    Submissions,
)
from seedcast.producers.gateway.wire import (
    Accepted,
    ModelList,
    ModelView,
    RequestView,
    SpeechBody,
    VoiceList,
)
from seedcast.storage.accounts.keys import ApiKey, Scope

Handler = Callable[[Request, ApiKey], Awaitable[Response]]
AUDIO = "audio/*"
BYTES = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Route:
    method: str
    path: str  # with {parameters}
    scope: Scope | None  # None: any valid key
    handler: Handler
    summary: str
    answers: dict[int, type | str | None]  # a struct as JSON, a media type, or no body
    body: type | None = None
    content: Mapping[str, object] = field(default_factory=dict)  # other bodies: type and schema
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()  # that a client may send
    problems: tuple[int, ...] = field(default=())  # beside those of every route
    is_endless: bool = False  # none of the key's requests at once

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


UPLOAD = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"type": "string", "enum": list(PURPOSES)},
        "expires_after[anchor]": {"type": "string", "const": "created_at"},
        "expires_after[seconds]": {"type": "integer", "minimum": 3600},
    },
}


def routes(
    speech: Speech,
    lookups: Lookups,
    campaigns: Campaigns,
    files: FileRoutes,
    submissions: Submissions,
    events: Events,
) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path="/v1/audio/speech",
            scope="speak",
            handler=speech.speak,
            summary="Speak one text at once, or, with `prefer: respond-async`, soon",
            body=SpeechBody,
            headers=("prefer", "idempotency-key"),
            answers={200: AUDIO, 202: Accepted},
            problems=(404, 408, 409, 413, 415, 422, 504),
        ),
        Route(
            method="GET",
            path="/v1/audio/voices",
            scope=None,
            handler=lookups.voices,
            summary="The named voices; every seed is a voice, too",
            answers={200: VoiceList},
        ),
        Route(
            method="GET",
            path="/v1/models",
            scope=None,
            handler=lookups.models,
            summary="The names that a speech may ask for as its model",
            answers={200: ModelList},
        ),
        Route(
            method="GET",
            path="/v1/models/{model}",
            scope=None,
            handler=lookups.model,
            summary="One of them",
            answers={200: ModelView},
            problems=(404,),
        ),
        Route(
            method="GET",
            path="/v1/requests/{request_id}",
            scope="read",
            handler=lookups.request,
            summary="A request and, once there is one, its result",
            answers={200: RequestView},
            problems=(404,),
        ),
        Route(
            method="GET",
            path="/v1/requests/{request_id}/audio",
            scope="listen",
            handler=lookups.audio,
            summary="Its audio: a link that is valid for an hour, or, with `direct`, the bytes",
            query=("profile", "direct"),
            headers=("range",),
            answers={200: AUDIO, 206: AUDIO, 307: None},
            problems=(404, 409, 416),
        ),
        Route(
            method="GET",
            path="/v1/campaigns",
            scope="read",
            handler=campaigns.list,
            summary="Campaigns and their counts, the newest first",
            query=("after", "limit"),
            answers={200: CampaignList},
            problems=(400,),
        ),
        Route(
            method="GET",
            path="/v1/campaigns/{campaign_id}",
            scope="read",
            handler=campaigns.show,
            summary="A campaign and its counts",
            answers={200: CampaignView},
            problems=(404,),
        ),
        Route(
            method="GET",
            path="/v1/campaigns/{campaign_id}/events",
            scope="read",
            handler=events.campaign,
            summary="The campaign whenever it changes, as server-sent events",
            headers=("last-event-id",),
            answers={200: MEDIA_TYPE},
            is_endless=True,
            problems=(400, 404),
        ),
        Route(
            method="GET",
            path="/v1/events",
            scope="read",
            handler=events.tenant,
            summary="Each campaign whenever it changes, as server-sent events",
            headers=("last-event-id",),
            answers={200: MEDIA_TYPE},
            is_endless=True,
            problems=(400,),
        ),
        *(
            Route(
                method="POST",
                path=f"/v1/campaigns/{{campaign_id}}/{name}",
                scope="operate",
                handler=handler,
                summary=summary,
                answers={200: Changed},
                problems=(404, 409),
            )
            for name, handler, summary in (
                ("pause", campaigns.pause, "Feed no more of it until it is resumed"),
                ("resume", campaigns.resume, "Go on where it was paused"),
                ("cancel", campaigns.cancel, "End what has no result yet, for good"),
            )
        ),
        *_submissions(submissions),
        *_files(files),
    )


def _submissions(submissions: Submissions) -> tuple[Route, ...]:
    lists = {media: {"type": "string", "format": "binary"} for media in FORMATS}
    return (
        Route(
            method="PUT",
            path="/v1/campaigns/{campaign_id}",
            scope="submit",
            handler=submissions.put,
            summary="Submit a list, or, with `dry_run`, check it",
            body=CampaignBody,
            content=lists,
            query=("dry_run", *OPTIONS),
            answers={202: StagingView},
            problems=(404, 408, 409, 413, 415),
        ),
        Route(
            method="GET",
            path="/v1/campaigns/{campaign_id}/staging",
            scope="submit",
            handler=submissions.show,
            summary="How far its list is, and what was found in it",
            query=("dry_run",),
            answers={200: StagingView},
            problems=(400, 404),
        ),
    )


def _files(files: FileRoutes) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path="/v1/files",
            scope="submit",
            handler=files.upload,
            summary="Upload a file, such as a list",
            content={FORM: UPLOAD},
            answers={200: FileView},
            problems=(400, 408, 413, 415),
        ),
        Route(
            method="GET",
            path="/v1/files",
            scope="submit",
            handler=files.list,
            summary="The tenant's files",
            query=("after", "limit", "order", "purpose"),
            answers={200: FileList},
            problems=(400, 404),
        ),
        Route(
            method="GET",
            path="/v1/files/{file_id}",
            scope="submit",
            handler=files.show,
            summary="One of them",
            answers={200: FileView},
            problems=(404,),
        ),
        Route(
            method="GET",
            path="/v1/files/{file_id}/content",
            scope="submit",
            handler=files.content,
            summary="Its bytes",
            answers={200: BYTES},
            problems=(404,),
        ),
        Route(
            method="DELETE",
            path="/v1/files/{file_id}",
            scope="submit",
            handler=files.delete,
            summary="Delete it for good",
            answers={200: FileDeleted},
            problems=(404, 409),
        ),
    )
