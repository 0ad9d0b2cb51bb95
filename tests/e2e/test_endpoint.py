"""The public endpoint: named and documented as the contract is, and nothing else is public."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from playground.contract.inputs import INPUTS, default
from playground.ui.controls import EXAMPLE
from playground.ui.generate import EXAMPLE_SEED


@pytest.fixture
def client(app_url: str, tmp_path: Path) -> Iterator[Client]:
    made = Client(app_url, verbose=False, download_files=str(tmp_path))
    yield made
    made.close()


def kind_and_size(path: str) -> tuple[str | None, tuple[int, int]]:
    with Image.open(path) as picture:
        return picture.format, picture.size


def test_generate_is_the_only_public_endpoint(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)
    assert list(described["named_endpoints"]) == ["/generate"]
    assert described["unnamed_endpoints"] == {}


def test_endpoint_s_parameters_are_the_contract_s_inputs_with_its_defaults(client: Client) -> None:
    parameters = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/generate"]["parameters"]
    assert [parameter["parameter_name"] for parameter in parameters] == list(INPUTS)
    assert all(parameter["parameter_has_default"] for parameter in parameters)
    given = {parameter["parameter_name"]: parameter["parameter_default"] for parameter in parameters}
    assert {name: given[name] for name in INPUTS if name != "prompt"} == {
        name: default(name) for name in INPUTS if name != "prompt"
    }


def test_endpoint_returns_files_answer_and_request(client: Client) -> None:
    pictures, answer, request = client.predict(
        prompt="3d fox portrait",
        num_inference_steps=2,
        megapixels="0.25",
        seed=5,
        output_format="png",
        num_outputs=2,
        api_name="/generate",
    )
    assert [kind_and_size(picture["image"]) for picture in pictures] == [("PNG", (512, 512))] * 2
    assert (answer["model"], answer["status"], answer["seed"]) == ("playground/pocket-4", "completed", 5)
    assert "The pocket model doesn't know: portrait." in answer["notes"]
    assert '"seed": 5' in request


def test_endpoint_streams_the_steps(client: Client) -> None:
    job = client.submit(prompt="3d panda", num_inference_steps=20, api_name="/generate")
    answers = [output[1] for output in job if isinstance(output[1], dict)]
    steps = [answer["step"] for answer in answers if answer.get("status") == "processing"]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3
    assert answers[-1]["status"] == "completed"


def test_endpoint_takes_an_image(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (320, 160), "red").save(path, exif=exif)
    pictures, answer, request = client.predict(
        prompt="3d panda", image=handle_file(str(path)), num_inference_steps=4, prompt_strength=0.5, api_name="/generate"
    )
    assert kind_and_size(pictures[0]["image"]) == ("WEBP", (160, 320))
    assert "image.png" in request
    assert "base64" not in str(answer)


def test_endpoint_refuses_in_words(client: Client) -> None:
    _, answer, _ = client.predict(prompt="   ", api_name="/generate")
    assert answer["status"] == "not sent"
    assert "the prompt is empty" in answer["error"]


def test_endpoint_gives_no_file_of_the_server(client: Client, app_url: str) -> None:
    secret = Path(__file__).resolve()
    data = ["ghost", "1:1", {"path": str(secret), "meta": {"_type": "gradio.FileData"}}, *(None for _ in range(10))]
    answer = httpx.post(f"{app_url}/gradio_api/call/generate", json={"data": data}, timeout=30)
    event = httpx.get(f"{app_url}/gradio_api/call/generate/{answer.json().get('event_id', 'none')}", timeout=30)
    assert "event: error" in event.text or answer.status_code >= 400
    assert httpx.get(f"{app_url}/gradio_api/file={secret}", timeout=30).status_code in (403, 404)


def test_example_is_what_its_seed_makes(client: Client) -> None:
    pictures, _, _ = client.predict(seed=EXAMPLE_SEED, api_name="/generate")
    with Image.open(pictures[0]["image"]) as made, Image.open(BytesIO(EXAMPLE.read_bytes())) as shown:
        difference = [
            abs(a - b)
            for a, b in zip(
                made.convert("L").resize((64, 64)).tobytes(), shown.convert("L").resize((64, 64)).tobytes(), strict=True
            )
        ]
    assert max(difference) < 40  # another machine rounds otherwise; another seed differs by 100 and more
