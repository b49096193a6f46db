"""The voice lock: records how a group's engine was blessed, and refuses a worker that differs.

There is one lock per consumer group and engine, so that trying another engine breaks no lock.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from seedcast.codec import decode_voice_lock, encode_json
from seedcast.errors import InvalidInput, MissingObject, Undecodable, VoiceLockBroken
from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.gpu_consumers.verify.golden import GOLDEN
from seedcast.gpu_consumers.verify.replay import error_code, synthesise
from seedcast.retry import reach_store
from seedcast.schemas.messages import VoiceLock
from seedcast.schemas.topics import GPU_CONSUMERS
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.waveforms import waveform_sha256

log = structlog.get_logger(__name__)

PREFIX = "_locks"  # of object keys; no campaign id begins with an underscore
REMEDY = (
    "run the blessed engine again; or listen to this one with `seedcast say`, and if it may stay "
    "so, run `seedcast models bless`"
)
_USUAL_CAUSES = (
    "weights, slots, precision, library versions, device, threads or the text front end may have "
    "changed"
)
_SAME_FINGERPRINT = (
    "the fingerprint is the blessed one, so this machine computes otherwise, or a library was "
    "altered in place"
)
_OTHER_VERSION = "this version of Seedcast has other golden utterances"
_GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)  # safe in an object key


@dataclass(frozen=True)
class Difference:
    """A fact of the engine that differs from the blessed one."""

    name: str  # dotted, as in VoiceLock.facts
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, got {self.got}"


def enforce(settings: Settings, engine: Engine, store: ObjectStore, *, embedded: bool) -> None:
    """Returns if the engine sounds as blessed for its group, or if the group has no lock.

    Raises VoiceLockBroken or Unreachable. The embedded stack has no operator, so it blesses its
    engine itself, and again after the engine's fingerprint or the golden utterances change. Other
    waveforms under the same fingerprint are an error there, too.
    """
    if settings.gpu.voice_lock == "off":
        log.warning("voice_lock_off", remedy="unset SEEDCAST_GPU_VOICE_LOCK")
        return
    group, name = settings.group(GPU_CONSUMERS.name), settings.gpu.engine
    blessed = reach_store(settings, lambda: read(store, group, name))
    if blessed is None and not embedded:
        log.warning(
            "no_voice_lock",
            group=group,
            engine=name,
            fingerprint=engine.fingerprint,
            remedy="run `seedcast models bless` once this engine sounds right",
        )
        return
    observed = observe(engine, group, name)
    if embedded and (blessed is None or _is_other_version(blessed, observed)):
        reach_store(settings, lambda: write(store, observed))
        _log_blessing(blessed, observed)
    elif blessed:
        compare(blessed, observed)
        log.info("voice_lock_passed", group=group, utterances=len(observed.utterances))


def observe(engine: Engine, group: str, name: str) -> VoiceLock:
    """Synthesises the golden utterances together and returns the lock that would bless them."""
    outcomes = {
        request.request_id: _hash_or_error_code(utterance)
        for request, utterance in synthesise(engine, GOLDEN)
    }
    return VoiceLock(
        group=group,
        engine=name,
        engine_fingerprint=engine.fingerprint,
        utterances={request.request_id: outcomes[request.request_id] for request in GOLDEN},
        blessed_at=datetime.now(UTC),
        facts=dict(_flatten(engine.facts)),
    )


def compare(blessed: VoiceLock, observed: VoiceLock) -> None:
    """Raises VoiceLockBroken if the observed lock differs from the blessed one.

    If the fingerprints differ, the error names every fact of the engine that differs; otherwise it
    names the first golden utterance that does.
    """
    if blessed.engine_fingerprint != observed.engine_fingerprint:
        raise _broken(
            blessed,
            "fingerprint of the engine",
            expected=blessed.engine_fingerprint,
            got=observed.engine_fingerprint,
            reason=_explain(blessed, observed),
        )
    if blessed.utterances.keys() != observed.utterances.keys():
        raise _broken(
            blessed,
            "golden utterances of this version",
            expected=", ".join(blessed.utterances),
            got=", ".join(observed.utterances),
            reason=_OTHER_VERSION,
        )
    for name, expected in blessed.utterances.items():
        got = observed.utterances[name]
        if got != expected:
            what = f"waveform of {name}"
            raise _broken(blessed, what, expected=expected, got=got, reason=_SAME_FINGERPRINT)


def differing_facts(blessed: VoiceLock, observed: VoiceLock) -> list[Difference]:
    """Returns the facts that differ, sorted by name; [] if the blessed lock has no facts."""
    names = sorted(blessed.facts.keys() | observed.facts.keys()) if blessed.facts else []
    pairs = (
        Difference(name, blessed.facts.get(name, "nothing"), observed.facts.get(name, "nothing"))
        for name in names
    )
    return [pair for pair in pairs if pair.expected != pair.got]


def is_unchanged(blessed: VoiceLock, observed: VoiceLock) -> bool:
    """Returns True if blessing again would change nothing but the time.

    The facts count, too: blessing again adds them to a lock that an older version wrote without.
    """
    return (blessed.engine_fingerprint, blessed.utterances, blessed.facts) == (
        observed.engine_fingerprint,
        observed.utterances,
        observed.facts,
    )


def read(store: ObjectStore, group: str, engine: str) -> VoiceLock | None:
    """Returns the lock, or None if there is none. Raises VoiceLockBroken if it is unreadable."""
    uri = store.uri(object_key(group, engine))
    try:
        return decode_voice_lock(store.get(uri))
    except MissingObject:
        return None
    except Undecodable as error:
        raise VoiceLockBroken(
            f"voice lock {uri} is unreadable",
            expected="the object that `seedcast models bless` wrote",
            got=error.got,
            remedy="run `seedcast models bless`",
        ) from error


def write(store: ObjectStore, lock: VoiceLock) -> str:
    """Stores the lock and returns its URI."""
    return store.put(object_key(lock.group, lock.engine), encode_json(lock), "application/json")


def object_key(group: str, engine: str) -> str:
    """Returns the key of the lock in the object store. Raises InvalidInput."""
    if not _GROUP_NAME.fullmatch(group):
        raise InvalidInput(
            "consumer group",
            expected="1 to 200 letters, digits, '.', '_' and '-'",
            got=repr(group)[:100],
        )
    return f"{PREFIX}/{group}.{engine}.json"


def _log_blessing(blessed: VoiceLock | None, observed: VoiceLock) -> None:
    log_event = log.warning if blessed else log.info
    log_event(
        "voice_lock_blessed",
        group=observed.group,
        was=blessed.engine_fingerprint if blessed else None,
        now=observed.engine_fingerprint,
    )


def _hash_or_error_code(utterance: Utterance) -> str:
    if utterance.waveform is None:
        return error_code(utterance)
    return waveform_sha256(utterance.waveform)


def _is_other_version(blessed: VoiceLock, observed: VoiceLock) -> bool:
    return (
        blessed.engine_fingerprint != observed.engine_fingerprint
        or blessed.utterances.keys() != observed.utterances.keys()
    )


def _flatten(facts: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields nested facts as (dotted name, text). Omits a fact whose value is None."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            yield prefix + name, " ".join(map(str, value))
        elif value is not None:
            yield prefix + name, str(value)


def _explain(blessed: VoiceLock, observed: VoiceLock) -> str:
    """Lists the facts that differ, or the usual causes if none is known to differ."""
    return "; ".join(map(str, differing_facts(blessed, observed))) or _USUAL_CAUSES


def _broken(
    blessed: VoiceLock, what: str, *, expected: str, got: str, reason: str
) -> VoiceLockBroken:
    return VoiceLockBroken(
        f"voice lock of {blessed.group}, {what}",
        expected=expected,
        got=f"{got}: {reason}",
        remedy=REMEDY,
    )
