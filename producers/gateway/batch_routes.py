"""The routes of batches."""

from seedcast.producers.gateway.batch_wire import BatchBody, BatchList, BatchView
from seedcast.producers.gateway.batches import BatchRoutes
from seedcast.producers.gateway.routes import Route

ONE = "/v1/batches/{batch_id}"


def batch_routes(batches: BatchRoutes) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path="/v1/batches",
            scope="submit",
            handler=batches.create,
            summary="Speak each line of a file, as a campaign of the batch's name",
            body=BatchBody,
            headers=("idempotency-key",),
            answers={200: BatchView},
            problems=(408, 413, 415, 422),
        ),
        Route(
            method="GET",
            path="/v1/batches",
            scope="read",
            handler=batches.list,
            summary="The tenant's batches, the newest first",
            query=("after", "limit"),
            answers={200: BatchList},
            problems=(400, 404),
        ),
        Route(
            method="GET",
            path=ONE,
            scope="read",
            handler=batches.show,
            summary="One of them",
            answers={200: BatchView},
            problems=(404,),
        ),
        Route(
            method="POST",
            path=f"{ONE}/cancel",
            scope="operate",
            handler=batches.cancel,
            summary="Cancel what is not spoken yet; what is, stays in its output file",
            answers={200: BatchView},
            problems=(404, 409),
        ),
    )
