"""The image input: data URI, upload and URL; what is read from it, and what is refused."""

import base64
import json
import re
from io import BytesIO

import pytest
from PIL import Image

from playground.client.api import ImageFile
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.errors import BadInputError
from tests.service.conftest import Serve
from tests.service.engines import INFO, InstantEngine

pytestmark = pytest.mark.anyio


def file_of(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def data_uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


RED = file_of(Image.new("RGB", (96, 50), "red"))


async def test_a_data_uri_is_read(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = InstantEngine()
    service = await serve(engine)

    last = await service.make(request_of_three_steps.model_copy(update={"image": data_uri(RED)}))

    assert last.status == Status.COMPLETED
    (image,) = engine.images
    assert image is not None
    assert (image.mode, image.size, image.getpixel((5, 5))) == ("RGB", (96, 48), (255, 0, 0))


async def test_an_uploaded_file_is_read(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = InstantEngine()
    service = await serve(engine)

    last = await service.make(request_of_three_steps, image=ImageFile("red.png", RED, "image/png"))

    assert last.status == Status.COMPLETED
    (image,) = engine.images
    assert image is not None
    assert (image.size, image.getpixel((5, 5))) == ((96, 48), (255, 0, 0))


async def test_the_result_has_the_size_of_the_image(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())

    last = await service.make(request_of_three_steps, image=ImageFile("red.png", RED, "image/png"))
    (output,) = await service.client.download(last)

    with Image.open(BytesIO(output.data)) as picture:
        assert picture.size == (96, 48)


async def test_transparency_is_laid_on_white(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = InstantEngine()
    service = await serve(engine)
    clear = file_of(Image.new("RGBA", (32, 32), (0, 0, 0, 0)))

    await service.make(request_of_three_steps, image=ImageFile("clear.png", clear, "image/png"))

    assert engine.images[0] is not None
    assert engine.images[0].getpixel((16, 16)) == (255, 255, 255)


async def test_a_turned_photograph_stands_upright(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = InstantEngine()
    service = await serve(engine)
    lying = Image.new("RGB", (64, 32), "blue")
    lying.paste("red", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[274] = 6  # to be turned a quarter clockwise: its left becomes the top
    turned = file_of(lying, "JPEG", exif=exif, quality=95)

    await service.make(request_of_three_steps, image=ImageFile("turned.jpg", turned, "image/jpeg"))

    upright = engine.images[0]
    assert upright is not None
    assert upright.size == (32, 64)
    top, bottom = upright.getpixel((16, 8)), upright.getpixel((16, 56))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("data:image/png;base64,###", "not valid base64"),
        ("data:image/png;base64,ééé", "not valid base64"),
        ("data:image/png;base64,QUJ", "not valid base64"),
        ("data:image/png;base64," + base64.b64encode(b"no picture at all").decode(), "not a readable picture"),
        (data_uri(RED[: len(RED) // 2]), "not a readable picture"),
        ("data:image/png;base64,", "not a readable picture"),
        ("data:", "not a readable picture"),
        ("data:text/plain,hello", "not a readable picture"),
        ("", "expected an http"),
        ("picture.png", "expected an http"),
        ("file:///etc/passwd", "expected an http"),
        ("ftp://example.org/a.png", "expected an http"),
        ("http://", "nothing could be fetched"),
        ("http://[", "nothing could be fetched"),
        ("http://127.0.0.1/a.png", "nothing could be fetched"),
        ("http://127.0.0.1:1/a.png", "nothing could be fetched"),
        ("http://localhost/a.png", "nothing could be fetched"),
        ("http://10.0.0.1/a.png", "nothing could be fetched"),
        ("http://192.168.1.1/a.png", "nothing could be fetched"),
        ("http://169.254.169.254/latest/meta-data", "nothing could be fetched"),
        ("http://[::1]/a.png", "nothing could be fetched"),
        ("http://[::ffff:127.0.0.1]/a.png", "nothing could be fetched"),
        ("http://0.0.0.0/a.png", "nothing could be fetched"),
        ("http://2130706433/a.png", "nothing could be fetched"),
        ("http://100.64.0.1/a.png", "nothing could be fetched"),
        ("http://[64:ff9b::7f00:1]/a.png", "nothing could be fetched"),
        ("http://[2002:7f00:1::]/a.png", "nothing could be fetched"),
        ("http://key@1.1.1.1/a.png", "nothing could be fetched"),
    ],
)
async def test_an_unusable_image_is_refused(
    serve: Serve, request_of_three_steps: PredictionInput, image: str, reason: str
) -> None:
    engine = InstantEngine()
    service = await serve(engine)

    with pytest.raises(BadInputError, match="image: .*" + reason):
        await service.client.create(request_of_three_steps.model_copy(update={"image": image}))

    assert engine.images == []


async def test_a_picture_on_this_machine_is_not_fetched(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())
    last = await service.make(request_of_three_steps)
    assert last.result is not None
    own_output = last.result[0]  # over http this address does answer, with a picture

    with pytest.raises(BadInputError, match="nothing could be fetched"):
        await service.client.create(request_of_three_steps.model_copy(update={"image": own_output}))


async def test_a_picture_of_too_many_pixels_is_refused_unread(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())
    small_file = file_of(Image.new("1", (10_000, 7_000)))

    with pytest.raises(BadInputError, match="10000×7000 px is more than 40 megapixels"):
        await service.client.create(request_of_three_steps, image=ImageFile("huge.png", small_file, "image/png"))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ("nonsense", "invalid json"),
        ("[]", "input"),
        ("{}", "prompt: required"),
        (json.dumps({"prompt": "ghost", "guidance": 11}), "guidance: .*got 11"),
        (json.dumps({"prompt": "ghost", "colour": "red"}), "colour: no such input"),
    ],
)
async def test_an_upload_with_bad_inputs_is_refused(serve: Serve, inputs: str, reason: str) -> None:
    service = await serve(InstantEngine())

    response = await service.http.post(
        "/predictions/upload", data={"model": INFO.id, "input": inputs}, files={"file:image": ("red.png", RED, "image/png")}
    )

    assert response.status_code == 422
    assert re.search(reason, response.json()["detail"])


@pytest.mark.parametrize("missing", ["model", "input", "file:image"])
async def test_an_upload_names_the_field_that_is_missing(serve: Serve, missing: str) -> None:
    service = await serve(InstantEngine())
    fields = {"model": INFO.id, "input": '{"prompt": "ghost"}'}
    files = {"other": ("a.txt", b"a", "text/plain")} if missing == "file:image" else {"file:image": ("red.png", RED)}

    response = await service.http.post(
        "/predictions/upload", data={name: fields[name] for name in fields if name != missing}, files=files
    )

    assert (response.status_code, response.json()) == (422, {"detail": f"{missing}: Field required"})


async def test_an_upload_for_another_model_is_refused(serve: Serve) -> None:
    service = await serve(InstantEngine())

    response = await service.http.post(
        "/predictions/upload",
        data={"model": "someone/else", "input": '{"prompt": "ghost"}'},
        files={"file:image": ("red.png", RED, "image/png")},
    )

    assert response.status_code == 404
