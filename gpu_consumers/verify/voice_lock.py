"""The voice lock: what a consumer group was blessed with, and that a worker sounds the same before it takes partitions.

One lock for each (group, engine), so that trying another engine breaks none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from gpu_consumers.assignments import GROUP
from gpu_consumers.engines import Engine, Utterance
from gpu_consumers.patience import reach_store
from gpu_consumers.verify.golden import GOLDEN
from gpu_consumers.verify.replay import speak
from schemas.messages import VoiceLock
from seedcast.codec import decode_voice_lock, encode_json, waveform_sha256
from seedcast.errors import InvalidInput, MissingObject, Undecodable, VoiceLockBroken
from seedcast.settings import Settings
from storage.objects import ObjectStore

log = structlog.get_logger(__name__)

PREFIX = "_locks"  # no campaign id can take it
REMEDY = "run what was blessed; or listen to what this engine says now (`seedcast say`), and where it may stay so, `seedcast models bless`"
_CAUSES = "weights, slots, precision, library versions, device, threads or the text front end may have changed"
_UNEXPLAINED = "under the blessed fingerprint, so this machine computes otherwise, or a library was altered in place"
_OTHER_VERSION = "Seedcast's own list has changed"
_GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}", re.ASCII)  # safe in a key


@dataclass(frozen=True)
class Difference:
    """A fact of the engine that is not as it was blessed."""

    name: str  # dotted, as in VoiceLock.facts
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, got {self.got}"


def enforce(settings: Settings, engine: Engine, store: ObjectStore, *, embedded: bool) -> None:
    """Returns where the engine is the blessed one, or nobody has blessed any. Raises VoiceLockBroken, Unreachable.

    On the embedded stack there is no operator: it blesses itself, and another version again. Other sounds under
    the same fingerprint are a fault there, too.
    """
    if settings.gpu.voice_lock == "off":
        log.warning("voice_lock_off", remedy="unset SEEDCAST_GPU_VOICE_LOCK")
        return
    group, name = settings.group(GROUP), settings.gpu.engine
    blessed = reach_store(settings, lambda: read(store, group, name))
    if blessed is None and not embedded:
        log.warning(
            "no_voice_lock",
            group=group,
            engine=name,
            fingerprint=engine.fingerprint,
            remedy="`seedcast models bless`, once this engine sounds right",
        )
        return
    heard = observe(engine, group, name)
    if embedded and (blessed is None or _superseded(blessed, heard)):
        reach_store(settings, lambda: write(store, heard))
        was = blessed.engine_fingerprint if blessed else None
        (log.warning if blessed else log.info)(
            "voice_lock_blessed", group=group, was=was, now=heard.engine_fingerprint
        )
    elif blessed:
        compare(blessed, heard)
        log.info("voice_lock_passed", group=group, utterances=len(heard.utterances))


def observe(engine: Engine, group: str, name: str) -> VoiceLock:
    """What this engine would be blessed with: the golden utterances are in its slots at once."""
    spoken = {request.request_id: _sound(utterance) for request, utterance in speak(engine, GOLDEN)}
    ordered = {request.request_id: spoken[request.request_id] for request in GOLDEN}
    return VoiceLock(
        group=group,
        engine=name,
        engine_fingerprint=engine.fingerprint,
        utterances=ordered,
        blessed_at=datetime.now(UTC),
        facts=dict(_flat(engine.facts)),
    )


def compare(blessed: VoiceLock, heard: VoiceLock) -> None:
    """Raises VoiceLockBroken, which names every fact of the engine that differs; else the first sound that does."""
    if blessed.engine_fingerprint != heard.engine_fingerprint:
        raise _broken(
            blessed,
            "fingerprint of the engine",
            blessed.engine_fingerprint,
            heard.engine_fingerprint,
            _why(blessed, heard),
        )
    if blessed.utterances.keys() != heard.utterances.keys():
        raise _broken(
            blessed,
            "golden utterances of this version",
            ", ".join(blessed.utterances),
            ", ".join(heard.utterances),
            _OTHER_VERSION,
        )
    for name, expected in blessed.utterances.items():
        if heard.utterances[name] != expected:
            raise _broken(
                blessed, f"waveform of {name}", expected, heard.utterances[name], _UNEXPLAINED
            )


def differences(blessed: VoiceLock, heard: VoiceLock) -> list[Difference]:
    """By name; empty where the blessed lock was written without facts."""
    names = sorted(blessed.facts.keys() | heard.facts.keys()) if blessed.facts else []
    found = (
        Difference(name, blessed.facts.get(name, "nothing"), heard.facts.get(name, "nothing"))
        for name in names
    )
    return [each for each in found if each.expected != each.got]


def same(blessed: VoiceLock, heard: VoiceLock) -> bool:
    """Also in what it says of the engine: blessing again adds the facts to a lock that was written without."""
    return (blessed.engine_fingerprint, blessed.utterances, blessed.facts) == (
        heard.engine_fingerprint,
        heard.utterances,
        heard.facts,
    )


def read(store: ObjectStore, group: str, engine: str) -> VoiceLock | None:
    """None where nobody has blessed any. Raises VoiceLockBroken where it cannot be read."""
    uri = store.uri(key(group, engine))
    try:
        return decode_voice_lock(store.get(uri))
    except MissingObject:
        return None
    except Undecodable as error:
        raise VoiceLockBroken(
            f"voice lock {uri}",
            expected="what `seedcast models bless` wrote",
            got=error.got,
            remedy="`seedcast models bless`",
        ) from error


def write(store: ObjectStore, lock: VoiceLock) -> str:
    """Returns its URI."""
    return store.put(key(lock.group, lock.engine), encode_json(lock), "application/json")


def key(group: str, engine: str) -> str:
    """Raises InvalidInput."""
    if not _GROUP_NAME.fullmatch(group):
        raise InvalidInput(
            "consumer group",
            expected="1 to 200 letters, digits, '.', '_' and '-'",
            got=repr(group)[:100],
        )
    return f"{PREFIX}/{group}.{engine}.json"


def _sound(utterance: Utterance) -> str:
    if utterance.waveform is None:
        return utterance.error.code if utterance.error else "engine_error"
    return waveform_sha256(utterance.waveform)


def _superseded(blessed: VoiceLock, heard: VoiceLock) -> bool:
    return (
        blessed.engine_fingerprint != heard.engine_fingerprint
        or blessed.utterances.keys() != heard.utterances.keys()
    )


def _flat(facts: Mapping[str, object], within: str = "") -> Iterator[tuple[str, str]]:
    """As text, by dotted name; a fact that is None is none."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        elif value is not None:
            yield (
                within + name,
                " ".join(map(str, value)) if isinstance(value, tuple) else str(value),
            )


def _why(blessed: VoiceLock, heard: VoiceLock) -> str:
    return "; ".join(map(str, differences(blessed, heard))) or _CAUSES


def _broken(blessed: VoiceLock, what: str, expected: str, got: str, why: str) -> VoiceLockBroken:
    return VoiceLockBroken(
        f"voice lock of {blessed.group}, {what}",
        expected=expected,
        got=f"{got}: {why}",
        remedy=REMEDY,
    )
