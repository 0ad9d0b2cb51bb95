"""`python -m playground serve`: the prediction API over HTTP, with the pocket model behind it."""

import argparse
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from playground.engine.pocket import PocketEngine
from playground.safety.classifier import PictureClassifier
from playground.service.http import create_api
from playground.service.runner import Runner


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the prediction API over HTTP")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
    serve.add_argument("--api-key", help="require this key in X-API-Key (default: none is needed)")
    serve.add_argument("--workers", type=_at_least_one, default=1, help="pictures made at the same time (default: %(default)s)")
    serve.add_argument(
        "--queue-capacity", type=_at_least_one, default=64, help="predictions that may wait (default: %(default)s)"
    )
    serve.add_argument("--no-metadata", action="store_true", help="keep the settings out of the pictures' files")
    chosen = parser.parse_args(arguments)
    runner = Runner(
        PocketEngine(),
        safety=PictureClassifier(),
        workers=chosen.workers,
        queue_capacity=chosen.queue_capacity,
        writes_settings=not chosen.no_metadata,
    )
    api = create_api(runner, api_key=SecretStr(chosen.api_key) if chosen.api_key else None)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncGenerator[None]:
        await runner.start()
        try:
            yield
        finally:
            await runner.stop()

    api.router.lifespan_context = running
    uvicorn.run(api, host=chosen.host, port=chosen.port, timeout_graceful_shutdown=5)


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


if __name__ == "__main__":
    main()
