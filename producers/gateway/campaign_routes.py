"""The routes below a campaign: what a team reads of it, and what it changes."""

from seedcast.producers.gateway.campaign_requests import CampaignRequests, RequestList
from seedcast.producers.gateway.campaign_terms import CampaignTerms, TermsPatch, TermsView
from seedcast.producers.gateway.exports import MEDIA, Exports
from seedcast.producers.gateway.retries import Retries, RetryBody, Retrying, RetryView
from seedcast.producers.gateway.routes import Route

ONE = "/v1/campaigns/{campaign_id}"


def campaign_routes(
    requests: CampaignRequests, exports: Exports, retries: Retries, terms: CampaignTerms
) -> tuple[Route, ...]:
    return (
        Route(
            method="GET",
            path=f"{ONE}/requests",
            scope="read",
            handler=requests.list,
            summary="Its requests in the list's order, and their results",
            query=("after", "limit", "status"),
            answers={200: RequestList},
            problems=(400, 404, 409, 410),
        ),
        Route(
            method="GET",
            path=f"{ONE}/errors",
            scope="read",
            handler=requests.errors,
            summary="Those of them that ended without audio",
            query=("after", "limit"),
            answers={200: RequestList},
            problems=(400, 404, 409, 410),
        ),
        *(
            Route(
                method="GET",
                path=f"{ONE}/results.{format_}",
                scope="read",
                handler=handler,
                summary=f"One line for each row and profile, as {format_}",
                query=("profile", "status", "urls", "with_columns"),
                answers={200: MEDIA[format_], **others},
                problems=(400, 404, 409, 410),
            )
            for format_, handler, others in (
                ("csv", exports.csv, {}),
                ("jsonl", exports.jsonl, {}),
                ("parquet", exports.parquet, {307: None}),
            )
        ),
        Route(
            method="POST",
            path=f"{ONE}/retry",
            scope="submit",
            handler=retries.retry,
            summary="Submit what failed or expired again, as a new campaign",
            body=RetryBody,
            answers={200: RetryView, 202: Retrying},
            problems=(404, 408, 409, 413),
        ),
        Route(
            method="PATCH",
            path=ONE,
            scope="operate",
            handler=terms.change,
            summary="Change on what terms it is fed; null takes a term away",
            body=TermsPatch,
            answers={200: TermsView},
            problems=(404, 408, 409, 413, 415),
        ),
    )
