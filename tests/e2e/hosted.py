"""A stand-in for the hosted API: speaks its second dialect over real HTTP, wants a key, and counts what it is sent."""

import threading
import time
from dataclasses import dataclass, field
from io import BytesIO

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import Response
from PIL import Image

KEY = "cdt_planted_key_0123456789abcdef"


@dataclass
class HostedApi:
    """What the stand-in has seen, and how it behaves."""

    url: str = ""
    created: int = 0
    cancelled: list[str] = field(default_factory=list)
    looks: int = 0
    looks_until_done: int = 3
    last_answer: dict[str, object] | None = None
    """Said instead of a good end."""
    answers: dict[str, dict[str, object]] = field(default_factory=dict)
    """Said instead of a good end of these predictions."""
    forgets: bool = False
    """Answers every look as if there were no such prediction."""


def create_hosted_api(seen: HostedApi) -> FastAPI:
    api = FastAPI()

    def check(key: str | None) -> None:
        if key != KEY:
            raise HTTPException(401, "invalid api key")

    @api.post("/v1/predictions")
    async def create(request: Request, x_api_key: str | None = Header(None)) -> dict[str, object]:
        check(x_api_key)
        seen.created += 1
        seen.looks = 0
        return {"id": f"job-{seen.created}", "status": "starting", "output": None}

    @api.get("/v1/predictions/{job_id}")
    async def look(job_id: str, request: Request, x_api_key: str | None = Header(None)) -> dict[str, object]:
        check(x_api_key)
        if seen.forgets or not job_id.startswith("job-"):
            raise HTTPException(404, "not found")
        if job_id in seen.cancelled:
            return {"id": job_id, "status": "canceled"}
        seen.looks += 1
        if seen.looks < seen.looks_until_done:
            return {"id": job_id, "status": "processing"}
        answer = seen.answers.get(job_id, seen.last_answer)
        if answer is not None:
            return {"id": job_id, **answer}
        output = str(request.base_url) + "files/picture.png"
        return {"id": job_id, "status": "succeeded", "output": [output], "metrics": {"run_time": 1.5}}

    @api.delete("/v1/predictions/{job_id}")
    async def cancel(job_id: str, x_api_key: str | None = Header(None)) -> dict[str, object]:
        check(x_api_key)
        seen.cancelled.append(job_id)
        return {"id": job_id, "status": "canceled"}

    @api.get("/files/picture.png")
    async def picture() -> Response:
        buffer = BytesIO()
        Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
        return Response(buffer.getvalue(), media_type="image/png")

    return api


class ServerThread:
    """uvicorn on a free port in a thread."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "ServerThread":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
