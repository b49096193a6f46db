"""Where the objects of the gateway's uploads lie: beside `_lists/`, and none of them is audio.

They hold people's texts. The accounts say which there are; no object is found by listing.
"""

FOLDER = "_uploads"  # no campaign id begins with an underscore


def content_key(file_id: str) -> str:
    return f"{FOLDER}/files/{file_id}"


def report_key(job_id: str) -> str:
    """Return the key of what a worker process found in a list, as JSON."""
    return f"{FOLDER}/reports/{job_id}.json"
