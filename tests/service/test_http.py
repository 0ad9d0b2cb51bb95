"""The routes: what is answered, refused and delivered, in process and over a socket alike."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from playground.client.api import ImageFile
from playground.contract.inputs import INPUTS, PredictionInput
from playground.contract.model import FLUX_KREA, HOSTED_ID
from playground.contract.prediction import Status
from playground.errors import BadInputError, NotFoundError, RateLimitedError
from playground.service.inspection import described
from playground.service.outputs import OutputFolder
from tests.service.conftest import Serve
from tests.service.engines import INFO, GatedEngine, InstantEngine, colour
from tests.service.serving import until

pytestmark = pytest.mark.anyio

BODY = {"model": INFO.id, "input": {"prompt": "ghost", "megapixels": "0.25", "num_inference_steps": 2, "seed": 5}}


def body(**inputs: object) -> dict[str, object]:
    return {"model": INFO.id, "input": {**BODY["input"], **inputs}}


async def test_create_answers_in_the_documented_words(serve: Serve) -> None:
    service = await serve(GatedEngine())

    response = await service.post(BODY)

    answer = response.json()
    assert response.status_code == 201
    assert set(answer) >= {"job_id", "status", "provider", "model", "created_at", "result", "error"}
    assert answer["status"] == "pending"
    assert answer["provider"] == "playground"
    assert answer["result"] is None
    assert answer["error"] is None
    assert answer["created_at"].endswith("Z")
    assert answer["job_id"]


async def test_a_prediction_is_created_polled_completed_and_downloaded(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    service = await serve(InstantEngine())
    wanted = request_of_three_steps.model_copy(update={"num_outputs": 3, "output_format": "png"})

    last = await service.make(wanted)
    outputs = await service.client.download(last)

    assert last.status == Status.COMPLETED
    assert last.error is None
    assert last.seed == 5
    assert len(outputs) == 3
    for index, output in enumerate(outputs):
        assert output.media_type == "image/png"
        with Image.open(BytesIO(output.data)) as picture:
            assert picture.size == (512, 512)
            assert picture.convert("RGB").getpixel((9, 9)) == colour(5, index)


async def test_result_urls_lie_on_the_address_that_was_asked(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())

    last = await service.make(request_of_three_steps)

    assert last.result is not None
    assert [url.rsplit("/", 1)[0] for url in last.result] == [f"{service.base_url}/outputs"]


async def test_times_are_measured(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())

    last = await service.make(request_of_three_steps)

    assert set(last.metrics) == {"queue_time", "run_time", "total_time"}
    assert last.metrics["total_time"] == pytest.approx(last.metrics["queue_time"] + last.metrics["run_time"], abs=0.002)


async def test_the_hosted_model_is_accepted_and_the_real_one_named(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    service = await serve(InstantEngine())

    response = await service.post({**BODY, "model": HOSTED_ID})

    assert response.status_code == 201
    assert response.json()["model"] == INFO.id


async def test_a_request_for_another_model_is_refused(serve: Serve) -> None:
    engine = InstantEngine()
    service = await serve(engine)

    response = await service.post({**BODY, "model": "someone/else"})

    assert response.status_code == 404
    assert INFO.id in response.json()["detail"]
    assert engine.seeds == []


async def test_fields_of_the_hosted_api_without_meaning_here_are_accepted(serve: Serve) -> None:
    service = await serve(InstantEngine())

    assert (await service.post({**BODY, "is_public": True, "webhook": "https://example.org"})).status_code == 201


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prompt", ""),
        ("prompt", "  "),
        ("prompt", None),
        ("prompt", 5),
        ("aspect_ratio", "7:1"),
        ("image", 5),
        ("prompt_strength", 1.01),
        ("num_outputs", 0),
        ("num_outputs", 5),
        ("num_inference_steps", 51),
        ("num_inference_steps", 2.5),
        ("guidance", -0.1),
        ("guidance", "much"),
        ("seed", -1),
        ("seed", 2**53),
        ("output_format", "gif"),
        ("output_quality", 101),
        ("disable_safety_checker", "perhaps"),
        ("go_fast", []),
        ("megapixels", "2"),
        ("colour", "red"),
    ],
)
async def test_a_bad_input_is_a_422_that_names_it(serve: Serve, name: str, value: object) -> None:
    service = await serve(InstantEngine())

    response = await service.post(body(**{name: value}))

    assert response.status_code == 422
    detail = response.json()["detail"]
    assert isinstance(detail, str)
    assert f"input.{name}" in detail


async def test_a_missing_prompt_is_named(serve: Serve) -> None:
    service = await serve(InstantEngine())

    response = await service.post({"model": INFO.id, "input": {}})

    assert (response.status_code, response.json()) == (422, {"detail": "input.prompt: Field required"})


async def test_a_bad_input_that_is_long_is_not_echoed(serve: Serve) -> None:
    service = await serve(InstantEngine())

    response = await service.post(body(aspect_ratio="x" * 10_000))

    assert response.status_code == 422
    assert len(response.text) < 500


@pytest.mark.parametrize("content", [b"", b"{", b"nonsense", b'"text"', b"[]", b"null", b"\xff\xfe\x00"])
async def test_a_body_that_is_no_request_is_refused_readably(serve: Serve, content: bytes) -> None:
    service = await serve(InstantEngine())

    response = await service.http.post("/predictions", content=content, headers={"content-type": "application/json"})

    assert response.status_code in (400, 422)
    assert isinstance(response.json()["detail"], str)
    assert response.json()["detail"]


async def test_malformed_json_is_said_to_be_that(serve: Serve) -> None:
    service = await serve(InstantEngine())

    response = await service.http.post("/predictions", content=b'{"model": ', headers={"content-type": "application/json"})

    assert (response.status_code, response.json()) == (422, {"detail": "body: not valid JSON, Expecting value"})


async def test_a_missing_body_is_named(serve: Serve) -> None:
    service = await serve(InstantEngine())

    response = await service.http.post("/predictions")

    assert (response.status_code, response.json()) == (422, {"detail": "body: Field required"})


@pytest.mark.parametrize("depth", [50, 400, 800, 900, 940, 960, 980, 1000, 5000])
async def test_a_deeply_nested_input_is_refused_and_not_a_crash(serve: Serve, depth: int) -> None:
    service = await serve(InstantEngine())
    nested = "[" * depth + "]" * depth
    content = f'{{"model": "{INFO.id}", "input": {{"prompt": "ghost", "seed": {nested}}}}}'

    response = await service.http.post("/predictions", content=content, headers={"content-type": "application/json"})

    assert response.status_code in (400, 422)


async def test_an_unknown_prediction_is_not_found(serve: Serve) -> None:
    service = await serve(InstantEngine())

    for send in (service.client.get, service.client.cancel):
        with pytest.raises(NotFoundError, match="no prediction with that id"):
            await send("unknown")


async def test_models_describes_the_model(serve: Serve) -> None:
    service = await serve(InstantEngine())

    assert await service.client.models() == (described(INFO, is_checked=False),)


async def test_the_hosted_client_can_be_pointed_at_this_service(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())
    hosted = type(service.client)(service.base_url, service.client.http, service.client.pace, model=FLUX_KREA)

    assert (await hosted.create(request_of_three_steps)).model == INFO.id


async def test_a_full_queue_answers_429_and_says_when_to_come_back(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    service = await serve(GatedEngine(), queue_capacity=2)
    running = await service.client.create(request_of_three_steps)
    await until(lambda: service.runner.get(running.job_id).status == Status.PROCESSING)
    for _ in range(2):
        await service.client.create(request_of_three_steps)

    response = await service.post(BODY)
    with pytest.raises(RateLimitedError) as refused:
        await service.client.create(request_of_three_steps)

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "full" in response.json()["detail"]
    assert refused.value.retry_after_s == 5


async def test_clients_take_turns(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    busy, quiet = service.client.as_visitor(client_id="busy"), service.client.as_visitor(client_id="quiet")
    first = await busy.create(request_of_three_steps.model_copy(update={"prompt": "running"}))
    await until(lambda: engine.prompts == ["running"])

    waiting = [await busy.create(request_of_three_steps.model_copy(update={"prompt": f"busy {n}"})) for n in range(5)]
    late = await quiet.create(request_of_three_steps.model_copy(update={"prompt": "quiet"}))

    assert late.progress is not None
    assert late.progress.queue_position == 2
    positions = [(await busy.get(prediction.job_id)).progress for prediction in waiting]
    assert [progress and progress.queue_position for progress in positions] == [1, 3, 4, 5, 6]
    running = (await busy.get(first.job_id)).progress
    assert running is not None
    assert running.queue_position is None
    engine.allow(100)
    await service.ended(waiting[-1])
    assert engine.prompts == ["running", "busy 0", "quiet", "busy 1", "busy 2", "busy 3", "busy 4"]


async def test_callers_without_a_client_id_share_the_turns_of_their_address(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    await service.post(BODY)
    await until(lambda: engine.prompts)

    answers = [(await service.post(BODY)).json() for _ in range(3)]

    assert [answer["progress"]["queue_position"] for answer in answers] == [1, 2, 3]


async def test_a_seed_is_used_and_reported(serve: Serve) -> None:
    engine = InstantEngine()
    service = await serve(engine)

    answer = (await service.post(body(seed=2**53 - 1))).json()
    await until(lambda: engine.seeds)

    assert answer["seed"] == 2**53 - 1
    assert engine.seeds == [2**53 - 1]


@pytest.mark.parametrize("seed", [None, 0])
async def test_without_a_seed_one_is_drawn_and_reported(serve: Serve, seed: int | None) -> None:
    engine = InstantEngine()
    drawn = iter((41, 42))
    service = await serve(engine, draw_seed=lambda: next(drawn))

    answers = [(await service.post(body(seed=seed))).json() for _ in range(2)]
    await until(lambda: len(engine.seeds) == 2)

    assert [answer["seed"] for answer in answers] == [41, 42]
    assert engine.seeds == [41, 42]


async def test_the_seeds_that_the_service_draws_differ(serve: Serve) -> None:
    service = await serve(InstantEngine())

    seeds = {(await service.post(body(seed=None))).json()["seed"] for _ in range(8)}

    assert len(seeds) == 8
    assert min(seeds) > 0


async def test_notes_say_what_has_no_effect(serve: Serve) -> None:
    service = await serve(GatedEngine())

    answer = (await service.post(body(prompt="a ghost in a Zeppelin", output_quality=5, seed=0))).json()

    assert "The fake model doesn't know: zeppelin." in answer["notes"]
    assert "File quality: no effect, this model has none." in answer["notes"]
    assert any(note.startswith("Seed: 0 means no seed") for note in answer["notes"])


async def test_an_answer_without_remarks_has_no_notes(serve: Serve) -> None:
    service = await serve(GatedEngine())

    assert (await service.post(BODY)).json()["notes"] == []


async def test_outputs_expire(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    now_s = [0.0]
    service = await serve(InstantEngine(), outputs=OutputFolder(lifetime_s=60, clock=lambda: now_s[0]))
    last = await service.make(request_of_three_steps)
    assert last.result is not None

    now_s[0] = 60
    before = await service.http.get(last.result[0])
    now_s[0] = 60.1
    after = await service.http.get(last.result[0])

    assert before.status_code == 200
    assert after.status_code == 404
    assert "kept for an hour" in after.json()["detail"]


@pytest.mark.parametrize(
    "name",
    ["unknown.webp", "..", "../models", "%2e%2e", "%2e%2e%2fmodels", "..%2f..%2f..%2fetc%2fpasswd", "%00", "a" * 5000, "."],
)
async def test_an_output_that_was_not_written_here_is_not_found(
    serve: Serve, request_of_three_steps: PredictionInput, name: str
) -> None:
    service = await serve(InstantEngine())
    await service.make(request_of_three_steps)

    response = await service.http.get(f"{service.base_url}/outputs/{name}")

    if name == "../models":  # httpx itself resolves this one, to a route that exists
        assert response.json()[0]["id"] == INFO.id
    else:
        assert response.status_code == 404


async def test_a_file_beside_the_outputs_cannot_be_read(
    serve: Serve, request_of_three_steps: PredictionInput, tmp_path: Path
) -> None:
    service = await serve(InstantEngine())
    last = await service.make(request_of_three_steps)
    assert last.result is not None
    written = service.runner.outputs.find(last.result[0].rsplit("/", 1)[1])
    assert written is not None
    (written.parent / "beside.txt").write_text("secret")

    response = await service.http.get("/outputs/beside.txt")

    assert response.status_code == 404


@pytest.mark.parametrize("has_length", [True, False])
async def test_a_body_that_is_too_large_is_refused(serve: Serve, has_length: bool) -> None:
    service = await serve(InstantEngine())
    megabyte = b" " * 2**20

    async def chunks():
        for _ in range(46):
            yield megabyte

    response = await service.http.post(
        "/predictions",
        content=megabyte * 46 if has_length else chunks(),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert response.json() == {"detail": "The request is larger than 43 MB."}
    assert (await service.post(BODY)).status_code == 201


async def test_the_client_tells_a_body_that_is_too_large_from_a_fault(
    serve: Serve, request_of_three_steps: PredictionInput
) -> None:
    service = await serve(InstantEngine())
    image = "data:image/png;base64," + "A" * (45 * 2**20)

    with pytest.raises(BadInputError, match="larger than 43 MB"):
        await service.client.create(request_of_three_steps.model_copy(update={"image": image}))


async def test_the_api_describes_itself(serve: Serve) -> None:
    service = await serve(InstantEngine())

    schema = (await service.http.get(service.base_url.removesuffix("/v1") + "/openapi.json")).json()

    assert {path: set(methods) for path, methods in schema["paths"].items()} == {
        "/v1/models": {"get"},
        "/v1/outputs/{name}": {"get"},
        "/v1/predictions": {"post"},
        "/v1/predictions/upload": {"post"},
        "/v1/predictions/{job_id}": {"get", "delete"},
    }
    described = schema["components"]["schemas"]["PredictionInput"]["properties"]
    assert list(described) == list(INPUTS)
    assert described["guidance"]["maximum"] == 10


async def test_a_job_id_is_no_path(serve: Serve) -> None:
    service = await serve(InstantEngine())

    with pytest.raises(NotFoundError):
        await service.client.get("../models")


async def test_metadata_names_model_and_seed_and_holds_no_image(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "PNG")

    last = await service.make(request_of_three_steps, image=ImageFile("start.png", buffer.getvalue(), "image/png"))
    (output,) = await service.client.download(last)

    with Image.open(BytesIO(output.data)) as picture:
        made_from = json.loads(picture.getexif()[270])
    assert made_from["model"] == INFO.id
    assert made_from["input"]["seed"] == 5
    assert set(made_from["input"]) == set(INPUTS) - {"image"}
