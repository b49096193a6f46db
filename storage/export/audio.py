"""Fetch a campaign's audio into a folder: in parallel, each file checked, and resumable."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from seedcast.errors import InvalidInput, LocalResource, MissingObject
from seedcast.failpoints import failpoint
from seedcast.storage.export.plan import Audio
from seedcast.storage.objects import ObjectStore

UNFINISHED = ".seedcast-fetch"  # a folder for what is under way; no name of ours begins with a dot
WAITING = 8  # files per thread that are asked for at a time
NAMED = 100  # problems in the report


@dataclass(frozen=True)
class Problem:
    """An audio that is not there as its manifest says."""

    name: str
    whose: str
    what: str


@dataclass
class FetchReport:
    fetched: int = 0
    kept: int = 0  # were there already
    bytes: int = 0  # of both
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)  # the first of them

    def add(self, audio: Audio, outcome: "str | Problem") -> None:
        if isinstance(outcome, Problem):
            self.failed += 1
            self.problems += [outcome] if len(self.problems) < NAMED else []
            return
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.bytes += audio.bytes


def fetch_audio(
    store: ObjectStore,
    plan: Iterable[Audio],
    folder: Path,
    threads: int,
    on_progress: Callable[[FetchReport], None] = lambda _: None,
) -> FetchReport:
    """Write each audio to its file. What is there with the right hash is kept.

    An object that is missing or altered, and a file that exists with other contents, are problems
    in the report, and the others come. A file appears whole or not at all.

    Raises StoreUnavailable, CredentialsRefused, and LocalResource if the folder cannot be written.
    """
    report = FetchReport()
    with _own(folder) as unfinished, ThreadPoolExecutor(threads) as pool:
        fetcher = _Fetcher(store, folder, unfinished)
        try:
            for audio, outcome in _in_parallel(pool, fetcher, iter(plan), threads * WAITING):
                report.add(audio, outcome)
                on_progress(report)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return report


def _in_parallel(
    pool: ThreadPoolExecutor, fetcher: "_Fetcher", plan: Iterator[Audio], most: int
) -> Iterator[tuple[Audio, str | Problem]]:
    under_way: dict[Future[str | Problem], Audio] = {}
    numbered = enumerate(plan)
    while True:
        for number, audio in islice(numbered, most - len(under_way)):
            under_way[pool.submit(fetcher.fetch, number, audio)] = audio
        if not under_way:
            return
        for done in wait(under_way, return_when=FIRST_COMPLETED).done:
            yield under_way.pop(done), done.result()


class _Fetcher:
    def __init__(self, store: ObjectStore, folder: Path, unfinished: Path) -> None:
        self._store, self._folder, self._unfinished = store, folder, unfinished
        self._root = folder.resolve()

    def fetch(self, number: int, audio: Audio) -> str | Problem:
        """Return "fetched" or "kept", which are fields of the report, or what is wrong."""
        path = self._folder / audio.name
        if path.exists():
            return "kept" if _is(path, audio) else self._problem(audio, _OTHER)
        try:
            data = self._store.get(audio.uri)
        except MissingObject:
            return self._problem(audio, f"there is no object {audio.uri}")
        if (got := hashlib.sha256(data).hexdigest()) != audio.sha256:
            what = f"{audio.uri} is altered: SHA-256 {got}, and in its manifest {audio.sha256}"
            return self._problem(audio, what)
        self._write(number, path, data)
        return "fetched"

    def _write(self, number: int, path: Path, data: bytes) -> None:
        try:
            if not path.parent.resolve().is_relative_to(self._root):
                raise _leaves(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = self._unfinished / str(number)
            part.write_bytes(data)
            failpoint("fetch.written")
            os.replace(part, path)
        except OSError as error:
            raise _unwritable(path, error) from error

    def _problem(self, audio: Audio, what: str) -> Problem:
        return Problem(audio.name, audio.whose, what)


_OTHER = "the file is there with other contents, and was kept; move it away to fetch this audio"


def _is(path: Path, audio: Audio) -> bool:
    try:
        if path.stat().st_size != audio.bytes:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == audio.sha256
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def _own(folder: Path) -> Iterator[Path]:
    """Yield a folder for unfinished files, empty, and this process' own until the end.

    Raises LocalResource, also if another process has it.
    """
    unfinished = folder / UNFINISHED
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        handle = os.open(unfinished, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _lock(handle, folder)
        for path in unfinished.iterdir():
            path.unlink()  # of a run that was killed
        try:
            yield unfinished
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)  # else the next run empties it
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LocalResource(
            f"fetching into {folder}",
            expected="a folder that nobody else fetches into",
            got="another `seedcast fetch` does",
            remedy="wait for it, or choose another folder",
        ) from error


def _leaves(path: Path) -> InvalidInput:
    return InvalidInput(
        str(path),
        expected="a file below the folder to fetch into",
        got="a link that leads out of it",
        remedy="remove the link, or choose another folder",
    )


def _unwritable(path: Path, error: OSError) -> LocalResource:
    return LocalResource(
        f"writing {path}",
        expected="a folder that can be written, with room",
        got=str(error),
        remedy="make room there, or choose another folder; what is fetched is kept",
    )
