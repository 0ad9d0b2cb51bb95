"""Real servers on this machine: one whose answers a test writes down, and one that misbehaves below HTTP."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Received:
    """One request as the server saw it; `path` with its percent-escapes, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ScriptedApi:
    """Answers with one response after the other; the last one is repeated."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    _script: list[Response] = field(default_factory=list)

    def answers(self, *responses: Response) -> None:
        self._script = list(responses)

    def forget(self) -> None:
        self.received.clear()
        self._script = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["raw_path"].decode("ascii")
        self.received.append(Received(request.method, path, dict(request.headers), await request.body()))
        response = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        await response(scope, receive, send)


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """A scripted API on a port of its own, in a thread of its own."""
    api = ScriptedApi()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        api.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server = uvicorn.Server(uvicorn.Config(api, log_config=None, access_log=False, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield api
        server.should_exit = True
        thread.join()


@dataclass
class RawServer:
    """What came in over the raw server's connections, one entry a request."""

    url: str
    received: list[bytes] = field(default_factory=list)


NEVER = object()
AT_ONCE = object()


@asynccontextmanager
async def raw_server(act: Any, *, port: int = 0) -> AsyncIterator[RawServer]:
    """Reads each request whole, then sends the bytes `act` and closes the connection.

    AT_ONCE closes without reading, NEVER keeps the connection open and silent.
    """
    over = asyncio.Event()
    server = RawServer(url="")

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if act is AT_ONCE:
                server.received.append(b"")
                return
            server.received.append(await _request(reader))
            if act is NEVER:
                await over.wait()
            else:
                writer.write(act)
                await writer.drain()
        finally:
            writer.close()

    listener = await asyncio.start_server(converse, "127.0.0.1", port)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        over.set()
        listener.close()
        await listener.wait_closed()
        await asyncio.sleep(0)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


class Resolver:
    """Answers with one list of addresses after the other, the last again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
