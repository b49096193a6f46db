"""`python -m seedcast.cli.previewer`: a gateway's process that reads a list's first rows, and ends.

It gets its job as a line on standard input, and tells what it found as a line on standard output.
"""

import sys

import msgspec
import structlog

from seedcast import embedded, logging, settings
from seedcast.cli.exit_codes import Exit
from seedcast.cli.list_process import bound_memory, copy_of, end_with_the_gateway, own_stdout
from seedcast.errors import MissingObject, SeedcastError
from seedcast.gpu_consumers.text.reader import of_settings
from seedcast.printing import one_line
from seedcast.producers.staging.preview import ListPreview, Preview, PreviewJob
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store

log = structlog.get_logger(__name__)
NAME = "preview"  # of the campaign that the first rows would be of


def main() -> int:
    told = own_stdout()
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=PreviewJob)
    end_with_the_gateway()
    bound_memory(job.memory)
    loaded = embedded.connected(settings.load())
    logging.configure(loaded.log, worker="previewer")
    try:
        found = _found(loaded, job)
    except SeedcastError as error:
        log.warning("preview_failed", problem=str(error))
        return Exit.UNAVAILABLE
    told.write(msgspec.json.encode(found) + b"\n")
    told.flush()
    return Exit.OK


def _found(loaded: Settings, job: PreviewJob) -> ListPreview:
    reader = of_settings(loaded)

    def said(request: SpeechRequest) -> str:
        kind, locale = request.text_format or "plain", request.locale or None
        return reader.read(request.text, kind, locale).spoken

    options = job.options.of_submission(NAME, NAME, dry_run=True)
    try:
        with copy_of(S3Store(loaded.s3), job.uri) as path:
            return Preview(loaded, one_line(job.filename), options, said).of(path)
    except MemoryError:
        return ListPreview(unreadable=f"it needs more than {job.memory} MiB of memory")
    except MissingObject:
        return ListPreview(unreadable="its file was deleted")


if __name__ == "__main__":
    raise SystemExit(main())
