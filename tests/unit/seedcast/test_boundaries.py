"""Texts, profiles, Kafka's errors, the metrics page and the watchdog report clear errors."""

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
    AccessDenied,
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


@pytest.mark.parametrize("spoken", ["Hello.", "您好", "7", "two\nlines\tand a tab"])
def test_a_text_with_a_letter_or_digit_can_be_spoken(spoken: str) -> None:
    assert text.find_problem(spoken) is None


@pytest.mark.parametrize(
    ("unspeakable", "code", "expected", "got"),
    [
        ("", "nothing_to_speak", "letter or digit", "an empty text"),
        ("   ", "nothing_to_speak", "letter or digit", "an empty text"),
        ("…!?", "nothing_to_speak", "letter or digit", "nothing to speak"),
        ("🎉👍", "nothing_to_speak", "letter or digit", "nothing to speak"),
        ("a\x00b", "invalid_request", "control", "U+0000 at character 2"),
        ("a\x1b[31mb", "invalid_request", "control", "U+001B at character 2"),
        ("\x00", "invalid_request", "control", "U+0000 at character 1"),
        ("x" * 100_000, "invalid_request", "at most 10,000", "100,000"),
    ],
)
def test_a_text_that_cannot_be_spoken_has_an_error_code_and_a_reason(
    unspeakable: str, code: str, expected: str, got: str
) -> None:
    problem = text.find_problem(unspeakable)
    assert problem is not None
    assert (problem.code, problem.got) == (code, got)
    assert expected in problem.expected


def profile_file(folder: Path, content: str) -> PostprocessSettings:
    file = folder / "profiles.toml"
    file.write_text(content)
    return PostprocessSettings(profiles=str(file))


def test_an_operators_row_is_added_or_replaces_the_built_in_row_of_its_name(tmp_path: Path) -> None:
    rows = (
        "[kiosk]\nformat = 'flac'\nsample_rate = 44100\n"
        "[phone]\nformat = 'flac'\nsample_rate = 16000\n"
    )
    table = profiles.load(profile_file(tmp_path, rows))
    assert table["kiosk"].sample_rate == 44100
    assert table["phone"].format == "flac"
    assert table["telephony"].sample_rate == 8000


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
def test_an_invalid_profile_is_fatal(tmp_path: Path, row: str) -> None:
    with pytest.raises(InvalidSettings):
        profiles.load(profile_file(tmp_path, f"[kiosk]\n{row}\n"))


@pytest.mark.parametrize(
    ("code", "branch"),
    [
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnavailable),
        (KafkaError._TRANSPORT, BrokerUnavailable),
        (KafkaError.NOT_ENOUGH_REPLICAS, BrokerUnavailable),
        (KafkaError._AUTHENTICATION, CredentialsRefused),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, AccessDenied),
        (KafkaError._AUTO_OFFSET_RESET, OffsetsLost),
        (KafkaError.MSG_SIZE_TOO_LARGE, Poison),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMismatch),
        (KafkaError._UNKNOWN_PARTITION, BrokerUnavailable),  # its leader is unknown at the moment
        (KafkaError.UNSUPPORTED_VERSION, Fatal),
        (KafkaError._FATAL, Fatal),
    ],
)
def test_a_kafka_error_is_mapped_to_the_right_branch(
    code: int, branch: type[SeedcastError]
) -> None:
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
def test_a_property_that_librdkafka_refuses_is_an_invalid_setting(
    make: Callable[[Settings], object], wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_KAFKA_OPTIONS"):
        make(Settings.model_validate({"kafka": {"bootstrap": "127.0.0.1:1", **wrong}}))


def test_a_header_name_that_is_not_utf8_loses_the_headers_but_ends_no_worker() -> None:
    """confluent-kafka raises SystemError for it; asking twice ends the process."""
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


def test_a_timeout_is_retryable() -> None:
    assert type(translate(TimeoutError(), "testing")) is BrokerUnavailable


def test_every_kafka_error_code_is_mapped() -> None:
    codes = [
        value
        for name in dir(KafkaError)
        if name.lstrip("_").isupper() and isinstance(value := getattr(KafkaError, name), int)
    ]
    assert len(codes) > 100
    assert all(isinstance(translate(KafkaError(code), "testing"), SeedcastError) for code in codes)


def test_work_beats_while_a_process_starts_and_not_afterwards() -> None:
    program = (
        "import time\nfrom seedcast.watchdog import Watchdog\n"
        "watchdog = Watchdog(1.0, starting=True)\n"
        "while time.process_time() < 2: pass\n"
        "print('has started', flush=True)\nwatchdog.started()\n"
        "while True: pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.splitlines()[0], done.returncode) == ("has started", EXIT_CODE)


def test_a_process_that_waits_for_ever_while_it_starts_is_ended() -> None:
    program = (
        "import threading\nfrom seedcast.watchdog import Watchdog\n"
        "Watchdog(1.0, starting=True)\nthreading.Event().wait()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert done.returncode == EXIT_CODE


def test_a_taken_metrics_port_is_an_error_that_names_the_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalResource, match="SEEDCAST_METRICS_PORT"):
            metrics.serve(MetricsSettings(port=taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("beats", "code"),
    [
        ("while True: watchdog.beat()", None),
        ("watchdog.stop(); threading.Event().wait()", None),
        ("threading.Event().wait()", EXIT_CODE),
    ],
)
def test_the_watchdog_ends_only_a_process_that_hangs(beats: str, code: int | None) -> None:
    program = (
        "import threading\nfrom seedcast.watchdog import Watchdog\n"
        f"watchdog = Watchdog(1.5)\n{beats}"
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


def test_looking_up_offsets_is_retried_while_leaders_are_unknown_or_rights_are_missing() -> None:
    """After a broker has died, partitions are assigned before their new leaders are known."""
    answers: list[KafkaError | int] = [
        KafkaError(KafkaError._UNKNOWN_PARTITION),
        KafkaError(KafkaError._DESTROY),
        KafkaError(KafkaError.NOT_COORDINATOR),
        KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED),
        7,
    ]

    def look_up() -> int:
        answer = answers.pop(0)
        if isinstance(answer, int):
            return answer
        raise KafkaException(answer)

    assert start_offsets.retry_lookup(look_up) == 7


@pytest.mark.parametrize(
    ("code", "text", "what", "remedy"),
    [
        (KafkaError._SSL, "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker "
         "listener?", "no TLS", "SEEDCAST_KAFKA_SECURITY_PROTOCOL"),
        (KafkaError._SSL, "SSL handshake failed: error:0A000086: certificate verify failed: broker "
         "certificate could not be verified", "authority", "SEEDCAST_KAFKA_SSL_CA_LOCATION"),
        (KafkaError._AUTHENTICATION, "SASL authentication error: invalid", "refuses the",
         "SEEDCAST_KAFKA_SASL_PASSWORD"),
        (KafkaError._RESOLVE, "Failed to resolve 'nowhere:9092': Name or service not known",
         "no such host", "SEEDCAST_KAFKA_BOOTSTRAP"),
        (KafkaError._TRANSPORT, "Connect to ipv4#127.0.0.1:1 failed: Connection refused",
         "nothing listens", "port in SEEDCAST_KAFKA_BOOTSTRAP"),
        (KafkaError._TRANSPORT, "Disconnected while requesting ApiVersion: might be caused by "
         "incorrect security.protocol configuration (connecting to a SSL listener?)", "may want",
         "SEEDCAST_KAFKA_SECURITY_PROTOCOL"),
    ],
)  # fmt: skip
def test_why_no_broker_answers_is_told_apart_with_a_remedy(
    code: int, text: str, what: str, remedy: str
) -> None:
    mapped = translate(KafkaError(code, text), "connecting")
    assert what in mapped.what
    assert text in mapped.got
    assert remedy in mapped.remedy
