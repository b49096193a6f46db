"""While a broker is away the libraries say so a thousand times a second; a log that is to be read keeps one line of each kind."""

import json
import logging
from threading import Thread

import pytest
import structlog

from seedcast.logging import KINDS, QUIET, RepeatFilter, configure
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


def test_one_line_of_a_kind_passes_and_the_next_says_how_many_did_not() -> None:
    clock = Clock()
    sparing = RepeatFilter(clock)
    assert sparing.filter(line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)"))
    for port in range(100):
        assert not sparing.filter(
            line("aiokafka", REFUSED, 2, f"Connect call failed ('10.0.0.2', {port})")
        )
    clock.now += QUIET
    later = line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)")
    assert (sparing.filter(later), repeated(later)) == (True, 100)
    clock.now += QUIET
    calm = line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)")
    assert (sparing.filter(calm), repeated(calm)) == (True, None)


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
    sparing = RepeatFilter(Clock())
    sparing.filter(line("aiokafka", REFUSED, 1, "Connect call failed ('10.0.0.1', 9092)"))
    assert sparing.filter(other)


def test_what_librdkafka_says_of_two_failures_is_two_kinds() -> None:
    """Its template is one for all its lines."""
    sparing, template = RepeatFilter(Clock()), "%s [%s] %s"
    head = "[thrd:10.0.0.1:9092/1]: 10.0.0.1:9092/1:"
    refused = f"{head} Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"
    again = f"{head} Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 7ms in state CONNECT)"
    closed = f"{head} Disconnected: connection closed by peer (after 3154ms in state UP)"
    passed = [
        sparing.filter(
            line("librdkafka", template, "FAIL", f"seedcast-host#consumer-{number}", said)
        )
        for number, said in ((1, refused), (2, again))
    ]
    assert [
        *passed,
        sparing.filter(line("librdkafka", template, "FAIL", "seedcast-host#consumer-1", closed)),
    ] == [True, False, True]


def test_another_reason_in_brackets_is_another_kind() -> None:
    sparing, passed = RepeatFilter(Clock()), []
    for node, reason in (
        (1, "NodeNotReadyError"),
        (2, "NodeNotReadyError"),
        (2, "GroupAuthorizationFailedError"),
    ):
        passed.append(
            sparing.filter(
                line(
                    "aiokafka",
                    "Error sending %s to node %s [%s]",
                    "HeartbeatRequest",
                    node,
                    reason,
                    level=logging.ERROR,
                )
            )
        )
    assert passed == [True, False, True]


def test_another_exception_under_the_same_message_is_another_kind() -> None:
    sparing, passed = RepeatFilter(Clock()), []
    for error in (ValueError("a"), ValueError("b"), KeyError("a")):
        record = line("aiokafka", "Unexpected error in fetcher routine", level=logging.ERROR)
        record.exc_info = (type(error), error, None)
        passed.append(sparing.filter(record))
    assert passed == [True, False, True]


def test_a_template_that_does_not_fit_its_values_is_the_handlers_to_say() -> None:
    assert RepeatFilter(Clock()).filter(line("aiokafka", "node %s: %s", 1))


def test_our_own_lines_are_never_left_out() -> None:
    sparing = RepeatFilter(Clock())
    assert all(
        sparing.filter(line(name, "unavailable"))
        for name in ("seedcast.patience", "fausto", "")
        for _ in range(3)
    )


def test_memory_is_bounded() -> None:
    clock = Clock()
    sparing = RepeatFilter(clock)
    for number in range(3 * KINDS):
        clock.now += 0.001
        assert sparing.filter(line("aiokafka", chr(0x4E00 + number)))
    assert len(sparing._seen) == KINDS


def test_of_many_threads_one_passes() -> None:
    sparing = RepeatFilter(Clock())
    passed: list[bool] = []
    threads = [
        Thread(
            target=lambda: passed.extend(
                [sparing.filter(line("faust", "away")) for _ in range(200)]
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (1600, 1)


def test_the_log_says_how_many_were_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, clock, before = logging.getLogger(), Clock(), structlog.get_config()
    with monkeypatch.context() as patch:
        patch.setattr(root, "handlers", [])
        patch.setattr(root, "level", root.level)
        configure(LogSettings(format="json", level="info"))
        (sparing,) = root.handlers[0].filters
        patch.setattr(sparing, "_clock", clock)
        for _ in range(50):
            logging.getLogger("librdkafka").warning("%s", "away")
        clock.now += QUIET
        logging.getLogger("librdkafka").warning("%s", "away")
    structlog.configure(**before)
    said = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert [(entry["event"], entry["level"], entry.get("repeated")) for entry in said] == [
        ("away", "warning", None),
        ("away", "warning", 49),
    ]
