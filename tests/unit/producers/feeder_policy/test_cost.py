"""Predicted audio seconds: by characters at first, then as each voice turns out to speak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.cost import LEAST, MOST_PACE, Costs, Measure, measure
from seedcast.producers.staging.survey import IDEOGRAPH, LETTER, seconds_of

MANDARIN, LATIN = "您好，您的快递已经送到了。", "Hello, your parcel has been delivered today."


def test_until_results_come_characters_count() -> None:
    costs = Costs()
    for text in (MANDARIN, LATIN):
        assert costs.predict(measure(text, 7, 1.0)) == pytest.approx(seconds_of(text, 1.0))
        assert costs.predict(measure(text, 7, 2.0)) == pytest.approx(seconds_of(text, 2.0))


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (MANDARIN, "mandarin"),
        (LATIN, "latin"),
        ("您好 ok", "mandarin"),
        ("好 thank you", "latin"),
        ("138 0013", "mandarin"),
        ("call 13800138000", "latin"),
    ],
)
def test_the_script_is_what_most_of_the_time_is_spoken_in(text: str, script: str) -> None:
    assert measure(text, 7, 1.0).script == script


def test_digits_are_spoken_too() -> None:
    assert measure("13800138000", 7, 1.0).seconds == pytest.approx(11 * IDEOGRAPH)
    assert measure("ab1", 7, 2.0).seconds == pytest.approx((2 * LETTER + IDEOGRAPH) / 2)


def test_a_text_without_letters_costs_something() -> None:
    assert Costs().predict(measure("…！", 7, 1.0)) == LEAST


@given(st.floats(1 / MOST_PACE, MOST_PACE), st.floats(2, 60))
def test_a_voice_is_learnt_from_its_results(pace: float, seconds: float) -> None:
    costs, one = Costs(), Measure(7, "latin", seconds)
    for _ in range(200):
        costs.learn(one, seconds * pace)
    assert costs.predict(one) == pytest.approx(max(LEAST, seconds * pace), rel=0.02)


def test_voices_and_scripts_are_learnt_by_themselves() -> None:
    costs = Costs()
    for _ in range(200):
        costs.learn(Measure(1, "latin", 10), 20)
        costs.learn(Measure(2, "latin", 10), 5)
    assert costs.predict(Measure(1, "latin", 10)) == pytest.approx(20, rel=0.02)
    assert costs.predict(Measure(2, "latin", 10)) == pytest.approx(5, rel=0.02)
    assert costs.predict(Measure(1, "mandarin", 10)) == 10


def test_a_new_voice_begins_as_the_others_are() -> None:
    costs = Costs()
    for voice in range(300):
        costs.learn(Measure(voice, "latin", 10), 20)
    assert costs.predict(Measure(999, "latin", 10)) == pytest.approx(20, rel=0.02)
    costs.learn(Measure(999, "latin", 10), 20)
    assert costs.predict(Measure(999, "latin", 10)) == pytest.approx(20, rel=0.02)


def test_a_voice_that_changes_is_learnt_anew() -> None:
    costs, one = Costs(), Measure(7, "latin", 10)
    for seconds in [10.0] * 1000 + [20.0] * 100:
        costs.learn(one, seconds)
    assert costs.predict(one) == pytest.approx(20, rel=0.02)


def test_one_odd_result_changes_little() -> None:
    costs, one = Costs(), Measure(7, "latin", 10)
    for seconds in [10.0] * 1000 + [3600.0]:
        costs.learn(one, seconds)
    assert costs.predict(one) < 14


def test_voices_beyond_the_bound_share_a_pace() -> None:
    costs = Costs(most_voices=10)
    for voice in range(10_000):
        costs.learn(Measure(voice, "latin", 10), 20)
    assert len(costs._voices) == 10
    assert costs.predict(Measure(9_999, "latin", 10)) == pytest.approx(20, rel=0.02)


@given(
    st.lists(st.tuples(st.floats(allow_nan=True), st.floats(0, 1e6)), max_size=50),
    st.floats(0, 1e6),
)
def test_no_result_makes_a_prediction_absurd(
    results: list[tuple[float, float]], seconds: float
) -> None:
    costs = Costs()
    for heard, suggested in results:
        costs.learn(Measure(7, "latin", suggested), heard)
    most = max(LEAST, seconds * MOST_PACE * 1.001)
    assert LEAST <= costs.predict(Measure(7, "latin", seconds)) <= most
