"""The bytes of an output come from a link, a data URI or base64, unchanged, and the key goes to the API's own origin alone."""

import base64
import gzip
import io
from collections.abc import AsyncIterator
from functools import cache
from urllib.parse import quote

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from playground.client import download
from playground.client.api import PredictionClient
from playground.client.download import Output, picture_type
from playground.contract.prediction import Prediction
from playground.errors import Credits, OutputError
from playground.pictures import flaw

from .conftest import FREE_MODEL, KEY, OpenClient
from .servers import NEVER, ScriptedApi, free_port, raw_server

pytestmark = pytest.mark.anyio

KINDS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "WEBP": ("image/webp", "webp")}


def picture(format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "tomato").save(file, format)
    return file.getvalue()


@cache
def noise(format: str) -> bytes:
    """A picture whose data fills most of its file."""
    file = io.BytesIO()
    Image.effect_noise((96, 96), 80).convert("RGB").save(file, format)
    return file.getvalue()


def dripping(*, every_s: float, chunk: bytes, count: int = 10**6) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield chunk
            await anyio.sleep(every_s)

    return StreamingResponse(chunks(), media_type="image/png")


PNG = picture()
PNG_BASE64 = base64.b64encode(PNG).decode()


def finished(*result: str) -> Prediction:
    return Prediction(job_id="abc123", status="completed", result=result)  # pyright: ignore


async def download_error(client: PredictionClient, item: str) -> OutputError:
    with pytest.raises(OutputError) as caught:
        await client.download(finished(item))
    return caught.value


@pytest.mark.parametrize("format", KINDS)
async def test_download_of_a_link_delivers_the_file_as_it_is(api: ScriptedApi, client: PredictionClient, format: str):
    data = picture(format)
    api.answers(Response(data, media_type="application/octet-stream"))
    assert await client.download(finished(f"{api.url}/files/a")) == [Output(data, *KINDS[format])]


@pytest.mark.parametrize("format", KINDS)
async def test_download_of_a_data_uri_delivers_the_file_as_it_is(client: PredictionClient, format: str):
    data = picture(format)
    uri = f"data:image/x;base64,{base64.b64encode(data).decode()}"
    assert await client.download(finished(uri)) == [Output(data, *KINDS[format])]


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/png," + quote(PNG, safe=""),
        "data:image/png;base64," + quote(PNG_BASE64, safe=""),
        "data:image/png;base64," + PNG_BASE64[:20] + "\r\n" + PNG_BASE64[20:],
        "data:image/png;BASE64," + PNG_BASE64,
        "data:;base64," + PNG_BASE64,
        "DATA:image/png;base64," + PNG_BASE64,
    ],
)
async def test_download_reads_every_way_to_write_a_data_uri(client: PredictionClient, uri: str):
    assert (await client.download(finished(uri)))[0].data == PNG


@pytest.mark.parametrize("text", [PNG_BASE64, PNG_BASE64[:20] + "\n" + PNG_BASE64[20:]])
async def test_download_of_bare_base64_delivers_the_file_as_it_is(client: PredictionClient, text: str):
    assert await client.download(finished(text)) == [Output(PNG, "image/png", "png")]


async def test_download_keeps_the_order_of_outputs_and_mixes_their_forms(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(picture("JPEG")), Response(picture("WEBP")))
    outputs = await client.download(finished(f"{api.url}/a", PNG_BASE64, f"{api.url}/b"))
    assert [output.extension for output in outputs] == ["jpg", "png", "webp"]


async def test_download_of_a_prediction_without_outputs_is_empty(client: PredictionClient):
    assert await client.download(Prediction(job_id="abc123", status="failed")) == []  # pyright: ignore


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_download_of_an_expired_link_says_so(api: ScriptedApi, client: PredictionClient, status: int):
    api.answers(Response(b"<Error>expired</Error>", status))
    error = await download_error(client, f"{api.url}/files/a.webp")
    assert f"HTTP {status}" in str(error)
    assert "expire" in error.advice


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"GIF89a....", b"RIFF\0\0\0\0WAVEfmt ", b"<svg/>", b"\x89PNG", b"<html>sign in</html>"]
)
async def test_download_of_something_that_is_no_picture_is_refused(api: ScriptedApi, client: PredictionClient, body: bytes):
    api.answers(Response(body, media_type="image/webp"))
    error = await download_error(client, f"{api.url}/files/a.webp")
    assert f"{len(body)} bytes that are not a webp, jpg or png picture" in str(error)


async def test_download_of_an_html_page_is_refused(api: ScriptedApi, client: PredictionClient):
    api.answers(HTMLResponse("<html>Please sign in</html>"))
    assert "not a webp, jpg or png" in str(await download_error(client, f"{api.url}/files/a.webp"))


@pytest.mark.parametrize(
    "item", ["not base64 at all!", "data:image/png;base64", "data:image/png;base64,%%%", "abc", "s3://bucket/a.png", "http://"]
)
async def test_download_of_an_unreadable_output_is_refused_with_a_reason(client: PredictionClient, item: str):
    error = await download_error(client, item)
    assert "could not be fetched (" in str(error)
    assert "(Error)" not in str(error)


@pytest.mark.parametrize("more", [0, 1])
async def test_download_stops_only_past_the_largest_size(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch, more: int
):
    largest_bytes = 2 * 2**20
    monkeypatch.setattr(download, "LARGEST_OUTPUT_BYTES", largest_bytes)
    api.answers(Response(PNG + b"\0" * (largest_bytes - len(PNG) + more)))
    item = f"{api.url}/files/a.png"
    if more:
        assert "larger than 2 MB" in str(await download_error(client, item))
    else:
        assert len((await client.download(finished(item)))[0].data) == largest_bytes


async def test_download_counts_the_size_after_decompression(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "LARGEST_OUTPUT_BYTES", 2**20)
    bomb = gzip.compress(b"\0" * 2**24)
    assert len(bomb) < 2**20
    api.answers(Response(bomb, headers={"content-encoding": "gzip"}))
    assert "larger than 1 MB" in str(await download_error(client, f"{api.url}/files/a.png"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_download_follows_a_redirect(api: ScriptedApi, client: PredictionClient, status: int):
    api.answers(RedirectResponse("/files/b.png", status), Response(PNG))
    assert (await client.download(finished(f"{api.url}/files/a.png")))[0].data == PNG
    assert [(one.method, one.path) for one in api.received] == [("GET", "/v1/files/a.png"), ("GET", "/files/b.png")]


@pytest.mark.parametrize("redirects", [4, 5])
async def test_download_follows_four_redirects_and_no_more(api: ScriptedApi, client: PredictionClient, redirects: int):
    api.answers(*[RedirectResponse("/again")] * redirects, Response(PNG))
    item = f"{api.url}/files/a.png"
    if redirects > 4:
        assert "too many redirects" in str(await download_error(client, item))
        assert len(api.received) == 5
    else:
        assert (await client.download(finished(item)))[0].data == PNG


@pytest.mark.parametrize("location", ["ftp://files.example/a.png", "file:///etc/passwd", "data:image/png;base64,AAAA"])
async def test_download_follows_no_redirect_out_of_http(api: ScriptedApi, client: PredictionClient, location: str):
    api.answers(Response(status_code=302, headers={"location": location}), Response(PNG))
    error = await download_error(client, f"{api.url}/files/a.png")
    assert f"it redirects to a {location.partition(':')[0]} address" in str(error) or location.startswith("data:")
    assert len(api.received) == 1


async def test_key_goes_to_the_api_for_a_file_of_its_own(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(PNG))
    await client.download(finished(f"{api.url}/files/a.png"))
    assert api.received[0].headers["x-api-key"] == KEY


async def test_key_never_goes_to_another_origin(api: ScriptedApi, elsewhere: ScriptedApi, open_client: OpenClient):
    elsewhere.answers(Response(PNG))
    client = open_client(api.url, also=(elsewhere.url,))
    await client.download(finished(f"{elsewhere.url}/files/a.png"))
    assert KEY not in str(elsewhere.received[0])


async def test_key_never_follows_a_redirect_to_another_origin(
    api: ScriptedApi, elsewhere: ScriptedApi, open_client: OpenClient
):
    client = open_client(api.url, also=(elsewhere.url,))
    api.answers(RedirectResponse(f"{elsewhere.url}/files/a.png"))
    elsewhere.answers(Response(PNG))
    assert (await client.download(finished(f"{api.url}/files/a.png")))[0].data == PNG
    assert api.received[0].headers["x-api-key"] == KEY
    assert KEY not in str(elsewhere.received[0])


async def test_key_never_goes_to_the_same_host_under_another_name(api: ScriptedApi, open_client: OpenClient):
    api.answers(Response(PNG))
    other_name = api.url.replace("127.0.0.1", "localhost")
    await open_client(api.url, also=(other_name,)).download(finished(f"{other_name}/files/a.png"))
    assert KEY not in str(api.received[0])


async def test_download_is_repeated_while_its_server_fails(api: ScriptedApi, client: PredictionClient, naps: list[float]):
    api.answers(Response(status_code=503), Response(status_code=500), Response(PNG))
    assert (await client.download(finished(f"{api.url}/files/a.png")))[0].data == PNG
    assert len(naps) == 2


async def test_download_cut_off_in_the_middle_is_asked_for_again_and_never_half_a_picture(
    open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("playground.client.download._WAITS_S", (0, 0))
    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + PNG) as server:
        error = await download_error(open_client(server.url), f"{server.url}/files/a.png")
    assert "could not be fetched" in str(error)
    assert len(server.received) == 3


async def test_download_gives_up_on_a_server_that_drips(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "SLOWEST_S", 0.15)
    monkeypatch.setattr(download, "_WAITS_S", ())
    api.answers(dripping(every_s=0.01, chunk=PNG[:8]))
    assert "less than 16 kB arrived" in str(await download_error(client, f"{api.url}/files/a.png"))


async def test_download_waits_for_a_slow_server_that_is_not_too_slow(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "SLOWEST_S", 0.5)
    api.answers(dripping(every_s=0.1, chunk=PNG.ljust(download.FEWEST_BYTES, b"\0"), count=8))
    assert len((await client.download(finished(f"{api.url}/files/a.png")))[0].data) == 8 * download.FEWEST_BYTES


async def test_download_ends_after_its_whole_time_however_fast_the_bytes_come(
    api: ScriptedApi, client: PredictionClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "LONGEST_FETCH_S", 0.4)
    api.answers(dripping(every_s=0.01, chunk=PNG.ljust(download.FEWEST_BYTES, b"\0")))
    assert "it had not arrived after 0 s" in str(await download_error(client, f"{api.url}/files/a.png"))


@pytest.mark.parametrize("format", KINDS)
async def test_download_of_a_picture_that_is_broken_off_keeps_its_bytes_and_says_so(
    api: ScriptedApi, client: PredictionClient, format: str
):
    half = noise(format)[:3000]
    api.answers(Response(half))
    (output,) = await client.download(finished(f"{api.url}/files/a"))
    assert output == Output(half, *KINDS[format], flaw="its file is broken off or damaged")


async def test_download_of_a_bomb_keeps_its_bytes_undecoded_and_says_so(api: ScriptedApi, client: PredictionClient):
    file = io.BytesIO()
    Image.new("1", (10_000, 9_999)).save(file, "PNG")
    api.answers(Response(file.getvalue()))
    (output,) = await client.download(finished(f"{api.url}/files/a"))
    assert (output.data, output.flaw) == (file.getvalue(), "it has more than 40 megapixels")


@given(share=st.floats(0.02, 0.95), format=st.sampled_from(list(KINDS)))
def test_a_picture_cut_anywhere_is_told_from_a_whole_one(share: float, format: str):
    whole = noise(format)
    assert flaw(whole) == ""
    assert flaw(whole[: int(len(whole) * share)]) == "its file is broken off or damaged"


async def test_download_without_an_answer_is_an_error(open_client: OpenClient):
    async with raw_server(NEVER) as server:
        await download_error(open_client(server.url, timeout_s=0.1), f"{server.url}/files/a.png")


@pytest.mark.parametrize("item", ["http://127.0.0.1:{closed}/a.png", "not base64 at all!", "aGVsbG8="])
async def test_download_error_says_that_paid_credits_are_spent(open_client: OpenClient, api: ScriptedApi, item: str):
    item = item.format(closed=free_port())
    paid = await download_error(open_client(api.url), item)
    assert paid.credits is Credits.ALREADY_SPENT
    assert "already spent" in str(paid)
    free = await download_error(open_client(api.url, model=FREE_MODEL), item)
    assert free.credits is Credits.NOT_AT_STAKE
    assert "credit" not in str(free)


@pytest.mark.parametrize("start", ["", "data:", "data:image/png;base64,"])
def test_download_of_any_text_is_a_picture_or_an_output_error(start: str):
    client = PredictionClient.connect("http://127.0.0.1:1/v1")

    @given(text=st.text().filter(lambda text: not text.lower().startswith("http")))
    def is_a_picture_or_an_error(text: str):
        prediction = Prediction(job_id="abc123", status="completed", result=(start + text,))  # pyright: ignore
        try:
            outputs = anyio.run(client.download, prediction)
        except OutputError:
            return
        assert all(picture_type(output.data) for output in outputs)

    is_a_picture_or_an_error()


@given(data=st.binary(max_size=64))
def test_picture_type_of_any_bytes_is_known_by_its_first_ones_or_none(data: bytes):
    assert picture_type(data) in (*KINDS.values(), None)
    assert picture_type(b"\x89PNG\r\n\x1a\n" + data) == KINDS["PNG"]
    assert picture_type(b"RIFF" + data[:4].ljust(4) + b"WEBP") == KINDS["WEBP"]


@pytest.mark.parametrize("format", [*KINDS, "GIF", "BMP", "TIFF"])
def test_picture_type_knows_the_three_formats_only(format: str):
    assert picture_type(picture(format)) == KINDS.get(format)
