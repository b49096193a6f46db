"""Which URLs and which addresses may be called: anybody with a key chooses URLs.

The URL is judged when it is given, by what it says. The address is judged at each connection, and
is the one that is connected to, so that it does not matter what a name resolves to meanwhile.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from seedcast.errors import InvalidInput
from seedcast.settings import WebhookSettings

MAX_URL = 2000  # characters
Network = IPv4Network | IPv6Network

# Beside what is not global by IANA's registries, of which older Pythons do not have all.
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle Cloud's metadata
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # the host agent of Azure
            "2001::/23",  # protocol assignments, with Teredo
            "2002::/16",  # 6to4: an IPv4 address of any kind is inside
            "3fff::/20",  # documentation
        ),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # nothing else of IPv6 is routed in public
_NAT64 = IPv6Network("64:ff9b::/96")


def networks(settings: WebhookSettings) -> tuple[Network, ...]:
    """Return what is called though it is not public."""
    return tuple(map(ip_network, settings.allow_networks))


def may_be_called(address: str, allowed: Sequence[Network]) -> bool:
    """Judge an address as a socket has it, such as `fe80::1%eth0`."""
    judged = ip_address(address.partition("%")[0])
    inner = _inner(judged)
    if any(each in network for each in {judged, inner} for network in allowed):
        return True
    return _is_public(inner)


def check_url(url: str, settings: WebhookSettings) -> str:
    """Return a URL that may be called as far as it says. Raises InvalidInput."""
    schemes = ("https", "http") if settings.allow_http else ("https",)
    expected = f"{schemes[0]}://HOST/PATH in ASCII, of at most {MAX_URL:,} characters"
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL):
        raise InvalidInput("URL of the webhook", expected=expected, got=f"{len(url):,} characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput("URL of the webhook", expected=expected, got=str(error)) from None
    if parts.scheme not in schemes:
        got = f"the scheme {parts.scheme[:20]!r}"
        remedy = "" if settings.allow_http else "SEEDCAST_WEBHOOKS_ALLOW_HTTP allows http"
        raise InvalidInput("URL of the webhook", expected=expected, got=got, remedy=remedy)
    if not host or port == 0:
        raise InvalidInput("URL of the webhook", expected=expected, got="no host, or port 0")
    if "@" in parts.netloc or parts.fragment:
        got = "a user, a password or a fragment"
        raise InvalidInput("URL of the webhook", expected=expected, got=got)
    if _is_refused(host, networks(settings)):
        raise InvalidInput(
            "URL of the webhook",
            expected="a public address",
            got=host,
            remedy="SEEDCAST_WEBHOOKS_ALLOW_NETWORKS allows others",
        )
    return url


def _is_refused(host: str, allowed: Sequence[Network]) -> bool:
    """Return True for an address that is refused. A name is judged when it is resolved."""
    try:
        return not may_be_called(host, allowed)
    except ValueError:
        return False


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast
