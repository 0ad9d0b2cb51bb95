"""No address that a stranger names leads anywhere but to the public internet, however it is written and whatever names mean."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from playground import guard
from playground.guard import Address, GuardedTransport, RefusedAddressError, check_form, is_public
from tests.client.servers import Resolver, raw_server

pytestmark = pytest.mark.anyio

PUBLIC = "192.31.196.1"  # on the public internet, and there to swallow what should not have been sent
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
WITHIN = [
    ipaddress.ip_network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
]
WITHIN_6 = [
    ipaddress.IPv6Network(net)
    for net in (
        *("::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32"),
        *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
]


def within(nets: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> st.SearchStrategy[Address]:
    return st.sampled_from(nets).flatmap(lambda net: st.ip_addresses(network=net))


def spellings(address: ipaddress.IPv4Address) -> list[str]:
    number, parts = int(address), address.packed
    return [
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(f"0{part:o}" for part in parts),
        ".".join(map(hex, parts)),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
    ]


async def ask(transport: httpx.AsyncBaseTransport, url: str, timeout_s: float = 5.0) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport, timeout=timeout_s) as http:
        return await http.get(url)


@given(address=within(WITHIN) | within(WITHIN_6))
def test_no_address_of_a_special_range_is_public(address: Address):
    assert not is_public(address)


@given(st.ip_addresses(v=6).filter(lambda address: address not in ipaddress.IPv6Network("2000::/3")))
def test_no_address_outside_of_global_unicast_is_public(address: ipaddress.IPv6Address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "223.255.255.254", "2606:4700::1111", "2a00:1450:4001::1"])
def test_plain_hosts_on_the_internet_are_public(address: str):
    assert is_public(ipaddress.ip_address(address))
    check_form(httpx.URL(f"https://[{address}]/a.png" if ":" in address else f"https://{address}/a.png"))


@given(address=st.ip_addresses(v=4), number=st.integers(0, 11))
def test_only_the_usual_spelling_of_an_address_passes_whatever_it_means(address: ipaddress.IPv4Address, number: int):
    with pytest.raises((RefusedAddressError, httpx.InvalidURL)):  # httpx itself refuses leading zeros
        check_form(httpx.URL(f"http://{spellings(address)[number]}/a.png"))


@given(address=within(WITHIN) | within(WITHIN_6))
def test_a_name_for_a_special_address_is_refused_even_beside_a_public_one(address: Address):
    transport = GuardedTransport(resolve=Resolver([PUBLIC, str(address)]))
    with pytest.raises(RefusedAddressError, match=r"files\.example is not on the public internet"):
        anyio.run(ask, transport, "http://files.example/a.png")


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://files.example/", "file:///etc/passwd", "//files.example/", "http:///a.png", "gopher://files.example:80/"),
        *("http://key@files.example/", "http://files.example@127.0.0.1/", "http://a:b@files.example/"),
        *("http://files.example./", "http://files..example/", "http://-a.example/", "http://%31%32%37.1/", "http://a%00b/"),
        *("http://files.example:22/", "http://files.example:25/", "http://files.example:0/", "https://files.example:53/"),
        *("http://[fe80::1%25eth0]/", "http://[2606:4700::1111%25eth0]/", "http://1.2.3/", "http://files.0x7f/"),
    ],
)
def test_odd_addresses_are_refused_unresolved(url: str):
    with pytest.raises(RefusedAddressError):
        check_form(httpx.URL(url))


@pytest.mark.parametrize("url", ["http://files.example/", "https://a-b.c_d.example:8443/x?y", "https://münchen.example/"])
def test_ordinary_addresses_pass(url: str):
    check_form(httpx.URL(url))


@pytest.fixture
def one_public_address(monkeypatch: pytest.MonkeyPatch) -> str:
    """127.0.0.1 counts as public, and nothing else does: what it takes to see a connection being made."""
    monkeypatch.setattr(guard, "is_public", lambda address: str(address) == "127.0.0.1")
    return "127.0.0.1"


async def test_a_connection_goes_to_the_address_that_was_checked_and_still_names_the_host(one_public_address: str):
    resolver = Resolver([one_public_address], ["10.0.0.1"])
    async with raw_server(OK) as server:
        port = httpx.URL(server.url).port
        answer = await ask(GuardedTransport(resolve=resolver), f"http://files.example:{port}/a.png")
    assert (answer.text, str(answer.url)) == ("ok", f"http://files.example:{port}/a.png")
    assert resolver.asked == ["files.example"]
    assert f"\r\nHost: files.example:{port}\r\n".encode() in server.received[0]


async def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "is_public", lambda _: True)
    async with raw_server(OK) as server:
        port = httpx.URL(server.url).port
        transport = GuardedTransport(resolve=Resolver(["::1", "127.0.0.1"]))
        assert (await ask(transport, f"http://files.example:{port}/")).text == "ok"


@asynccontextmanager
async def tls_server(ca: trustme.CA, name: str) -> AsyncIterator[tuple[int, list[str | None]]]:
    """Its port, and the names that were asked for in its handshakes."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    context.sni_callback = lambda _socket, asked, _context: names.append(asked)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], names


@pytest.mark.parametrize("name", ["files.example", "other.example"])
async def test_a_certificate_is_checked_by_name_not_by_address(
    one_public_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    transport = GuardedTransport(resolve=Resolver([one_public_address]))
    async with tls_server(ca, "files.example") as (port, names):
        if name == "files.example":
            assert (await ask(transport, f"https://{name}:{port}/")).text == "ok"
        else:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await ask(transport, f"https://{name}:{port}/")
    assert names == [name]


async def test_a_name_that_does_not_resolve_is_no_connection():
    async def fail(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    for resolver in (fail, Resolver([])):
        with pytest.raises(httpx.ConnectError):
            await ask(GuardedTransport(resolve=resolver), "http://files.example/")


async def test_a_name_server_that_is_silent_is_not_waited_for_longer_than_a_connection():
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(httpx.ConnectTimeout):
        await ask(GuardedTransport(resolve=never), "http://files.example/", timeout_s=0.05)


async def test_a_proxy_gets_names_it_can_judge_and_nothing_that_leads_inside(monkeypatch: pytest.MonkeyPatch):
    async def unknown_here(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with raw_server(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "")
        for resolver in (Resolver([PUBLIC]), unknown_here):
            assert (await ask(GuardedTransport(resolve=resolver), "http://files.example/a.png")).text == "ok"
        for url in ("http://169.254.169.254/", "http://inside.example/"):
            with pytest.raises(RefusedAddressError):
                await ask(GuardedTransport(resolve=Resolver(["10.0.0.1"])), url)
    assert [request.split(b"\r\n")[0] for request in proxy.received] == [b"GET http://files.example/a.png HTTP/1.1"] * 2
