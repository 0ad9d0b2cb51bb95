"""A scripted API, a second one elsewhere, and the real client with its naps recorded instead of slept."""

import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator

import httpx
import pytest
from pydantic import SecretStr

from playground.client.api import PredictionClient
from playground.client.retry import RetryTransport
from playground.client.watch import local_pace
from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.guard import GuardedTransport, Resolve, resolve

from .servers import ScriptedApi, scripted_api

KEY = "cdt_Secret-0123456789abcdef"
FREE_MODEL = ModelInfo(id="pocket", label="pocket model")
TLS = ssl.create_default_context()  # takes longer to make than most tests take
FOX = PredictionInput(prompt="a red fox")

OpenClient = Callable[..., PredictionClient]


@pytest.fixture(scope="session")
def two_apis() -> Iterator[tuple[ScriptedApi, ScriptedApi]]:
    with scripted_api() as one, scripted_api() as other:
        yield one, other


@pytest.fixture
def api(two_apis: tuple[ScriptedApi, ScriptedApi]) -> ScriptedApi:
    two_apis[0].forget()
    return two_apis[0]


@pytest.fixture
def elsewhere(two_apis: tuple[ScriptedApi, ScriptedApi]) -> ScriptedApi:
    """The same kind of server at another origin."""
    two_apis[1].forget()
    return two_apis[1]


@pytest.fixture
def naps() -> list[float]:
    """Seconds that the client would have slept between attempts."""
    return []


@pytest.fixture
async def open_client(naps: list[float]) -> AsyncIterator[OpenClient]:
    """Opens real clients on real connections; only the sleep between attempts is a fake."""
    opened: list[PredictionClient] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    def open_one(
        base_url: str,
        *,
        key: str | None = KEY,
        model: ModelInfo = FLUX_KREA,
        timeout_s: float = 10.0,
        sleep: Callable[[float], object] = nap,
        also: Collection[str] = (),
        resolver: Resolve = resolve,
    ) -> PredictionClient:
        """`also` are origins on this machine that may be fetched from as if they were public."""
        plain = httpx.AsyncHTTPTransport(verify=TLS)
        guarded = GuardedTransport(plain, own_origins=(base_url, *also), resolve=resolver)
        wire = RetryTransport(guarded, sleep=sleep)  # pyright: ignore
        client = PredictionClient(
            base_url=base_url,
            http=httpx.AsyncClient(transport=wire, timeout=timeout_s),
            pace=local_pace(),
            model=model,
            api_key=SecretStr(key) if key is not None else None,
        )
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(open_client: OpenClient, api: ScriptedApi) -> PredictionClient:
    """The hosted model's client, with a key, at the scripted API."""
    return open_client(api.url)
