"""Submit lists to Kafka: every request is acknowledged, and none is sent twice.

Submitting a file, or any iterable of rows or requests:

    from producers import SubmitOptions, submit_requests
    from seedcast import embedded, settings

    options = SubmitOptions(
        campaign="july-bills",
        id_column="id",
        template="Dear {name}, {amount} dollars are due.",
        voice=2222,
    )
    people = [
        {"id": "b-1", "name": "Anna", "amount": 12},
        {"id": "b-2", "name": "Omar", "amount": 30},
    ]
    report = submit_requests(embedded.connected(settings.load()), people, options)
    print(report.accepted, report.rejections)

The call returns when Kafka has acknowledged every request and the campaign is sealed with their
number. Repeating the call submits nothing twice.
To learn how the requests ended, use `seedcast.campaigns.subscription.subscribe`.
"""

from producers.submit.options import Rejection, SubmitOptions, SubmitProgress, SubmitReport
from producers.submit.rebuild import rebuild_file
from producers.submit.submit import submit_file, submit_requests

__all__ = [
    "Rejection",
    "SubmitOptions",
    "SubmitProgress",
    "SubmitReport",
    "rebuild_file",
    "submit_file",
    "submit_requests",
]
