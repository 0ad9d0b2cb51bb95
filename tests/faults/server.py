"""A stand-in for the hosted API that goes wrong on purpose: real HTTP below the level where a framework would tidy up.

`GET /counts` answers what it was asked, what it accepted and what it promised to deliver.
"""

import asyncio
import hashlib
import json
import random
import re
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any

from PIL import Image

from tests.faults.plan import Fault, Plan

KEY = "cdt_planted_key_0123456789abcdef"
INSIDE = "http://169.254.169.254/latest/meta-data/"
_SICK_LOOKS = 2
_DRIP_S = 0.005
_PROMPT = re.compile(rb'"prompt":\s*("(?:[^"\\]|\\.)*")')
_NUM_OUTPUTS = re.compile(rb'"num_outputs":\s*(\d+)')
_EXPIRED = {Fault.FILE_403: 403, Fault.FILE_404: 404, Fault.FILE_410: 410}
_SCRIPTS = {
    Fault.UNKNOWN_STATUS: ["warming_up", "processing", "upscaling", "succeeded"],
    Fault.DUPLICATED: ["starting", "starting", "processing", "processing", "processing", "succeeded"],
    Fault.REORDERED: ["processing", "starting", "processing", "succeeded", "processing"],
    Fault.FAILS: ["processing", "failed"],
    Fault.ENDLESS: ["processing"],
}


@dataclass
class Job:
    """One accepted prediction."""

    id: str
    prompt: str
    fault: Fault
    num_outputs: int
    looks: int = 0
    fetched: set[int] = field(default_factory=set)
    is_cancelled: bool = False

    @cached_property
    def pictures(self) -> list[bytes]:
        """Files that tell the prediction they belong to."""
        return [_picture(f"{self.id}/{number}") for number in range(self.num_outputs)]

    def status(self) -> str:
        """The word for this look; the last one stays."""
        if self.is_cancelled:
            return "canceled"
        script = _SCRIPTS.get(self.fault, ["processing", "processing", "succeeded"])
        sick = _SICK_LOOKS if self.fault.value.startswith("look") else 0
        return script[min(max(self.looks - sick - 1, 0), len(script) - 1)]


@dataclass(frozen=True)
class Answer:
    """What is sent back, and how: whole, drip by drip, without its last half, or not at all."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    is_slow: bool = False
    is_broken_off: bool = False
    is_reset: bool = False


@dataclass
class FaultServer:
    """Speaks the hosted dialect: create, look, cancel, files. Every connection serves one request."""

    plan: Plan
    url: str = ""
    posts: int = 0
    """How often somebody asked for a prediction, with or without success."""
    jobs: dict[str, Job] = field(default_factory=dict)

    def counts(self) -> dict[str, Any]:
        """Everything a test in another process needs to know."""
        return {
            "posts": self.posts,
            "accepted": {
                job.id: {
                    "prompt": job.prompt,
                    "fault": job.fault,
                    "cancelled": job.is_cancelled,
                    "sha256": [hashlib.sha256(data).hexdigest() for data in job.pictures],
                }
                for job in self.jobs.values()
            },
        }

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request and its answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            answer = await self._answer(head, reader)
            if answer.is_reset:
                _reset(writer)
            else:
                await _write(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side is free to go
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> Answer:
        method, path, _ = head.split(" ", 2)
        if path == "/counts":
            return _json(self.counts())
        if path.startswith("/files/"):
            return self._file(path)
        if f"\r\nx-api-key: {KEY}\r\n".lower() not in head.lower():
            return _json({"detail": "invalid api key"}, 401)
        if method == "POST" and path in ("/v1/predictions", "/v1/predictions/upload"):
            return await self._create(head, reader)
        job = self.jobs.get(path.rpartition("/")[2])
        if job is None:
            return _json({"detail": "not found"}, 404)
        if method == "DELETE":
            job.is_cancelled = True
            return _json({"id": job.id, "status": "canceled"})
        return self._look(job)

    async def _create(self, head: str, reader: asyncio.StreamReader) -> Answer:
        self.posts += 1
        fault = self.plan.fault(self.posts)
        if fault == Fault.RESET_UNREAD:
            return Answer(is_reset=True)
        length = re.search(r"\r\ncontent-length: (\d+)\r\n", head.lower())
        body = await reader.readexactly(int(length[1]) if length else 0)
        if not fault.is_accepted:
            retry_after = {"retry-after": "1"} if fault == Fault.BUSY_FOR_A_SECOND else {}
            return Answer(500 if fault == Fault.SERVER_ERROR else 429, b'{"detail": "not now"}', retry_after)
        prompt, num_outputs = _PROMPT.search(body), _NUM_OUTPUTS.search(body)
        job = Job(
            f"job-{self.posts}", json.loads(prompt[1]) if prompt else "", fault, int(num_outputs[1]) if num_outputs else 1
        )
        self.jobs[job.id] = job
        unanswered = {
            Fault.GATEWAY_ERROR: Answer(502, b"<html>bad gateway</html>"),
            Fault.RESET_ACCEPTED: Answer(is_reset=True),
            Fault.ANSWER_NOT_JSON: Answer(200, b'{"id": "job-'),
            Fault.ANSWER_OF_WRONG_TYPES: _json({"id": {"is": job.id}, "status": 7}),
        }
        return unanswered.get(fault, _json({"id": job.id, "status": "starting", "output": None}))

    def _look(self, job: Job) -> Answer:
        job.looks += 1
        if job.looks <= _SICK_LOOKS and (sick := _SICK_ANSWERS.get(job.fault)):
            return sick
        status = job.status()
        said: dict[str, object] = {"id": job.id, "status": status}
        if status == "succeeded" and job.fault != Fault.NAMES_NOTHING:
            base = self.url.removesuffix("/v1")
            said["output"] = [f"{base}/files/{job.id}/{number}.png" for number in range(job.num_outputs)]
        if status == "failed":
            said["error"] = "the model ran out of paint"
        body = json.dumps(said).encode()
        return Answer(200, body, is_slow=job.fault == Fault.LOOK_SLOW)

    def _file(self, path: str) -> Answer:
        _, _, job_id, name = path.split("/")
        job, number = self.jobs[job_id], int(name.removesuffix(".png"))
        is_first, data = number not in job.fetched, job.pictures[number]
        job.fetched.add(number)
        if status := _EXPIRED.get(job.fault):
            return Answer(status, b"<Error>Request has expired</Error>")
        match job.fault:
            case Fault.FILE_LEADS_INSIDE:
                return Answer(302, headers={"location": INSIDE})
            case Fault.FILE_SERVER_ERROR if is_first:
                return Answer(503)
            case Fault.FILE_RESET if is_first:
                return Answer(is_reset=True)
            case Fault.TRUNCATED:
                return Answer(200, data[: len(data) // 2])
            case Fault.NOT_AN_IMAGE:
                return Answer(200, b"<html>Please sign in</html>")
            case _:
                is_broken_off = job.fault == Fault.FILE_BROKEN_OFF and is_first
                return Answer(200, data, is_slow=job.fault == Fault.FILE_SLOW, is_broken_off=is_broken_off)


@asynccontextmanager
async def fault_server(plan: Plan, *, port: int = 0) -> AsyncGenerator[FaultServer]:
    """The server on a port of this machine, for as long as the block lasts."""
    server = FaultServer(plan)
    listener = await asyncio.start_server(server.converse, "127.0.0.1", port)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    async with listener:
        yield server


def _json(said: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(said).encode())


_SICK_ANSWERS = {
    Fault.LOOK_SERVER_ERROR: Answer(500, b"oh no"),
    Fault.LOOK_BUSY: Answer(429, b"slow down"),
    Fault.LOOK_BUSY_FOR_A_SECOND: Answer(429, b"slow down", {"retry-after": "1"}),
    Fault.LOOK_RESET: Answer(is_reset=True),
    Fault.LOOK_NOT_JSON: Answer(200, b"<html>Just a moment</html>"),
    Fault.LOOK_OF_WRONG_TYPES: _json([{"id": None, "status": []}]),
}


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {"content-length": str(len(answer.body)), "connection": "close"} | answer.headers
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
    body = answer.body[: len(answer.body) // 2] if answer.is_broken_off else answer.body
    step = max(1, len(body) // 20) if answer.is_slow else len(body) or 1
    for start in range(0, len(body), step):
        writer.write(body[start : start + step])
        await writer.drain()
        await asyncio.sleep(_DRIP_S if answer.is_slow else 0)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset, not an end."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _picture(name: str) -> bytes:
    file = BytesIO()
    Image.frombytes("RGB", (48, 48), random.Random(name).randbytes(48 * 48 * 3)).save(file, "PNG")
    return file.getvalue()
