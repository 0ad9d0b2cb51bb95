"""What stands between us and addresses that strangers name: only the public internet, and only the address that was checked.

Every request passes here, redirects included. The origins we were configured with are always allowed, loopback ones too.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from urllib.request import getproxies, proxy_bypass

import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_ADDRESSES = 4  # tried one after the other, each for the whole connect timeout
_LOWEST_OPEN_PORT = 1024  # below it live mail, shells and name servers, and of the web only these two:
_WEB_PORTS = (80, 443)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMERIC = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")

# `is_global` differs from one Python to the next: these it has called global at some time.
_NOT_PUBLIC_V4 = tuple(ipaddress.IPv4Network(net) for net in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4"))
# All global unicast addresses of IPv6 begin like this. IPv4 in other clothes (mapped, compatible, NAT64) lies outside;
# what is inside and still not a plain host: protocol assignments with Teredo, documentation (twice), 6to4.
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


class RefusedAddressError(ValueError):
    """An address that is not fetched from; the text is the reason. No httpx error, so that nothing tries it again."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's answer: every address of a host, in the order to try them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(address: Address) -> bool:
    """Whether it is a plain host on the public internet, in no disguise."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC_V4)
    return address.scope_id is None and address in _UNICAST_V6 and not any(address in net for net in _NOT_PUBLIC_V6)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends what is for our own origins through `own_way`, and everything else to checked public addresses.

    A name is resolved once and the connection made to exactly what was checked, so that a second answer of the name
    server changes nothing; `Host`, the name in the TLS handshake and the certificate's check keep the name.

    Where the environment names a proxy for an address, the proxy makes the connection and resolves the name again: who
    sets one has put the decision about where connections may go there. Written addresses are still checked, and names as
    far as they resolve here; behind many proxies none do, and refusing those would lose pictures that are paid for.
    """

    def __init__(
        self, own_way: httpx.AsyncBaseTransport | None = None, *, own_origins: Collection[str] = (), resolve: Resolve = resolve
    ) -> None:
        self._own_way = own_way
        self._own_origins = {origin(httpx.URL(url)) for url in own_origins}
        self._resolve = resolve
        self._ways: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. Raises RefusedAddressError for one that must not leave."""
        if self._own_way is not None and origin(request.url) in self._own_origins:
            return await self._own_way.handle_async_request(request)
        check_form(request.url)
        if proxy := proxy_for(request.url):
            await self._check_as_far_as_known(request)
            return await self._way(proxy).handle_async_request(request)
        return await self._send_to(await self._checked(request), request)

    async def aclose(self) -> None:
        """Close every connection."""
        for way in (self._own_way, *self._ways.values()):
            if way is not None:
                await way.aclose()

    async def _send_to(self, addresses: Sequence[str], request: httpx.Request) -> httpx.Response:
        way = self._way(None)
        for address in addresses[:-1]:
            try:
                return await way.handle_async_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await way.handle_async_request(_pinned(request, addresses[-1]))

    async def _checked(self, request: httpx.Request) -> Sequence[str]:
        """The addresses of the request's host, all of them public: one that is not makes the others suspect."""
        host = _host(request.url)
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                addresses = await self._resolve(host, _port(request.url))
        except TimeoutError as error:
            raise httpx.ConnectTimeout("the name server did not answer", request=request) from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("the name does not resolve", request=request) from error
        if not addresses:
            raise httpx.ConnectError("the name has no address", request=request)
        if not all(_is_public_text(address) for address in addresses):
            raise RefusedAddressError(f"{host} is not on the public internet")
        return addresses[:_MOST_ADDRESSES]

    async def _check_as_far_as_known(self, request: httpx.Request) -> None:
        try:
            await self._checked(request)
        except httpx.TransportError:
            return

    def _way(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        if proxy not in self._ways:
            # Nothing is kept alive: a connection made and verified for one name must not serve another at the same address.
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
            self._ways[proxy] = httpx.AsyncHTTPTransport(limits=limits, proxy=proxy)
        return self._ways[proxy]


def check_form(url: httpx.URL) -> None:
    """Raise RefusedAddressError for a URL that is refused unresolved: only plain names and canonical addresses pass."""
    host = _host(url)
    if url.scheme not in ("http", "https"):
        raise RefusedAddressError(f"a {url.scheme or 'relative'} address")
    if url.userinfo:
        raise RefusedAddressError("an address with a user name in it")
    if _port(url) not in _WEB_PORTS and _port(url) < _LOWEST_OPEN_PORT:
        raise RefusedAddressError(f"port {url.port} is not one of the web")
    if ":" in host or _NUMERIC.fullmatch(host):  # an IPv6 address, or what some resolver might read as an IPv4 one
        if not _is_public_text(host):
            raise RefusedAddressError(f"{host} is not on the public internet")
    elif not _NAME.fullmatch(host):
        raise RefusedAddressError("an address without a plain host name")


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port: what decides whether two URLs are of one server."""
    return url.scheme, url.host, _port(url)


def proxy_for(url: httpx.URL) -> str | None:
    """The environment's proxy for this address; httpx looks for one itself only where no transport is given."""
    if not url.host or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)


def _is_public_text(address: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(address))
    except ValueError:
        return False


def _host(url: httpx.URL) -> str:
    """As it goes over the wire: international names in their ASCII form."""
    return url.raw_host.decode("ascii", "replace")


def _port(url: httpx.URL) -> int:
    return (443 if url.scheme == "https" else 80) if url.port is None else url.port


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to that very address; its headers still name the host."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions | {"sni_hostname": _host(request.url)},
    )
