"""`python -m playground serve` as people run it: a process of its own with the real model."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from app import Playground
from playground.__main__ import main
from playground.client.api import ImageFile, PredictionClient
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.errors import KeyRefusedError
from playground.settings import Settings
from playground.ui.format import help_line
from tests.safety.pictures import picture

ROOT = Path(__file__).parent.parent
KEY = "cdt_for-this-test"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def serving(temporary: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a service in a process of its own, which is stopped at the end."""
    port = free_port()
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "playground", "serve", "--port", str(port), *options],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "TEMP": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        base_url, deadline_s = f"http://127.0.0.1:{port}/v1", time.monotonic() + 60
        while True:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline_s, "the service did not start"
            try:
                httpx.get(f"{base_url}/models", timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield base_url, process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.anyio
async def test_serve_makes_a_picture_and_stops_without_leaving_files(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    with serving(temporary, "--api-key", KEY) as (base_url, process):
        client = PredictionClient.connect(base_url)
        with pytest.raises(KeyRefusedError):
            await client.check_key()
        (model,) = await client.models()
        visitor = client.as_visitor(api_key=SecretStr(KEY))
        request = PredictionInput(prompt=model.example_prompt, megapixels="0.25", num_inference_steps=2, seed=4)

        snapshots = [snapshot async for snapshot in visitor.watch(await visitor.create(request))]
        (output,) = await visitor.download(snapshots[-1])
        await client.aclose()
        files_while_running = [path.name for path in temporary.rglob("*.webp")]
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)

    assert snapshots[-1].status == Status.COMPLETED
    assert snapshots[-1].model == model.id
    with Image.open(BytesIO(output.data)) as made:
        assert (made.format, made.size) == ("WEBP", (512, 512))
    assert len(files_while_running) == 1
    assert list(temporary.rglob("*.webp")) == []
    assert "Traceback" not in printed
    assert KEY not in printed


@pytest.mark.anyio
async def test_serve_stops_in_the_middle_of_a_picture(tmp_path: Path) -> None:
    with serving(tmp_path / "temporary") as (base_url, process):
        client = PredictionClient.connect(base_url)
        prediction = await client.create(PredictionInput(prompt="ghost", num_inference_steps=50, num_outputs=4))
        async for snapshot in client.watch(prediction):
            if snapshot.status == Status.PROCESSING:
                break
        await client.aclose()

        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=20)

    assert "Traceback" not in printed
    assert list((tmp_path / "temporary").glob("playground-*")) == []


@pytest.mark.anyio
async def test_serve_checks_uploads_with_the_real_classifier(tmp_path: Path) -> None:
    clay = BytesIO()
    picture("clay").save(clay, "PNG")
    image = ImageFile("clay.png", clay.getvalue(), "image/png")
    with serving(tmp_path / "temporary") as (base_url, _):
        client = PredictionClient.connect(base_url)
        (model,) = await client.models()
        request = PredictionInput(prompt="ghost", num_inference_steps=1)
        last = [snapshot async for snapshot in client.watch(await client.create(request, image=image))][-1]
        await client.aclose()

    assert "are checked here" in model.local_effect["disable_safety_checker"]
    assert last.status == Status.FAILED
    assert (last.error or "").startswith("image: the safety checker")


@pytest.mark.anyio
async def test_the_page_has_its_pictures_checked() -> None:
    playground = Playground(Settings())
    async with playground.running(None):
        switch = help_line("disable_safety_checker", playground.backends.pocket.model)

    assert "are checked here for nudity and pornography" in switch


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["serve", "--port", "many"], ["serve", "--workers", "0"], ["serve", "--queue-capacity", "-1"]],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)

    assert refused.value.code == 2
    assert "usage: python -m playground" in capsys.readouterr().err
