"""Lists to requests on Kafka, each acknowledged, each once.

Submitting a file, or anything that yields rows or requests:

    from producers import SubmitOptions, submit_requests
    from seedcast import embedded, settings

    options = SubmitOptions(campaign="july-bills", id_column="id", template="Dear {name}, {amount} dollars are due.", voice=2222)
    people = [{"id": "b-1", "name": "Anna", "amount": 12}, {"id": "b-2", "name": "Omar", "amount": 30}]
    report = submit_requests(embedded.connected(settings.load()), people, options)
    print(report.accepted, report.rejections)

It returns when Kafka has acknowledged all of them, and the campaign is sealed with their number; the same call again submits nothing twice.
How they ended: `seedcast.results.subscribe`.
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
