"""The routes: thin, and the same whether they are served over HTTP or called in process."""

import asyncio
import hmac
import json
from collections.abc import Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, File, Form, Header, HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from PIL.Image import Image
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from playground import __version__
from playground.contract.inputs import PredictionInput, explain
from playground.contract.model import HOSTED_ID, ModelInfo
from playground.contract.prediction import Prediction
from playground.errors import BadInputError, KeyRefusedError, NotFoundError, PlaygroundError, RateLimitedError, StorageError
from playground.pictures import LARGEST_UPLOAD_BYTES, cut_to_result, read_picture
from playground.service.body import BodyLimit
from playground.service.images import fetch
from playground.service.runner import Runner

_STATUS_CODES: dict[type[PlaygroundError], int] = {
    BadInputError: 422,
    KeyRefusedError: 401,
    NotFoundError: 404,
    RateLimitedError: 429,
    StorageError: 507,
}
_BODY_ROOM = LARGEST_UPLOAD_BYTES * 4 // 3 + 1024 * 1024  # an image in base64, and the rest of the JSON


_MOST_PICTURES_READ_AT_ONCE = 2  # decoding a large upload takes hundreds of megabytes for a moment


class CreateRequest(BaseModel):
    """The body of POST /predictions. Optional fields of the hosted API that mean nothing here are accepted and unused."""

    model_config = ConfigDict(extra="ignore")

    model: str
    input: PredictionInput


def create_api(runner: Runner, *, api_key: SecretStr | None = None) -> FastAPI:
    """The service as an ASGI app. With `api_key`, predictions need it in `X-API-Key` or as a bearer token."""
    api = FastAPI(title="Prediction API of the FLUX.1 Krea playground", version=__version__)
    api.state.runner = runner
    api.state.api_key = api_key
    api.state.reading = asyncio.Semaphore(_MOST_PICTURES_READ_AT_ONCE)
    api.add_middleware(BodyLimit, most_bytes=_BODY_ROOM)
    api.add_exception_handler(PlaygroundError, _answer_error)
    api.add_exception_handler(RequestValidationError, _answer_invalid)
    api.include_router(_open)
    api.include_router(_guarded)
    return api


def _runner(request: Request) -> Runner:
    return request.app.state.runner


def _check_key(
    request: Request,
    x_api_key: Annotated[str | None, Header()] = None,
    authorization: Annotated[str | None, Header()] = None,
) -> None:
    expected: SecretStr | None = request.app.state.api_key
    if expected is None:
        return
    given = x_api_key or (authorization or "").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(given.encode(), expected.get_secret_value().encode()):
        raise KeyRefusedError("This service wants an API key.", advice="Send it in the header X-API-Key.")


def _client(request: Request, x_client_id: Annotated[str | None, Header(max_length=100)] = None) -> str:
    """Whose turn it is in the queue: what the caller says it is, else its address."""
    return x_client_id or (request.client.host if request.client else "unknown")


RunnerHere = Annotated[Runner, Depends(_runner)]
ClientHere = Annotated[str, Depends(_client)]

_open = APIRouter(prefix="/v1")
_guarded = APIRouter(prefix="/v1", dependencies=[Depends(_check_key)])


@_open.get("/models")
async def list_models(runner: RunnerHere) -> list[ModelInfo]:
    """The model that runs here, and what it knows."""
    return [runner.model]


@_open.get("/outputs/{name}", response_class=FileResponse)
async def read_output(name: str, runner: RunnerHere) -> FileResponse:
    """A finished picture's file; its unguessable name is the permission to read it."""
    if (path := runner.outputs.find(name)) is None:
        raise NotFoundError("There is no such output; outputs are kept for an hour.", advice="Run the prediction again.")
    return FileResponse(path)


@_guarded.post("/predictions", status_code=201)
async def create_prediction(body: CreateRequest, request: Request, runner: RunnerHere, client: ClientHere) -> Prediction:
    """Create a prediction; poll it with the job_id that comes back."""
    _check_model(body.model, runner)
    image = None
    if body.input.image is not None:
        image = await _ready(request, await fetch(body.input.image))
    return _with_urls(await runner.submit(body.input, client=client, image=image), request)


@_guarded.post("/predictions/upload", status_code=201)
async def create_prediction_from_upload(
    model: Annotated[str, Form()],
    input: Annotated[str, Form(description="The inputs as JSON text.")],
    image: Annotated[UploadFile, File(alias="file:image")],
    request: Request,
    runner: RunnerHere,
    client: ClientHere,
) -> Prediction:
    """Create a prediction with an image file: the form field `file:image` becomes the input `image`."""
    _check_model(model, runner)
    try:
        wanted = PredictionInput.model_validate_json(input)
    except ValidationError as error:
        raise BadInputError(explain(error)) from error
    picture = await _ready(request, await image.read())
    return _with_urls(await runner.submit(wanted, client=client, image=picture), request)


@_guarded.get("/predictions/{job_id}")
async def get_prediction(job_id: str, request: Request, runner: RunnerHere) -> Prediction:
    """The prediction as it stands: status, place in the queue, step, preview, result."""
    return _with_urls(runner.get(job_id), request)


@_guarded.delete("/predictions/{job_id}")
async def cancel_prediction(job_id: str, request: Request, runner: RunnerHere) -> Prediction:
    """Cancel: at once while it waits, before the next step while it runs."""
    return _with_urls(runner.cancel(job_id), request)


def _check_model(model: str, runner: Runner) -> None:
    """The hosted model's id is accepted too, so that a request can be sent here unchanged; the answer names the real model."""
    if model not in (runner.model.id, HOSTED_ID):
        raise NotFoundError(f"This service runs {runner.model.id}, not what was asked for.", advice="See GET /v1/models.")


async def _ready(request: Request, data: bytes) -> Image:
    async with request.app.state.reading:
        return await asyncio.to_thread(lambda: cut_to_result(read_picture(data)))


def _with_urls(prediction: Prediction, request: Request) -> Prediction:
    if prediction.result is None:
        return prediction
    urls = tuple(str(request.url_for("read_output", name=name)) for name in prediction.result)
    return prediction.model_copy(update={"result": urls})


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, PlaygroundError):
        raise HTTPException(500)
    status = next((code for kind, code in _STATUS_CODES.items() if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    if isinstance(error, RateLimitedError) and error.retry_after_s is not None:
        headers["Retry-After"] = str(round(error.retry_after_s))
    detail = " ".join(part for part in (error.what, error.advice) if part)
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """422 in one readable line; never echoes the request, which may hold an image of megabytes."""
    problems = cast(Sequence[dict[str, Any]], error.errors()) if isinstance(error, RequestValidationError) else ()
    return JSONResponse({"detail": "; ".join(_problem(problem) for problem in problems)}, status_code=422)


def _problem(problem: dict[str, Any]) -> str:
    if problem.get("type") == "json_invalid":
        return f"body: not valid JSON, {problem.get('ctx', {}).get('error', 'no reason given')}"
    where = ".".join(str(part) for part in problem.get("loc", ()) if part != "body")
    came = json.dumps(problem.get("input"), default=str)
    shown = f", got {came}" if problem.get("type") not in ("missing", "extra_forbidden") and len(came) <= 60 else ""
    return f"{where or 'body'}: {problem.get('msg', 'not valid')}{shown}"
