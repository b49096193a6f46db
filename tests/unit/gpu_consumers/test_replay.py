"""The replay audit: it finds every difference, says what it could not compare, and holds no more than its sample."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import pytest

from gpu_consumers.verify.replay import Verdict, mixed, replay, speak
from gpu_consumers.verify.replay_sample import choose, rank
from schemas.messages import Receipt, RequestError, SpeechRequest, SpeechResult
from seedcast.codec import text_digest, waveform_sha256
from tests.unit.gpu_consumers.requests import a_request
from tests.unit.gpu_consumers.toy import ToyEngine, toy_waveform

KEY = b"key"
SECRET = "Zebra-4711"


def requests(count: int) -> list[SpeechRequest]:
    return [
        a_request(
            request_id=f"request-{n:05d}", text=f"Hello {SECRET}, message {n}.", voice_seed=n % 3
        )
        for n in range(count)
    ]


def receipt(request: SpeechRequest, **changes: object) -> Receipt:
    honest = Receipt(
        voice_seed=request.voice_seed,
        text_digest=text_digest(request.text, KEY),
        waveform_sha256=waveform_sha256(toy_waveform(request)),
        engine_fingerprint="toy-1",
        chain_fingerprint="chain",
        draw=0,
    )
    return msgspec.structs.replace(honest, **changes)


def receipts(asked: Iterable[SpeechRequest], **changes: object) -> dict[str, Receipt]:
    return {request.request_id: receipt(request, **changes) for request in asked}


def audit(
    kept: dict[str, Receipt],
    found: Iterable[SpeechRequest],
    engine: ToyEngine | None = None,
    *,
    any_fingerprint: bool = False,
) -> list[Verdict]:
    return list(replay(engine or ToyEngine(), kept, found, KEY, any_fingerprint=any_fingerprint))


def outcomes(verdicts: Iterable[Verdict]) -> Counter[str]:
    return Counter(verdict.outcome for verdict in verdicts)


def test_honest_receipts_match_in_another_order_with_every_slot_taken() -> None:
    asked, engine = requests(60), ToyEngine(slots=4)
    assert outcomes(audit(receipts(asked), asked, engine)) == {"match": 60}
    assert engine.admitted != sorted(engine.admitted)
    assert set(engine.company[:-6]) == {4}


@pytest.mark.parametrize("field", ["waveform_sha256", "draw", "text_digest", "voice_seed"])
def test_one_altered_field_is_a_mismatch_that_names_request_and_field(field: str) -> None:
    asked = requests(30)
    altered: object = 7 if field in ("draw", "voice_seed") else "0" * 64
    kept = receipts(asked) | receipts(asked[4:5], **{field: altered})
    (found,) = [verdict for verdict in audit(kept, asked) if verdict.outcome != "match"]
    assert (found.outcome, found.request_id, found.differs) == (
        "mismatch",
        "request-00004",
        (field,),
    )
    assert found.got is not None
    assert (getattr(found.expected, field), getattr(found.got, field)) == (
        altered,
        getattr(receipt(asked[4]), field),
    )


def test_an_engine_whose_rows_read_their_neighbours_is_found_out() -> None:
    asked = requests(40)
    before = {
        request.request_id: utterance.waveform
        for request, utterance in speak(ToyEngine(leaky=True), asked)
    }
    kept = {
        r.request_id: receipt(r, waveform_sha256=waveform_sha256(w))
        for r in asked
        if (w := before[r.request_id]) is not None
    }
    assert outcomes(audit(kept, asked, ToyEngine(leaky=True)))["mismatch"] > 30


def test_no_waveform_where_there_was_one_is_a_mismatch_with_the_reason() -> None:
    request = a_request(text="This is unstable.")
    (found,) = audit(receipts([request]), [request])
    assert found.got is not None
    assert (found.outcome, found.got.error, found.got.waveform_sha256) == (
        "mismatch",
        "unstable",
        None,
    )


def test_what_another_engine_spoke_is_told_apart_and_not_spoken_unless_asked() -> None:
    asked, engine = requests(10), ToyEngine()
    kept = receipts(asked) | receipts(asked[:3], engine_fingerprint="toy-0")
    assert outcomes(audit(kept, asked, engine)) == {"other_fingerprint": 3, "match": 7}
    assert len(engine.admitted) == 7
    assert outcomes(audit(kept, asked, any_fingerprint=True)) == {"match": 10}


def test_requests_that_nobody_keeps_are_missing() -> None:
    asked = requests(10)
    verdicts = audit(receipts(asked), asked[2:])
    assert {verdict.request_id for verdict in verdicts if verdict.outcome == "missing"} == {
        "request-00000",
        "request-00001",
    }
    assert outcomes(verdicts)["match"] == 8


def test_the_first_request_of_an_id_counts_and_reading_ends_when_all_are_found() -> None:
    asked = requests(5)

    def topic() -> Iterator[SpeechRequest]:
        yield from asked
        yield a_request(request_id="request-00001", text="Something else.")
        pytest.fail("read further than needed")

    assert outcomes(audit(receipts(asked[:2]), topic())) == {"match": 2}


def test_verdicts_hold_no_text() -> None:
    asked = requests(3)
    assert SECRET not in repr(audit(receipts(asked, draw=3), asked))


def test_mixing_keeps_everything_holds_a_window_and_is_the_same_each_time() -> None:
    asked = requests(500)
    read = 0

    def topic() -> Iterator[SpeechRequest]:
        nonlocal read
        for request in asked:
            read += 1
            yield request

    mixing = mixed(topic(), window=50)
    first = next(mixing)
    assert read == 51
    once = [first, *mixing]
    assert once == list(mixed(asked, window=50)) != asked
    assert sorted(r.request_id for r in once) == [r.request_id for r in asked]


def result(number: int, status: str = "succeeded") -> SpeechResult:
    spoken = status == "succeeded"
    error = None if spoken else RequestError(code="unstable", message="no")
    request = a_request(request_id=f"request-{number:06d}")
    return SpeechResult(
        request_id=request.request_id,
        campaign_id="night",
        status=status,
        receipt=receipt(request) if spoken else None,
        error=error,
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "fraction", "at_least", "expected"),
    [(20_000, 0.01, 20, 200), (500, 0.01, 20, 20), (7, 0.01, 20, 7), (300, 1.0, 20, 300)],
)
def test_a_sample_is_about_its_share_and_at_least_so_many(
    count: int, fraction: float, at_least: int, expected: int
) -> None:
    found = choose(map(result, range(count)), fraction, at_least)
    assert (
        len(found) == pytest.approx(expected, rel=0.2) if count > 1000 else len(found) == expected
    )


def test_a_sample_is_the_same_in_any_order_and_of_the_lowest_ranks() -> None:
    results = [result(n) for n in range(3000)]
    once = choose(results, 0.001)
    assert len(once) == 20
    random.Random(3).shuffle(results)
    assert choose(results, 0.001).keys() == once.keys()
    assert max(map(rank, once)) < min(
        rank(r.request_id) for r in results if r.request_id not in once
    )


def test_the_first_result_of_a_request_is_its_result() -> None:
    first, repeat = (
        result(1),
        msgspec.structs.replace(result(1), receipt=receipt(a_request(), draw=9)),
    )
    assert choose([first, repeat], 1.0)["request-000001"].draw == 0
    assert choose([result(1, "failed"), result(1)], 1.0) == {}
    everything = [
        *(result(n, "failed" if n % 2 else "succeeded") for n in range(1000)),
        *(result(n) for n in range(1000)),
    ]
    assert all(int(name.removeprefix("request-")) % 2 == 0 for name in choose(everything, 0.01))
