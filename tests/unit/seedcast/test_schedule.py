"""Starts and daily windows, on days of every kind, by clocks that jump."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.campaigns.daily_window import DailyWindow, parse_window
from seedcast.campaigns.schedule import ALWAYS, Schedule, require_opening
from seedcast.errors import InvalidInput

ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "America/Santiago",  # its clocks change at midnight
    "Asia/Kathmandu",  # 5:45 ahead
    "UTC",
]
TIMES = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 45, 59]))
# The years 2020 to 2035, of which the clocks change in some weeks.
INSTANTS = st.integers(1_577_836_800, 2_082_758_400)
NIGHT = parse_window("20:00-06:00", "Asia/Shanghai")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@st.composite
def windows(draw: st.DrawFn) -> DailyWindow:
    start, end = draw(TIMES), draw(TIMES)
    if start == end:
        end = ((start[0] + 1) % 24, start[1])
    text = f"{start[0]:02}:{start[1]:02}-{end[0]:02}:{end[1]:02}"
    return parse_window(text, draw(st.sampled_from(ZONES)))


@given(windows(), INSTANTS)
def test_a_window_is_open_while_the_wall_clock_is_within(window: DailyWindow, now: int) -> None:
    wall = datetime.fromtimestamp(now, window.zone)
    clock = wall.hour * 3600 + wall.minute * 60 + wall.second
    seconds = (window.end - window.start) % 86_400
    assert window.is_open(now) == ((clock - window.start) % 86_400 < seconds)


@given(windows(), INSTANTS, st.floats(0, 0.99))
def test_the_next_change_is_a_change_and_the_first(
    window: DailyWindow, now: int, fraction: float
) -> None:
    instant = now + fraction
    change = window.next_change(instant)
    assert change is not None
    assert instant < change <= instant + 2 * 86_400 + 3600
    assert window.is_open(change) != window.is_open(instant)
    assert window.is_open(change - 1) == window.is_open(instant)
    for minute in range(int(now // 60) + 1, int(change // 60)):
        assert window.is_open(minute * 60) == window.is_open(instant)


@pytest.mark.parametrize(
    ("window", "zone", "now", "change"),
    [
        ("20:00-06:00", "Asia/Shanghai", "2026-12-01T19:00+08:00", "2026-12-01T20:00+08:00"),
        ("20:00-06:00", "Asia/Shanghai", "2026-12-01T20:00+08:00", "2026-12-02T06:00+08:00"),
        ("08:00-20:00", "Asia/Shanghai", "2026-12-01T21:00+08:00", "2026-12-02T08:00+08:00"),
        ("18:00-24:00", "Asia/Shanghai", "2026-12-01T18:00+08:00", "2026-12-02T00:00+08:00"),
        # The clocks go forward from 02:00 to 03:00 and back from 03:00 to 02:00.
        ("20:00-06:00", "Europe/Berlin", "2026-03-28T20:00+01:00", "2026-03-29T06:00+02:00"),
        ("20:00-06:00", "Europe/Berlin", "2026-10-24T20:00+02:00", "2026-10-25T06:00+01:00"),
        ("02:30-05:00", "Europe/Berlin", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ("02:15-02:45", "Europe/Berlin", "2026-03-29T01:00+01:00", "2026-03-30T02:15+02:00"),
        ("00:00-02:30", "Europe/Berlin", "2026-10-25T00:00+02:00", "2026-10-25T02:30+02:00"),
        ("00:00-02:30", "Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00"),
        ("00:00-06:00", "America/Santiago", "2026-09-05T20:00-04:00", "2026-09-06T01:00-03:00"),
    ],
)
def test_windows_change_when_the_wall_clock_says(
    window: str, zone: str, now: str, change: str
) -> None:
    found = parse_window(window, zone).next_change(at(now))
    assert found is not None
    assert shown(found) == shown(at(change))


def test_a_night_in_which_the_clocks_change_is_an_hour_longer_or_shorter() -> None:
    berlin = parse_window("20:00-06:00", "Europe/Berlin")
    hours = []
    for evening in ("2026-03-28T20:00+01:00", "2026-10-24T20:00+02:00", "2026-11-24T20:00+01:00"):
        end = berlin.next_change(at(evening))
        assert end is not None
        hours.append((end - at(evening)) / 3600)
    assert hours == [9, 11, 10]


def test_the_whole_day_never_changes() -> None:
    whole = parse_window("00:00-24:00", "Asia/Shanghai")
    assert whole.is_open(at("2026-12-01T00:00+08:00"))
    assert whole.next_change(at("2026-12-01T00:00+08:00")) is None


@given(windows(), st.floats(-1e300, 1e300))
def test_no_clock_is_too_wrong(window: DailyWindow, now: float) -> None:
    window.is_open(now)
    assert window.next_change(now) is not None


@pytest.mark.parametrize("text", ["20:00-20:00", "00:00-00:00", "23:59-23:59"])
def test_a_window_that_never_opens_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"one that opens.*20:00|one that opens") as error:
        parse_window(text, "Asia/Shanghai")
    assert "00:00-24:00 is the whole day" in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "20-06", "20:00", "24:00-06:00", "20:60-06:00", "20:00-24:01", "20:00–06:00", "x"]
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected two times of day, such as 20:00-06:00"):
        parse_window(text, "Asia/Shanghai")


@pytest.mark.parametrize(
    "zone", ["", "Asia", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "CST+8"]
)
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput, match="zone; expected the IANA name"):
        parse_window("20:00-06:00", zone)


def test_before_its_start_a_campaign_waits() -> None:
    start = at("2026-12-01T20:00+08:00")
    schedule = Schedule(start_at=start)
    assert not schedule.is_open(start - 0.001)
    assert schedule.is_open(start)
    assert schedule.next_change(start - 1e6) == start
    assert schedule.next_change(start) is None


def test_a_start_outside_the_window_waits_for_the_window() -> None:
    noon, evening = at("2026-12-01T12:00+08:00"), at("2026-12-01T20:00+08:00")
    schedule = Schedule(start_at=noon, window=NIGHT)
    assert schedule.next_change(noon - 86_400) == evening
    assert not schedule.is_open(noon)
    assert schedule.is_open(evening)


def test_a_start_in_the_past_is_at_once() -> None:
    assert Schedule(start_at=0.0).is_open(1.8e9)
    assert Schedule(start_at=0.0).next_change(1.8e9) is None


@given(
    st.lists(st.integers(-(10**9), 10**9), max_size=10), INSTANTS, st.none() | INSTANTS, windows()
)
def test_a_clock_that_was_wrong_leaves_no_trace(
    jumps: list[int], now: int, start: int | None, window: DailyWindow
) -> None:
    fresh, used = (Schedule(start_at=start, window=window) for _ in range(2))
    for jump in jumps:
        used.is_open(now + jump)
        used.next_change(now + jump)
    assert used.is_open(now) == fresh.is_open(now)
    assert used.next_change(now) == fresh.next_change(now)


@given(st.none() | INSTANTS, st.none() | windows(), INSTANTS)
def test_a_campaign_is_open_at_its_opening_and_not_before(
    start: int | None, window: DailyWindow | None, now: int
) -> None:
    schedule = Schedule(start_at=start, window=window)
    opening = schedule.opening(now)
    assert opening >= now
    assert schedule.is_open(opening)
    for second in {now, int((now + opening) / 2), int(opening) - 1}:
        assert not now <= second < opening or not schedule.is_open(second)


def test_a_schedule_that_never_opens_before_the_deadline_is_refused() -> None:
    noon = at("2026-12-01T12:00+08:00")
    with pytest.raises(InvalidInput, match="a time before the deadline"):
        require_opening(Schedule(window=NIGHT), noon, noon + 7 * 3600)
    with pytest.raises(InvalidInput, match="a time before the deadline"):
        require_opening(Schedule(start_at=noon + 10), noon, noon + 10)
    require_opening(Schedule(window=NIGHT), noon, noon + 9 * 3600)
    require_opening(Schedule(window=NIGHT), noon, None)
    require_opening(ALWAYS, noon, noon + 1)


def test_the_zone_is_that_of_the_window() -> None:
    assert NIGHT.zone == ZoneInfo("Asia/Shanghai")
