"""Links and redirects that lead from the API to the inside of a network are refused, whatever their names mean by then."""

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import RedirectResponse, Response

from playground.client import download
from playground.client.api import PredictionClient
from playground.errors import OutputError
from playground.guard import GuardedTransport

from .conftest import OpenClient
from .servers import Resolver, ScriptedApi
from .test_download import PNG, download_error, finished

pytestmark = pytest.mark.anyio

PUBLIC = "192.31.196.1"  # on the public internet, and there to swallow what should not have been sent


@pytest.mark.parametrize(
    "target",
    [
        *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://0.0.0.0:{port}/"),
        *("http://[::ffff:127.0.0.1]:{port}/", "http://2130706433:{port}/", "http://127.1:{port}/", "http://0x7f.1:{port}/"),
        *("http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fd00:ec2::254]/"),
    ],
)
@pytest.mark.parametrize("way", ["link", "redirect"])
async def test_neither_link_nor_redirect_of_the_api_leads_inside(
    api: ScriptedApi, elsewhere: ScriptedApi, client: PredictionClient, target: str, way: str
):
    target = target.format(port=httpx.URL(elsewhere.url).port)
    api.answers(RedirectResponse(target))
    elsewhere.answers(Response(PNG))
    error = await download_error(client, target if way == "link" else f"{api.url}/files/a.png")
    assert "its link is refused" in str(error)
    assert "not on the public internet" in str(error)
    assert elsewhere.received == []
    assert len(api.received) == (0 if way == "link" else 1)


async def test_a_name_that_changes_its_mind_is_never_followed_inside(
    api: ScriptedApi, elsewhere: ScriptedApi, open_client: OpenClient
):
    elsewhere.answers(Response(PNG))
    resolver = Resolver([PUBLIC], ["127.0.0.1"])
    link = elsewhere.url.replace("127.0.0.1", "files.example") + "/a.png"
    error = await download_error(open_client(api.url, resolver=resolver, timeout_s=0.3), link)
    assert "files.example is not on the public internet" in str(error)
    assert resolver.asked == ["files.example"] * 2  # the public one did not answer, so that it was asked for again
    assert elsewhere.received == []


async def test_our_own_origin_is_reached_on_loopback_and_its_neighbours_are_not(api: ScriptedApi, elsewhere: ScriptedApi):
    api.answers(Response(PNG))
    client = PredictionClient.connect(api.url)
    assert [output.data for output in await client.download(finished(f"{api.url}/files/a.png"))] == [PNG]
    assert "is not on the public internet" in str(await download_error(client, f"{elsewhere.url}/files/a.png"))
    await client.aclose()


@given(text=st.text(max_size=30))
def test_whatever_stands_in_a_link_ends_in_an_output_error(text: str):
    async def fetch() -> None:
        transport = GuardedTransport(resolve=Resolver(["10.0.0.1"]))
        async with httpx.AsyncClient(transport=transport) as http:
            await download.fetch(f"http://{text}", http=http, own_origin="http://127.0.0.1:1/v1", headers={})

    with pytest.raises(OutputError):
        anyio.run(fetch)
