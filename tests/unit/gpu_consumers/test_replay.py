"""The replay audit finds every difference, reports what it could not compare, and streams."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import pytest

from seedcast.codec import text_digest
from seedcast.gpu_consumers.verify.replay import Verdict, replay, shuffle, synthesise
from seedcast.gpu_consumers.verify.replay_sample import choose_receipts, rank
from seedcast.schemas.messages import Receipt, RequestError, SpeechRequest, SpeechResult
from seedcast.waveforms import waveform_sha256
from tests.builders.requests import a_request
from tests.builders.toy import ToyEngine, toy_waveform

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
    correct = Receipt(
        voice_seed=request.voice_seed,
        text_digest=text_digest(request, KEY),
        waveform_sha256=waveform_sha256(toy_waveform(request)),
        engine_fingerprint="toy-1",
        chain_fingerprint="chain",
        draw=0,
    )
    return msgspec.structs.replace(correct, **changes)


def receipts(submitted: Iterable[SpeechRequest], **changes: object) -> dict[str, Receipt]:
    return {request.request_id: receipt(request, **changes) for request in submitted}


def audit(
    sample: dict[str, Receipt],
    topic: Iterable[SpeechRequest],
    engine: ToyEngine | None = None,
    *,
    any_fingerprint: bool = False,
    whole: bool = False,
) -> list[Verdict]:
    options = {"any_fingerprint": any_fingerprint, "whole": whole}
    return list(replay(engine or ToyEngine(), sample, topic, KEY, **options))


def outcomes(verdicts: Iterable[Verdict]) -> Counter[str]:
    return Counter(verdict.outcome for verdict in verdicts)


def test_correct_receipts_match_in_another_order_with_every_slot_busy() -> None:
    submitted, engine = requests(60), ToyEngine(slots=4)
    assert outcomes(audit(receipts(submitted), submitted, engine)) == {"match": 60}
    assert engine.admitted != sorted(engine.admitted)
    assert set(engine.company[:-6]) == {4}


@pytest.mark.parametrize("field", ["waveform_sha256", "draw", "text_digest", "voice_seed"])
def test_one_altered_fact_is_a_mismatch_that_names_request_and_fact(field: str) -> None:
    submitted = requests(30)
    altered: object = 7 if field in ("draw", "voice_seed") else "0" * 64
    sample = receipts(submitted) | receipts(submitted[4:5], **{field: altered})
    (mismatch,) = [verdict for verdict in audit(sample, submitted) if verdict.outcome != "match"]
    assert (mismatch.outcome, mismatch.request_id, mismatch.differs) == (
        "mismatch",
        "request-00004",
        (field,),
    )
    assert mismatch.got is not None
    assert (getattr(mismatch.expected, field), getattr(mismatch.got, field)) == (
        altered,
        getattr(receipt(submitted[4]), field),
    )


def test_an_engine_whose_rows_depend_on_their_neighbours_is_detected() -> None:
    submitted = requests(40)
    leaky_receipts = {
        request.request_id: receipt(request, waveform_sha256=waveform_sha256(utterance.waveform))
        for request, utterance in synthesise(ToyEngine(leaky=True), submitted)
        if utterance.waveform is not None
    }
    verdicts = audit(leaky_receipts, submitted, ToyEngine(leaky=True))
    assert outcomes(verdicts)["mismatch"] > 30


def test_a_waveform_that_can_no_longer_be_made_is_a_mismatch_with_its_error() -> None:
    request = a_request(text="This is unstable.")
    (mismatch,) = audit(receipts([request]), [request])
    assert mismatch.got is not None
    assert (mismatch.outcome, mismatch.got.error, mismatch.got.waveform_sha256) == (
        "mismatch",
        "unstable",
        None,
    )


def test_receipts_of_another_fingerprint_are_only_synthesised_on_request() -> None:
    submitted, engine = requests(10), ToyEngine()
    sample = receipts(submitted) | receipts(submitted[:3], engine_fingerprint="toy-0")
    assert outcomes(audit(sample, submitted, engine)) == {"other_fingerprint": 3, "match": 7}
    assert len(engine.admitted) == 7
    assert outcomes(audit(sample, submitted, any_fingerprint=True)) == {"match": 10}


def test_requests_that_are_no_longer_on_the_topics_are_missing() -> None:
    submitted = requests(10)
    verdicts = audit(receipts(submitted), submitted[2:])
    assert {verdict.request_id for verdict in verdicts if verdict.outcome == "missing"} == {
        "request-00000",
        "request-00001",
    }
    assert outcomes(verdicts)["match"] == 8


def test_what_a_whole_list_does_not_have_is_a_stray_and_not_missing() -> None:
    submitted = requests(10)
    verdicts = audit(receipts(submitted), submitted[2:], whole=True)
    assert outcomes(verdicts) == {"match": 8, "stray": 2}


def test_the_first_request_of_an_id_counts_and_reading_ends_when_all_are_there() -> None:
    submitted = requests(5)

    def topic() -> Iterator[SpeechRequest]:
        yield from submitted
        yield a_request(request_id="request-00001", text="Something else.")
        pytest.fail("read further than needed")

    assert outcomes(audit(receipts(submitted[:2]), topic())) == {"match": 2}


def test_verdicts_contain_no_text() -> None:
    submitted = requests(3)
    assert SECRET not in repr(audit(receipts(submitted, draw=3), submitted))


def test_shuffling_keeps_every_request_buffers_a_window_and_is_repeatable() -> None:
    submitted = requests(500)
    read = 0

    def topic() -> Iterator[SpeechRequest]:
        nonlocal read
        for request in submitted:
            read += 1
            yield request

    shuffling = shuffle(topic(), window=50)
    first = next(shuffling)
    assert read == 51
    shuffled = [first, *shuffling]
    assert shuffled == list(shuffle(submitted, window=50)) != submitted
    assert sorted(r.request_id for r in shuffled) == [r.request_id for r in submitted]


def result(number: int, status: str = "succeeded") -> SpeechResult:
    spoken = status == "succeeded"
    error = None if spoken else RequestError(code="unstable", message="no")
    request = a_request(request_id=f"request-{number:06d}")
    return SpeechResult(
        request_id=request.request_id,
        campaign_id="night",
        status=status,  # type: ignore[arg-type]
        receipt=receipt(request) if spoken else None,
        error=error,
    )


@pytest.mark.parametrize(
    ("count", "fraction", "at_least", "expected"),
    [(20_000, 0.01, 20, 200), (500, 0.01, 20, 20), (7, 0.01, 20, 7), (300, 1.0, 20, 300)],
)
def test_a_sample_has_about_its_share_and_at_least_the_minimum(
    count: int, fraction: float, at_least: int, expected: int
) -> None:
    sample = choose_receipts(map(result, range(count)), fraction, at_least)
    if count > 1000:
        assert len(sample) == pytest.approx(expected, rel=0.2)
    else:
        assert len(sample) == expected


def test_a_sample_is_the_same_in_any_order_and_has_the_lowest_ranks() -> None:
    results = [result(n) for n in range(3000)]
    sample = choose_receipts(results, 0.001)
    assert len(sample) == 20
    random.Random(3).shuffle(results)
    assert choose_receipts(results, 0.001).keys() == sample.keys()
    others = [r.request_id for r in results if r.request_id not in sample]
    assert max(map(rank, sample)) < min(map(rank, others))


def test_only_the_first_result_of_a_request_counts() -> None:
    first = result(1)
    repeat = msgspec.structs.replace(first, receipt=receipt(a_request(), draw=9))
    assert choose_receipts([first, repeat], 1.0)["request-000001"].draw == 0
    assert choose_receipts([result(1, "failed"), result(1)], 1.0) == {}
    everything = [
        *(result(n, "failed" if n % 2 else "succeeded") for n in range(1000)),
        *(result(n) for n in range(1000)),
    ]
    sample = choose_receipts(everything, 0.01)
    assert all(int(name.removeprefix("request-")) % 2 == 0 for name in sample)
