"""The log keeps one line of each kind: while a broker is away, libraries log it 1,000 times/s."""

import json
import logging
from threading import Thread

import pytest
import structlog

from seedcast.logging import MAX_KINDS, REPEAT_INTERVAL, RepeatFilter, configure
from seedcast.settings import LogSettings

REFUSED = "Unable connect to node with id %s: %s"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def line(name: str, message: str, *args: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, args, None)


def repeated(record: logging.LogRecord) -> int | None:
    return getattr(record, "repeated", None)


def test_one_line_of_a_kind_passes_and_the_next_counts_the_dropped_ones() -> None:
    clock = Clock()
    repeat_filter = RepeatFilter(clock)
    assert repeat_filter.filter(
        line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)")
    )
    for port in range(100):
        assert not repeat_filter.filter(
            line("aiokafka", REFUSED, 2, f"Connect call failed ('10.0.0.2', {port})")
        )
    clock.now += REPEAT_INTERVAL
    later = line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)")
    assert (repeat_filter.filter(later), repeated(later)) == (True, 100)
    clock.now += REPEAT_INTERVAL
    last = line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)")
    assert (repeat_filter.filter(last), repeated(last)) == (True, None)


@pytest.mark.parametrize(
    "other",
    [
        line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)", level=logging.ERROR),
        line("aiokafka", REFUSED, 1, "Authentication failed"),
        line("aiokafka.client", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)"),
        line("aiokafka", "Heartbeat failed"),
    ],
    ids=["level", "reason", "logger", "message"],
)
def test_a_new_kind_passes_at_once(other: logging.LogRecord) -> None:
    repeat_filter = RepeatFilter(Clock())
    repeat_filter.filter(line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)"))
    assert repeat_filter.filter(other)


def test_two_failures_of_librdkafka_are_two_kinds() -> None:
    """All lines of librdkafka have the same template."""
    repeat_filter = RepeatFilter(Clock())
    thread = "[thrd:10.0.0.1:9092/1]: 10.0.0.1:9092/1:"
    refused = f"{thread} Connect to ipv4#10.0.0.1:9092 failed: Connection refused"
    lines = [
        (1, f"{refused} (after 0ms in state CONNECT)"),
        (2, f"{refused} (after 7ms in state CONNECT)"),
        (1, f"{thread} Disconnected: connection closed by peer (after 3154ms in state UP)"),
    ]
    passed = [
        repeat_filter.filter(
            line("librdkafka", "%s [%s] %s", "FAIL", f"seedcast-host#consumer-{number}", message)
        )
        for number, message in lines
    ]
    assert passed == [True, False, True]


def test_another_reason_in_brackets_is_another_kind() -> None:
    repeat_filter, passed = RepeatFilter(Clock()), []
    template, request = "Error sending %s to node %s [%s]", "HeartbeatRequest"
    for node, reason in (
        (1, "NodeNotReadyError"),
        (2, "NodeNotReadyError"),
        (2, "GroupAuthorizationFailedError"),
    ):
        record = line("aiokafka", template, request, node, reason, level=logging.ERROR)
        passed.append(repeat_filter.filter(record))
    assert passed == [True, False, True]


def test_another_exception_under_the_same_message_is_another_kind() -> None:
    repeat_filter, passed = RepeatFilter(Clock()), []
    for error in (ValueError("a"), ValueError("b"), KeyError("a")):
        record = line("aiokafka", "Unexpected error in fetcher routine", level=logging.ERROR)
        record.exc_info = (type(error), error, None)
        passed.append(repeat_filter.filter(record))
    assert passed == [True, False, True]


def test_a_line_whose_template_does_not_fit_its_values_passes() -> None:
    assert RepeatFilter(Clock()).filter(line("aiokafka", "node %s: %s", 1))


def test_our_own_lines_are_never_dropped() -> None:
    repeat_filter = RepeatFilter(Clock())
    assert all(
        repeat_filter.filter(line(name, "unavailable"))
        for name in ("seedcast.retry", "fausto", "")
        for _ in range(3)
    )


def test_the_number_of_remembered_kinds_is_bounded() -> None:
    clock = Clock()
    repeat_filter = RepeatFilter(clock)
    for number in range(3 * MAX_KINDS):
        clock.now += 0.001
        assert repeat_filter.filter(line("aiokafka", chr(0x4E00 + number)))
    assert len(repeat_filter._seen) == MAX_KINDS


def test_of_the_same_line_from_many_threads_one_passes() -> None:
    repeat_filter = RepeatFilter(Clock())
    passed: list[bool] = []
    threads = [
        Thread(
            target=lambda: passed.extend(
                [repeat_filter.filter(line("faust", "away")) for _ in range(200)]
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (1600, 1)


def test_the_log_says_how_many_lines_were_dropped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, clock, before = logging.getLogger(), Clock(), structlog.get_config()
    with monkeypatch.context() as patch:
        patch.setattr(root, "handlers", [])
        patch.setattr(root, "level", root.level)
        configure(LogSettings(format="json", level="info"))
        (repeat_filter,) = root.handlers[0].filters
        patch.setattr(repeat_filter, "_clock", clock)
        for _ in range(50):
            logging.getLogger("kafka").warning("%s", "away")
        clock.now += REPEAT_INTERVAL
        logging.getLogger("kafka").warning("%s", "away")
    structlog.configure(**before)
    entries = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert [(entry["event"], entry["level"], entry.get("repeated")) for entry in entries] == [
        ("away", "warning", None),
        ("away", "warning", 49),
    ]


def test_a_column_of_the_log_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogSettings(format="console"))
    structlog.get_logger("seedcast").warning("unreadable", where="\x1b]0;owned\x07")
    logging.getLogger("faust").warning("lost %s", "\x9b2J")
    printed = capsys.readouterr().err
    assert r"\x1b]0;owned\x07" in printed
    assert r"lost \x9b2J" in printed
    assert "\x1b]" not in printed
