"""Tells apart why no broker answers, by the words of librdkafka, or by a look at the address."""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

PROTOCOL = "SEEDCAST_KAFKA_SECURITY_PROTOCOL"
BOOTSTRAP = "SEEDCAST_KAFKA_BOOTSTRAP"
LOOK = 3.0  # seconds for one connection


@dataclass(frozen=True)
class Fault:
    what: str
    remedy: str
    heals: bool = True  # False: waiting does not help, so a start does not wait


# In this order: a later sign may be part of an earlier one's message.
_SIGNS = {
    "connecting to a PLAINTEXT broker listener": Fault(
        "the broker speaks no TLS at that address",
        f"use PLAINTEXT or SASL_PLAINTEXT in {PROTOCOL}, or the broker's port for TLS",
        heals=False,
    ),
    "wrong version number": Fault(
        "the broker speaks no TLS at that address",
        f"use PLAINTEXT or SASL_PLAINTEXT in {PROTOCOL}, or the broker's port for TLS",
        heals=False,
    ),
    "hostname mismatch": Fault(
        "the broker's certificate is for another host",
        f"use in {BOOTSTRAP} and in the brokers' advertised listeners a name that it has",
    ),
    "certificate verify failed": Fault(
        "the broker's certificate is of an unknown authority, or for another host",
        "set SEEDCAST_KAFKA_SSL_CA_LOCATION to the PEM file of its authority, and use in "
        f"{BOOTSTRAP} a name that the certificate has",
    ),
    "broker certificate could not be verified": Fault(
        "the broker's certificate is of an unknown authority, or for another host",
        "set SEEDCAST_KAFKA_SSL_CA_LOCATION to the PEM file of its authority, and use in "
        f"{BOOTSTRAP} a name that the certificate has",
    ),
    "SASL": Fault(
        "the broker refuses the credentials",
        "check SEEDCAST_KAFKA_SASL_MECHANISM, SEEDCAST_KAFKA_SASL_USERNAME and "
        "SEEDCAST_KAFKA_SASL_PASSWORD, or the files of the last two",
    ),
    "SSL handshake failed": Fault(
        "no TLS connection can be made", f"check {PROTOCOL} and SEEDCAST_KAFKA_SSL_*"
    ),
    "Failed to resolve": Fault(
        "there is no such host", f"correct the host in {BOOTSTRAP}, or the machine's DNS"
    ),
    "Connection refused": Fault(
        "nothing listens at that address",
        f"correct the port in {BOOTSTRAP}, or start the broker",
    ),
    "incorrect security.protocol": Fault(
        "the broker closes the connection: it may want TLS, a password, or both",
        f"correct {PROTOCOL}",
    ),
    "timed out": Fault(
        "no answer from that address in time",
        f"check host and port in {BOOTSTRAP}, and firewalls on the way",
    ),
}


_WANTS_TLS = Fault(
    "the broker speaks only TLS at that address",
    f"use SSL or SASL_SSL in {PROTOCOL}, or the broker's port without TLS",
)
_WANTS_ANOTHER = Fault(
    "something listens at that address and closes our connection",
    f"check that it is a broker's, and correct {PROTOCOL}: it may want a password",
)


def look(bootstrap: str) -> Fault | None:
    """Return why the first address does not answer in plaintext; None if nothing listens there.

    librdkafka reports a connection that is closed to nobody.
    """
    host, _, port = bootstrap.split(",")[0].strip().rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=LOOK).close()
    except (OSError, ValueError):
        return None
    return _WANTS_TLS if _speaks_tls(host, int(port)) else _WANTS_ANOTHER


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    with (
        suppress(OSError),
        socket.create_connection((host, port), timeout=LOOK) as connection,
        context.wrap_socket(connection, server_hostname=host),
    ):
        return True
    return False


def explain(text: str) -> Fault | None:
    return next((fault for sign, fault in _SIGNS.items() if sign in text), None)
