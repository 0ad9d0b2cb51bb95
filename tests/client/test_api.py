"""What the client sends, what it makes of the answers, and that the key stays where it belongs."""

import gzip
import logging
from email.parser import BytesParser
from email.policy import HTTP

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.responses import JSONResponse, PlainTextResponse, Response

from playground.client import api as client_api
from playground.client.api import ImageFile, PredictionClient
from playground.client.watch import hosted_pace, local_pace
from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, HOSTED_ID
from playground.contract.prediction import Status
from playground.errors import BadInputError, KeyRefusedError, NetworkError, NotFoundError, NotUnderstoodError, PlaygroundError

from .conftest import FOX, FREE_MODEL, KEY, OpenClient
from .servers import NEVER, Received, ScriptedApi, free_port, raw_server

pytestmark = pytest.mark.anyio

IMAGE = ImageFile("fox.png", b"\x89PNG\r\n\x1a\n\r\n--not-a-boundary\0", "image/png")
MALFORMED_KEYS = {
    "empty": "",
    "space": "cdt_one two",
    "padded": " cdt_padded_secret",
    "line break": "cdt_secret\n",
    "header injection": "cdt_secret\r\nX-Evil: 1",
    "not ascii": "cdt_gehëim",
    "control": "cdt_\x7fsecret",
    "too long": "cdt_" + "s" * 996,
}


def job(status: str = "pending", **more: object) -> Response:
    return JSONResponse({"job_id": "abc123", "status": status} | more)


def parts(received: Received) -> dict[str, tuple[str | None, str, bytes]]:
    """(file name, media type, content) of each field of a multipart body."""
    head = f"content-type: {received.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + received.body)
    return {
        part.get_param("name", header="content-disposition"): (  # pyright: ignore
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()  # pyright: ignore
    }


async def test_an_answer_that_unpacks_to_far_too_much_is_not_read_to_its_end(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client_api, "LARGEST_ANSWER_BYTES", 2**20)
    packed = gzip.compress(b'{"job_id": "abc123", "status": "' + b" " * 2**24)
    api.answers(Response(packed, media_type="application/json", headers={"content-encoding": "gzip"}))
    with pytest.raises(NotUnderstoodError, match="could not be read"):
        await client.get("abc123")


async def test_a_packed_answer_is_unpacked_once(api: ScriptedApi, client: PredictionClient):
    packed = gzip.compress('{"job_id": "abc123", "status": "failed", "error": "grün"}'.encode())
    api.answers(Response(packed, media_type="application/json", headers={"content-encoding": "gzip"}))
    prediction = await client.get("abc123")
    assert (prediction.status, prediction.error) == (Status.FAILED, "grün")


async def test_create_sends_the_model_and_its_inputs_as_json(api: ScriptedApi, client: PredictionClient):
    api.answers(job())
    prediction = await client.create(PredictionInput(prompt="a red fox – ein Füchslein", guidance=2.5, seed=7))
    assert (prediction.job_id, prediction.status) == ("abc123", Status.PENDING)
    [sent] = api.received
    assert (sent.method, sent.path) == ("POST", "/v1/predictions")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-api-key"] == KEY
    assert sent.json() == {
        "model": HOSTED_ID,
        "input": {
            "prompt": "a red fox – ein Füchslein",
            "aspect_ratio": "1:1",
            "prompt_strength": 0.8,
            "num_outputs": 1,
            "num_inference_steps": 28,
            "guidance": 2.5,
            "seed": 7,
            "output_format": "webp",
            "output_quality": 80,
            "disable_safety_checker": False,
            "go_fast": True,
            "megapixels": "1",
        },
    }


async def test_create_leaves_out_inputs_that_are_not_set(api: ScriptedApi, client: PredictionClient):
    api.answers(job())
    await client.create(FOX)
    assert {"seed", "image"}.isdisjoint(api.received[0].json()["input"])


async def test_create_with_an_image_sends_it_as_a_file(api: ScriptedApi, client: PredictionClient):
    api.answers(job())
    assert (await client.create(FOX, image=IMAGE)).job_id == "abc123"
    [sent] = api.received
    assert (sent.method, sent.path) == ("POST", "/v1/predictions/upload")
    assert sent.headers["x-api-key"] == KEY
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    fields = parts(sent)
    assert set(fields) == {"model", "input", "file:image"}
    assert fields["model"][2].decode() == HOSTED_ID
    assert PredictionInput.model_validate_json(fields["input"][2]) == FOX
    assert fields["file:image"] == ("fox.png", "image/png", IMAGE.data)


async def test_create_with_an_image_is_sent_once_when_the_server_fails(
    api: ScriptedApi, client: PredictionClient, naps: list[float]
):
    api.answers(Response(status_code=503), job())
    with pytest.raises(PlaygroundError, match="may have been spent"):
        await client.create(FOX, image=IMAGE)
    assert (len(api.received), naps) == (1, [])


async def test_create_reads_the_other_dialect(api: ScriptedApi, client: PredictionClient):
    api.answers(JSONResponse({"id": "xyz", "status": "starting"}, 201))
    prediction = await client.create(FOX)
    assert (prediction.job_id, prediction.status) == ("xyz", Status.PENDING)


async def test_client_without_a_key_sends_none(api: ScriptedApi, open_client: OpenClient):
    api.answers(job())
    await open_client(api.url, key=None).create(FOX)
    assert {"x-api-key", "x-client-id", "authorization", "cookie"}.isdisjoint(api.received[0].headers)


async def test_get_asks_for_the_job_by_its_id(api: ScriptedApi, client: PredictionClient):
    api.answers(job("processing"))
    assert (await client.get("abc123")).status is Status.PROCESSING
    assert (api.received[0].method, api.received[0].path) == ("GET", "/v1/predictions/abc123")


@pytest.mark.parametrize("job_id", ["a/b", "a?b=c", "a b", "a#b", "../files", "ü%2F"])
async def test_job_id_stays_one_segment_of_the_path(api: ScriptedApi, client: PredictionClient, job_id: str):
    api.answers(job())
    await client.get(job_id)
    path = api.received[0].path
    assert path.startswith("/v1/predictions/")
    assert path.count("/") == 3
    assert httpx.URL("http://x" + path).path == f"/v1/predictions/{job_id}"


async def test_cancel_reports_the_prediction_that_the_server_returns(api: ScriptedApi, client: PredictionClient):
    api.answers(job("canceled"))
    assert (await client.cancel("abc123")).status is Status.CANCELLED
    assert [(one.method, one.path) for one in api.received] == [("DELETE", "/v1/predictions/abc123")]


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=204),
        Response(),
        PlainTextResponse("Prediction cancelled."),
        JSONResponse("Prediction cancelled."),
        JSONResponse({"message": "Prediction cancelled."}),
        JSONResponse({"status": "cancelled"}),
        JSONResponse({"detail": "already finished"}, 409),
        Response(status_code=409),
        Response(b"[" * 100_000, media_type="application/json"),
    ],
    ids=["204", "empty", "sentence", "json sentence", "message", "no job id", "409", "empty 409", "nested without end"],
)
async def test_cancel_looks_again_when_the_answer_is_no_prediction(
    api: ScriptedApi, client: PredictionClient, answer: Response
):
    api.answers(answer, job("completed", result="https://files.example/a.webp"))
    assert (await client.cancel("abc123")).status is Status.COMPLETED
    assert [one.method for one in api.received] == ["DELETE", "GET"]


async def test_cancel_of_an_unknown_job_is_not_found(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(status_code=404))
    with pytest.raises(NotFoundError):
        await client.cancel("abc123")


async def test_models_are_read_where_the_api_describes_them(api: ScriptedApi, client: PredictionClient):
    api.answers(JSONResponse([FREE_MODEL.model_dump(mode="json"), {"id": "x", "label": "X", "new": 1}]))
    assert [model.id for model in await client.models()] == ["pocket", "x"]
    assert api.received[0].path == "/v1/models"


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=404),
        PlainTextResponse("hello"),
        JSONResponse(None),
        JSONResponse({"data": []}),
        JSONResponse([{"name": "x"}]),
        JSONResponse(7),
        Response(b"[" * 100_000, media_type="application/json"),
    ],
)
async def test_models_are_none_where_the_api_describes_none(api: ScriptedApi, client: PredictionClient, answer: Response):
    api.answers(answer)
    assert await client.models() == ()


@pytest.mark.parametrize(
    "answer", [Response(status_code=404), Response(status_code=410), Response(status_code=422), job("failed")]
)
async def test_check_key_is_content_when_the_api_lets_it_look(api: ScriptedApi, client: PredictionClient, answer: Response):
    api.answers(answer)
    assert await client.check_key() is None
    [sent] = api.received
    assert sent.method == "GET", "a check costs nothing"
    assert sent.headers["x-api-key"] == KEY


@pytest.mark.parametrize("status", [401, 403])
async def test_check_key_raises_when_the_key_is_refused(api: ScriptedApi, client: PredictionClient, status: int):
    api.answers(Response(status_code=status))
    with pytest.raises(KeyRefusedError, match="refused the API key"):
        await client.check_key()


async def test_check_key_raises_when_the_api_cannot_be_reached(open_client: OpenClient):
    with pytest.raises(NetworkError):
        await open_client(f"http://127.0.0.1:{free_port()}/v1").check_key()


@pytest.mark.parametrize("key", MALFORMED_KEYS.values(), ids=MALFORMED_KEYS)
async def test_malformed_key_is_refused_without_being_repeated(client: PredictionClient, key: str):
    with pytest.raises(KeyRefusedError) as caught:
        client.as_visitor(api_key=SecretStr(key))
    said = str(caught.value) + repr(caught.value)
    assert not key or key not in said
    assert "secret" not in said
    assert caught.value.__cause__ is None


def test_any_key_is_refused_or_can_be_sent_as_a_header():
    client = PredictionClient.connect("http://127.0.0.1:1/v1")

    @given(key=st.text(max_size=600) | st.text(st.characters(min_codepoint=30, max_codepoint=130), max_size=20))
    def is_refused_or_sent(key: str):
        try:
            visitor = client.as_visitor(api_key=SecretStr(key))
        except KeyRefusedError:
            assert not (key.isascii() and key.isalnum() and len(key) <= 512)
            return
        assert visitor.api_key is not None
        request = httpx.Request("GET", client.base_url, headers={"X-API-Key": visitor.api_key.get_secret_value()})
        assert request.headers["x-api-key"] == key

    is_refused_or_sent()


async def test_visitors_share_a_pool_and_send_their_own_keys(api: ScriptedApi, client: PredictionClient):
    api.answers(job())
    one = client.as_visitor(api_key=SecretStr("cdt_one"), client_id="visitor-1")
    other = client.as_visitor()
    for view in (one, other):
        await view.get("abc123")
    assert one.http is other.http is client.http
    assert one.pace is other.pace is client.pace
    first, second = (sent.headers for sent in api.received)
    assert (first["x-api-key"], first["x-client-id"]) == ("cdt_one", "visitor-1")
    assert {"x-api-key", "x-client-id"}.isdisjoint(second)


async def test_visitors_never_share_cookies(api: ScriptedApi):
    response = job()
    response.set_cookie("session", "of-the-first-visitor")
    api.answers(response, job())
    client = PredictionClient.connect(api.url)
    try:
        await client.as_visitor(api_key=SecretStr("cdt_one")).get("abc123")
        await client.as_visitor(api_key=SecretStr("cdt_two")).get("abc123")
    finally:
        await client.aclose()
    assert "cookie" not in api.received[1].headers


async def test_connect_reaches_the_api_with_a_slash_at_the_end_of_its_address(api: ScriptedApi):
    api.answers(job())
    client = PredictionClient.connect(api.url + "/")
    try:
        assert (await client.get("abc123")).job_id == "abc123"
    finally:
        await client.aclose()
    assert api.received[0].path == "/v1/predictions/abc123"


async def test_connect_repeats_what_is_safe_to_repeat(api: ScriptedApi):
    api.answers(JSONResponse({}, 503, headers={"retry-after": "0"}), job())
    client = PredictionClient.connect(api.url)
    try:
        assert (await client.get("abc123")).job_id == "abc123"
    finally:
        await client.aclose()
    assert len(api.received) == 2


@pytest.mark.parametrize(
    ("base_url", "pace"),
    [
        ("https://api.core.today/v1", hosted_pace()),
        ("http://localhost:8000/v1", local_pace()),
        ("http://127.0.0.1:8000/v1", local_pace()),
        ("http://[::1]:8000/v1", local_pace()),
    ],
)
async def test_connect_looks_more_often_at_a_service_on_this_machine(base_url: str, pace: object):
    client = PredictionClient.connect(base_url)
    await client.aclose()
    assert client.pace == pace


async def test_closed_client_leaves_no_connection_open(api: ScriptedApi):
    api.answers(job())
    client = PredictionClient.connect(api.url)
    await client.get("abc123")
    await client.aclose()
    assert client.http.is_closed


def test_messages_name_the_host_unless_the_api_has_a_name():
    client = PredictionClient.connect("https://api.core.today/v1", model=FLUX_KREA)
    assert client.host == "api.core.today"


async def test_error_calls_the_api_by_its_name(api: ScriptedApi):
    api.answers(JSONResponse({"detail": "no"}, 400))
    client = PredictionClient.connect(api.url, name="The pocket model", model=FREE_MODEL)
    try:
        with pytest.raises(BadInputError, match=r"^The pocket model refused the request: no\."):
            await client.create(FOX)
    finally:
        await client.aclose()


async def test_key_is_in_no_text_of_the_client(client: PredictionClient):
    for view in (client, client.as_visitor(api_key=SecretStr(KEY))):
        assert KEY not in repr(view) + str(view)


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 503])
async def test_key_is_in_no_error_and_no_log_line(
    api: ScriptedApi, client: PredictionClient, caplog: pytest.LogCaptureFixture, status: int
):
    caplog.set_level(logging.DEBUG)
    api.answers(JSONResponse({"detail": "because"}, status))
    for call in (client.create(FOX), client.create(FOX, image=IMAGE), client.get("abc123")):
        with pytest.raises(PlaygroundError) as caught:
            await call
        assert KEY not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert "HTTP Request: POST" in caplog.text
    assert "send_request_headers" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("act", [NEVER, b"", b"\0\0\0"], ids=["silence", "no answer", "not http"])
async def test_key_is_in_no_error_and_no_log_line_when_the_connection_breaks(
    open_client: OpenClient, caplog: pytest.LogCaptureFixture, act: object
):
    caplog.set_level(logging.DEBUG)
    async with raw_server(act) as server:
        with pytest.raises(PlaygroundError) as caught:
            await open_client(server.url, timeout_s=0.1).create(FOX)
        assert KEY.encode() in server.received[0]
    assert KEY not in str(caught.value) + repr(caught.value) + str(caught.value.__cause__) + repr(caught.value.__cause__)
    assert KEY not in caplog.text
