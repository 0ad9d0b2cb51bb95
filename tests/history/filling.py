"""Entries for tests of the history."""

from pathlib import Path

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prediction import Prediction, Status
from playground.history.entry import NOBODY, Account, Asked, Ending, Entry, Order
from playground.history.store import HistoryStore

BASE_URL = "https://api.example.org/v1"
REQUEST = PredictionInput(prompt="a red fox", guidance=2.5, seed=9, image="data:image/png;base64,U0VDUkVU")
FREE = ModelInfo(id="small/model", label="small model")


def order(
    request: PredictionInput = REQUEST, *, model: ModelInfo = FLUX_KREA, account: Account = NOBODY, image: Path | None = None
) -> Order:
    return Order(Asked(BASE_URL, model.id, request), model, account, image)


def prediction(job_id: str = "job-1", status: Status = Status.PENDING, error: str | None = None) -> Prediction:
    return Prediction(job_id=job_id, status=status, error=error)


async def fill(
    store: HistoryStore,
    one: Order,
    *,
    job_id: str = "job-1",
    data: bytes | None = b"picture",
    status: Status = Status.COMPLETED,
    time_s: float | None = 2.0,
) -> Entry:
    """A prediction that has been through its whole life."""
    await store.record_accepted(one, prediction(job_id))
    files = () if data is None else (await store.keep(data, "webp"),)
    small = None if data is None else await store.keep(data + b" small", "webp")
    await store.record_ended(one, job_id, Ending(status, None, files, small, len(data or b""), time_s))
    return await find(store, job_id)


async def find(store: HistoryStore, job_id: str) -> Entry:
    (entry,) = await store.entries("job_id = :job_id", {"job_id": job_id})
    return entry
