"""Which URLs and addresses webhooks call."""

import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.gateway.webhooks.addresses import check_url, may_be_called, networks
from seedcast.settings import WebhookSettings

USUAL = WebhookSettings()


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::a00:1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::1",
    ],
)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not may_be_called(address, ())


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_what_is_public_is_called(address: str) -> None:
    assert may_be_called(address, ())


def test_a_network_that_the_settings_name_is_called() -> None:
    allowed = networks(WebhookSettings(allow_networks=("10.1.0.0/16", "fd00::/8")))
    called = {
        address
        for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "10.2.0.1", "::1", "127.0.0.1")
        if may_be_called(address, allowed)
    }
    assert called == {"10.1.2.3", "::ffff:10.1.2.3", "fd00::1"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook.example.org/path",
        "ftp://hook.example.org/",
        "http://hook.example.org/",
        "https:///path",
        "https://user:hidden@hook.example.org/",
        "https://@hook.example.org/",
        "https://hook.example.org/#part",
        "https://hook.example.org:0/",
        "https://hook.example.org:99999/",
        "https://höök.example.org/",
        "https://hook.example.org/a b",
        "https://hook.example.org/\n",
        "https://hook.example.org/" + "a" * 2000,
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[",
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_url(url, USUAL)
    assert "hidden" not in str(raised.value)


def test_a_url_that_can_is_taken_as_it_is() -> None:
    for url in (
        "https://hook.example.org:8443/a?b=c",
        "https://8.8.8.8/",
        "https://xn--hk-fkaa.org",
    ):
        assert check_url(url, USUAL) == url
    assert check_url("http://a.example/", WebhookSettings(allow_http=True)) == "http://a.example/"
