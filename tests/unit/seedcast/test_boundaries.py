"""Texts, profiles, Kafka's errors, the metrics page and the watchdog: each says what is wrong and what to do."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException

from seedcast import metrics
from seedcast.catalog import profiles, text
from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    InvalidSettings,
    LocalResource,
    OffsetsLost,
    Poison,
    SeedcastError,
    TopicMismatch,
)
from seedcast.kafka import Admin, Producer, TopicReader, records, start_offsets
from seedcast.kafka.error_mapping import translate
from seedcast.settings import MetricsSettings, PostprocessSettings, Settings
from seedcast.watchdog import EXIT_CODE


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("Hello.", None),
        ("您好", None),
        ("7", None),
        ("two\nlines\tand a tab", None),
        ("", "letter or digit"),
        ("   ", "letter or digit"),
        ("…!?", "letter or digit"),
        ("🎉👍", "letter or digit"),
        ("a\x00b", "control"),
        ("a\x1b[31mb", "control"),
        ("x" * 100_000, "at most 10,000"),
    ],
)
def test_what_can_be_spoken(spoken: str, expected: str | None) -> None:
    problem = text.problem(spoken)
    assert (
        (problem is None) if expected is None else (problem is not None and expected in problem[0])
    )


def profile_file(folder: Path, content: str) -> PostprocessSettings:
    file = folder / "profiles.toml"
    file.write_text(content)
    return PostprocessSettings(profiles=str(file))


def test_operators_rows_add_to_the_table_and_replace_by_name(tmp_path: Path) -> None:
    table = profiles.load(
        profile_file(
            tmp_path,
            "[kiosk]\nformat = 'flac'\nsample_rate = 44100\n[phone]\nformat = 'flac'\nsample_rate = 16000\n",
        )
    )
    assert (table["kiosk"].sample_rate, table["phone"].format, table["telephony"].sample_rate) == (
        44100,
        "flac",
        8000,
    )


@pytest.mark.parametrize(
    "row",
    [
        "format = 'mp9'\nsample_rate = 8000",
        "format = 'flac'",
        "format = 'ogg-opus'\nsample_rate = 44100",
        "format = 'flac'\nsample_rate = 7",
        "formt = 'flac'\nsample_rate = 8000",
    ],
)
def test_wrong_profile_is_fatal(tmp_path: Path, row: str) -> None:
    with pytest.raises(InvalidSettings):
        profiles.load(profile_file(tmp_path, f"[kiosk]\n{row}\n"))


@pytest.mark.parametrize(
    ("code", "branch"),
    [
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnavailable),
        (KafkaError._TRANSPORT, BrokerUnavailable),
        (KafkaError.NOT_ENOUGH_REPLICAS, BrokerUnavailable),
        (KafkaError._AUTHENTICATION, CredentialsRefused),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, CredentialsRefused),
        (KafkaError._AUTO_OFFSET_RESET, OffsetsLost),
        (KafkaError.MSG_SIZE_TOO_LARGE, Poison),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMismatch),
        (KafkaError._UNKNOWN_PARTITION, BrokerUnavailable),  # its leader is not known at the moment
        (KafkaError.UNSUPPORTED_VERSION, Fatal),
        (KafkaError._FATAL, Fatal),
    ],
)
def test_every_kafka_error_has_its_branch(code: int, branch: type[SeedcastError]) -> None:
    assert type(translate(KafkaException(KafkaError(code)), "testing")) is branch


@pytest.mark.parametrize(
    "make", [Admin, Producer, lambda settings: TopicReader(settings, "results")]
)
@pytest.mark.parametrize(
    "wrong",
    [
        {"options": {"no.such.property": "1"}},
        {"security_protocol": "SSL", "ssl_ca_location": "no-such.pem"},
    ],
)
def test_properties_that_librdkafka_does_not_take_are_wrong_settings(
    make: Callable[[Settings], object], wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_KAFKA_OPTIONS"):
        make(Settings.model_validate({"kafka": {"bootstrap": "127.0.0.1:1", **wrong}}))


def test_a_header_whose_name_is_no_utf8_costs_the_record_its_headers_and_no_worker() -> None:
    """confluent-kafka raises SystemError for it; asked twice, it ends the process."""
    message = Mock(
        **{
            "headers.side_effect": SystemError("error return without exception set"),
            "topic.return_value": "requests",
            "timestamp.return_value": (1, 7),
        }
    )
    record = records.as_record(message)
    assert (record.headers, record.timestamp_ms) == ((), 7)
    assert message.headers.call_count == 1


def test_no_answer_in_time_may_heal() -> None:
    assert type(translate(TimeoutError(), "testing")) is BrokerUnavailable


def test_every_code_of_kafka_is_mapped() -> None:
    codes = [
        value
        for name in dir(KafkaError)
        if name.lstrip("_").isupper() and isinstance(value := getattr(KafkaError, name), int)
    ]
    assert len(codes) > 100
    assert all(isinstance(translate(KafkaError(code), "testing"), SeedcastError) for code in codes)


def test_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalResource, match="SEEDCAST_METRICS_PORT"):
            metrics.serve(MetricsSettings(port=taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("beats", "code"),
    [
        ("while True: dog.beat()", None),
        ("dog.stop(); threading.Event().wait()", None),
        ("threading.Event().wait()", EXIT_CODE),
    ],
)
def test_watchdog_ends_a_process_that_hangs_and_no_other(beats: str, code: int | None) -> None:
    program = (
        f"import threading; from seedcast.watchdog import Watchdog; dog = Watchdog(1.5)\n{beats}"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if code is None:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(4)
        else:
            assert process.wait(60) == code
    finally:
        process.kill()
        process.wait()


def test_partitions_that_nobody_can_find_yet_are_looked_for_again() -> None:
    """When a broker has died, they are assigned before their new leaders are known."""
    answers: list[KafkaError | int] = [
        KafkaError(KafkaError._UNKNOWN_PARTITION),
        KafkaError(KafkaError._DESTROY),
        KafkaError(KafkaError.NOT_COORDINATOR),
        7,
    ]

    def question() -> int:
        answer = answers.pop(0)
        if isinstance(answer, int):
            return answer
        raise KafkaException(answer)

    assert start_offsets.retry_lookup(question) == 7
    answers[:] = [KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), 7]
    with pytest.raises(KafkaException):
        start_offsets.retry_lookup(question)
