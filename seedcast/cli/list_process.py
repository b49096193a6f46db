"""What a gateway's processes that read lists have in common: their bounds, and their copy.

Where standard input ends, the gateway is gone, and the process goes, too. Its memory is bounded,
and where memory is short it is killed before the gateway.
"""

import os
import resource
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from seedcast.cli.exit_codes import Exit
from seedcast.errors import LocalResource
from seedcast.private_files import temporary, write_all
from seedcast.storage.s3 import S3Store

_MIB = 1024 * 1024


def own_stdout() -> IO[bytes]:
    """Return standard output; what libraries print goes to the log from now on."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def end_with_the_gateway() -> None:
    threading.Thread(target=_wait_for_the_gateway, daemon=True).start()


def bound_memory(mib: int) -> None:
    """Of data: libraries reserve far more addresses than they use."""
    resource.setrlimit(resource.RLIMIT_DATA, (mib * _MIB, mib * _MIB))
    with suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


@contextmanager
def copy_of(store: S3Store, uri: str) -> Iterator[Path]:
    """Yield the path of a copy of the list, of which nothing stays. Raises MissingObject."""
    with ExitStack() as stack:
        try:
            file, path = temporary()
            stack.enter_context(file)
            for piece in store.pieces(uri):
                write_all(file, piece)
        except OSError as error:
            raise LocalResource(
                f"the copy of a list in {tempfile.gettempdir()}",
                expected="room for the whole list",
                got=str(error),
                remedy="set TMPDIR to a folder with more room",
            ) from error
        yield path


def _wait_for_the_gateway() -> None:
    while os.read(0, 4096):  # not by Python's file, whose lock would break the end of Python
        pass
    os._exit(Exit.UNAVAILABLE)
