"""Who may use the service when it has a key."""

import pytest
from pydantic import SecretStr

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.errors import KeyRefusedError
from tests.service.conftest import Serve
from tests.service.engines import INFO, InstantEngine
from tests.service.serving import last

pytestmark = pytest.mark.anyio

KEY = "cdt_the-right-one"
BODY = {"model": INFO.id, "input": {"prompt": "ghost", "megapixels": "0.25"}}
GUARDED = [
    ("POST", "/predictions"),
    ("POST", "/predictions/upload"),
    ("GET", "/predictions/unknown"),
    ("DELETE", "/predictions/unknown"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"X-API-Key": KEY + "x"},
        {"X-API-Key": KEY[:-1]},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {KEY}"},
    ],
)
async def test_a_missing_or_wrong_key_is_refused_everywhere(
    serve: Serve, method: str, path: str, headers: dict[str, str]
) -> None:
    engine = InstantEngine()
    service = await serve(engine, api_key=KEY)

    response = await service.http.request(method, path, json=BODY if method == "POST" else None, headers=headers)

    assert response.status_code == 401
    assert response.json() == {"detail": "This service wants an API key. Send it in the header X-API-Key."}
    assert KEY not in response.text
    assert engine.seeds == []


@pytest.mark.parametrize("headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}])
async def test_the_right_key_opens_every_endpoint(serve: Serve, headers: dict[str, str]) -> None:
    service = await serve(InstantEngine(), api_key=KEY)

    created = await service.post(BODY, headers=headers)
    path = f"/predictions/{created.json()['job_id']}"

    assert created.status_code == 201
    assert (await service.http.get(path, headers=headers)).status_code == 200
    assert (await service.http.delete(path, headers=headers)).status_code == 200


async def test_models_and_outputs_need_no_key(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine(), api_key=KEY)
    owner = service.client.as_visitor(api_key=SecretStr(KEY))
    prediction = await last(owner, await owner.create(request_of_three_steps))

    assert prediction.result is not None
    assert (await service.http.get("/models")).status_code == 200
    assert (await service.http.get(prediction.result[0])).status_code == 200


async def test_a_service_without_a_key_ignores_one(serve: Serve) -> None:
    service = await serve(InstantEngine())

    assert (await service.post(BODY, headers={"X-API-Key": "anything"})).status_code == 201


async def test_the_client_checks_its_key_here(serve: Serve) -> None:
    service = await serve(InstantEngine(), api_key=KEY)

    await service.client.as_visitor(api_key=SecretStr(KEY)).check_key()
    with pytest.raises(KeyRefusedError):
        await service.client.as_visitor(api_key=SecretStr("wrong")).check_key()


async def test_a_refused_key_leaves_running_predictions_alone(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine(), api_key=KEY)
    owner = service.client.as_visitor(api_key=SecretStr(KEY))
    prediction = await owner.create(request_of_three_steps)

    with pytest.raises(KeyRefusedError):
        await service.client.cancel(prediction.job_id)

    assert (await last(owner, prediction)).status == Status.COMPLETED


async def test_a_file_holds_neither_the_key_nor_who_asked_nor_a_job_or_path(serve: Serve) -> None:
    service = await serve(InstantEngine(), api_key=KEY)
    client = service.client.as_visitor(api_key=SecretStr(KEY), client_id="session-0815")

    prediction = await last(client, await client.create(PredictionInput(prompt="ghost", megapixels="0.25")))
    (output,) = await client.download(prediction)

    assert b"ghost" in output.data
    for secret in (KEY, "session-0815", prediction.job_id, service.runner.outputs._folder.name):
        assert secret.encode() not in output.data
