"""The routes of webhooks."""

from seedcast.producers.gateway.routes import Route
from seedcast.producers.gateway.webhooks.endpoints import (
    DeliveryList,
    DeliveryView,
    Endpoints,
    WebhookBody,
    WebhookDeleted,
    WebhookList,
    WebhookMade,
    WebhookPatch,
    WebhookView,
)

ALL = "/v1/webhooks"
ONE = f"{ALL}/{{webhook_id}}"


def webhook_routes(endpoints: Endpoints) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path=ALL,
            scope="operate",
            handler=endpoints.add,
            summary="Be called when something happens to a campaign or a batch",
            body=WebhookBody,
            answers={200: WebhookMade},
            problems=(408, 409, 413, 415),
        ),
        Route(
            method="GET",
            path=ALL,
            scope="operate",
            handler=endpoints.list,
            summary="The tenant's webhooks, the oldest first",
            answers={200: WebhookList},
        ),
        Route(
            method="GET",
            path=ONE,
            scope="operate",
            handler=endpoints.show,
            summary="One of them",
            answers={200: WebhookView},
            problems=(404,),
        ),
        Route(
            method="POST",
            path=f"{ONE}/test",
            scope="operate",
            handler=endpoints.test,
            summary="Call it with an event `webhook.test`",
            answers={202: DeliveryView},
            problems=(404, 409),
        ),
        Route(
            method="POST",
            path=f"{ONE}/rotate",
            scope="operate",
            handler=endpoints.rotate,
            summary="Replace its secret; the old one signs for 24 hours, too",
            answers={200: WebhookMade},
            problems=(404,),
        ),
        Route(
            method="PATCH",
            path=ONE,
            scope="operate",
            handler=endpoints.change,
            summary="Change what is given; `state` enables it again, or disables it",
            body=WebhookPatch,
            answers={200: WebhookView},
            problems=(404, 408, 413, 415),
        ),
        Route(
            method="DELETE",
            path=ONE,
            scope="operate",
            handler=endpoints.delete,
            summary="Delete it, and its deliveries, for good",
            answers={200: WebhookDeleted},
            problems=(404,),
        ),
        Route(
            method="GET",
            path=f"{ONE}/deliveries",
            scope="operate",
            handler=endpoints.deliveries,
            summary="What was sent to it and how that went, the newest first",
            query=("after", "limit"),
            answers={200: DeliveryList},
            problems=(400, 404),
        ),
        Route(
            method="GET",
            path=f"{ONE}/deliveries/{{event_id}}",
            scope="operate",
            handler=endpoints.delivery,
            summary="One of them",
            answers={200: DeliveryView},
            problems=(404,),
        ),
        Route(
            method="POST",
            path=f"{ONE}/deliveries/{{event_id}}/resend",
            scope="operate",
            handler=endpoints.resend,
            summary="Deliver an event again that was taken or given up",
            answers={202: DeliveryView},
            problems=(404, 409),
        ),
    )
