"""What an earlier run of the playground left unfinished: watched again by its id, never sent again."""

import asyncio
import logging

from pydantic import ValidationError

from playground.client.api import PredictionClient
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Status
from playground.errors import BadInputError, PlaygroundError, StorageError
from playground.experiments.bench import Bench
from playground.experiments.run import Run
from playground.history.entry import Entry

log = logging.getLogger(__name__)

_AT_ONCE = 8
_OLDEST_DAYS = 7
"""Older ones are fetched only when somebody asks: the API will hardly know them."""


def fetch_again(bench: Bench, entry: Entry, client: PredictionClient) -> Run:
    """Watch a remembered prediction again, to its end and its files. Raises BadInputError where that cannot be done."""
    if entry.job_id is None or not entry.can_be_fetched:
        raise BadInputError("There is nothing to fetch for this entry.")
    if entry.base_url != client.base_url:
        raise BadInputError(
            f"It was made at {entry.base_url}, and this playground now uses {client.base_url}.",
            advice="Set PLAYGROUND_BASE_URL to that address to fetch it.",
        )
    try:
        request = PredictionInput.model_validate(dict(entry.input))
    except ValidationError as error:
        raise BadInputError("Its settings cannot be read any more.") from error
    accepted = Prediction(job_id=entry.job_id, status=Status.PENDING)
    return bench.start(client, request, account=entry.account, accepted=accepted)


async def resume(bench: Bench, *, free: PredictionClient, paid: PredictionClient) -> None:
    """For a start of the playground: end what the pocket model was making, and watch on what the owner pays for.

    What a visitor's own key paid for waits for the visitor, who alone has that key. Never raises.
    """
    try:
        await bench.history.close_unfinished(free.base_url, "The playground was stopped while it was made.")
        condition = (
            "credits > 0 AND key_of != 'visitor' AND base_url = :base_url AND julianday('now') - julianday(created_at) < :days"
        )
        entries = await bench.history.entries(condition, {"base_url": paid.base_url, "days": _OLDEST_DAYS})
    except StorageError as error:
        log.warning("what was unfinished cannot be looked up: %s", error)
        return
    turns = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_finish(bench, entry, paid, turns) for entry in entries if entry.can_be_fetched))


async def _finish(bench: Bench, entry: Entry, client: PredictionClient, turns: asyncio.Semaphore) -> None:
    async with turns:
        try:
            run = fetch_again(bench, entry, client)
        except PlaygroundError as error:
            log.warning("prediction %s is not picked up: %s", entry.job_id, error)
            return
        async for _ in run.updates(every_s=60):
            pass
