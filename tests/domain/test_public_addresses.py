"""Which addresses and URLs may be called on behalf of a user."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Invalid
from shared.domain.public_addresses import destination, is_public

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.0.1
169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808
64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1
3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700::1%1 fec0::1 ff02::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 128.0.0.1 172.15.255.255 172.32.0.1 192.0.1.1
198.17.255.255 198.20.0.1 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2a00:1450:4001:81b::200e 2400:cb00::1
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_of_another_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "localhost", "2130706433", "127.1", "0177.0.0.1", "8.8.8.8/32", "8.8.8.8 "])
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
def test_whatever_is_public_here_is_so_for_the_standard_library(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not (address.is_multicast or address.is_reserved or address.is_loopback or address.is_unspecified)


@given(st.ip_addresses(v=4))
def test_ipv4_does_not_come_through_in_ipv6(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [number, 0xFFFF << 32 | number, (0x64FF9B << 96) | number, (0x2002 << 112) | number << 80]
    assert not any(is_public(str(ipaddress.IPv6Address(each))) for each in wrapped)


@pytest.mark.parametrize(
    ("url", "scheme", "authority", "target"),
    [
        ("https://hooks.example.com/speakr", "https", "hooks.example.com", "/speakr"),
        ("HTTPS://Hooks.EXAMPLE.com.", "https", "hooks.example.com", "/"),
        ("http://h:8080?a=b#c", "http", "h:8080", "/?a=b"),
        ("https://h:443/a%20b/ü?q=ä&r=%2F", "https", "h", "/a%20b/%C3%BC?q=%C3%A4&r=%2F"),
        ("https://bücher.example/", "https", "xn--bcher-kva.example", "/"),
        ("http://[2606:4700::1111]:81/x", "http", "[2606:4700::1111]:81", "/x"),
        ("http://１２７.0.0.1/", "http", "127.0.0.1", "/"),
        ("https://a_b.internal/", "https", "a_b.internal", "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, scheme: str, authority: str, target: str) -> None:
    found = destination(url)
    assert (found.scheme, found.authority, found.target) == (scheme, authority, target)


REFUSED = """
ftp://h/ file:///etc/passwd gopher://h/ javascript:alert(1) //h/ h h/ https: https:// https:///x https://:80/
https://user@h/ https://user:word@h/ https://@h/ https://h:0/ https://h:65536/ https://h:-1/ https://h:x/ http://[::1
https://[fe80::1%25eth0]/ https://[fe80::1%eth0]/ https://[v1.x]/ https://h%2e/ https://%31.0.0.1/ https://a..b/
https://-.-/ https://h*/ https://h\\@i/ https://h^/ unix:/x
"""
ODD = ["", "https://h /", " https://h/", "https://h/\n", "https://h/\x00", "https://h/\x85", "https://h/\xa0"]


@pytest.mark.parametrize(
    "url",
    [
        *REFUSED.split(),
        *ODD,
        "https://\ud800.example/",
        "https://h/\ud800",
        f"https://h/{'x' * 491}",
        f"https://{'x' * 64}.example/",
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        destination(url)
    assert len(url) < 8 or url not in str(refused.value)


@given(st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_whatever_it_is_it_is_taken_or_refused(url: str) -> None:
    try:
        found = destination(url)
    except Invalid:
        return
    assert found.target.isascii() and found.host.isascii() and found.target.startswith("/")
