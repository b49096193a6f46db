"""Export: the audio of results as files with names that a person can read.

The keys of the store are hashes; a file is named after the row's id and the device profile.
"""

from collections.abc import Iterable
from pathlib import Path

from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.storage.objects import ObjectStore


def export_audio(store: ObjectStore, results: Iterable[SpeechResult], folder: Path) -> None:
    """Write each rendition to the folder, which is made if missing. A file that exists is kept.

    Raises MissingObject, StoreUnavailable, and OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        for rendition in result.renditions:
            path = folder / file_name(result, rendition)
            if not path.exists():
                unfinished = path.with_name(f"{path.name}.part")
                unfinished.write_bytes(store.get(rendition.uri))
                unfinished.rename(path)


def file_name(result: SpeechResult, rendition: Rendition) -> str:
    """Return ROW.PROFILE.SUFFIX, where ROW is the metadata's `id`, else the request id.

    Characters other than letters, digits, "-" and "_" become "_".
    """
    row = result.metadata.get("id", result.request_id)
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in row)
    return f"{safe}.{rendition.profile}.{rendition.uri.rsplit('.', 1)[-1]}"
