"""Composition root: reads the settings, builds service, clients and page, launches them, and shuts them down cleanly."""

import asyncio
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import cast

import gradio as gr
import httpx
from pydantic import ValidationError

from playground.client.api import PredictionClient
from playground.engine.pocket import PocketEngine
from playground.errors import StorageError
from playground.experiments.bench import Bench
from playground.experiments.resume import resume
from playground.history.budget import Budget
from playground.history.retention import Retention, prune
from playground.history.store import HistoryStore
from playground.safety.classifier import PictureClassifier
from playground.service.http import create_api
from playground.service.runner import Runner
from playground.settings import HOSTED_BASE_URL, Settings
from playground.ui.layout import build_ui, page_options
from playground.ui.session import Backends

PRESETS = Path(__file__).parent / "presets"
POCKET_BASE_URL = "http://pocket-model/v1"  # never resolved: the client's transport calls the service in this process
MOST_EVENTS_AT_ONCE = 120
MOST_EVENTS_WAITING = 200
CLEAR_UP_EVERY_S = 3600

log = logging.getLogger(__name__)


class Playground:
    """The parts of one running playground."""

    def __init__(self, settings: Settings) -> None:
        self.retention = Retention(
            free_days=settings.history_days,
            paid_days=settings.paid_history_days,
            most_bytes=None if settings.history_mb is None else int(settings.history_mb * 1e6),
        )
        budget = Budget(*map(settings.limit, ("visitor_credits_per_hour", "credits_per_hour", "credits_total")))
        if settings.api_key is not None and settings.usable_key is None:
            log.warning("the page is public: visitors cannot use PLAYGROUND_API_KEY unless PLAYGROUND_SHARE_KEY is on")
        self.runner = Runner(
            PocketEngine(),
            safety=PictureClassifier(),
            workers=settings.workers,
            queue_capacity=settings.queue_capacity,
            writes_settings=settings.metadata,
        )
        in_process = httpx.ASGITransport(app=create_api(self.runner), raise_app_exceptions=False)
        self.backends = Backends(
            pocket=PredictionClient.connect(
                POCKET_BASE_URL, model=self.runner.model, name="The pocket model", transport=in_process
            ),
            hosted=PredictionClient.connect(settings.base_url),
            bench=Bench(HistoryStore(settings.data_dir), budget=budget),
            presets_dir=settings.presets_dir or PRESETS,
            owner_key=settings.usable_key,
            most_cells=settings.sweep_cells,
            hosted_is_own_service=settings.base_url != HOSTED_BASE_URL,
        )

    @asynccontextmanager
    async def running(self, app: object) -> AsyncGenerator[None]:
        """Lifespan of the web server: everything asynchronous starts and stops on its loop."""
        await self.runner.start()
        tasks = [asyncio.create_task(work) for work in (self._take_up(), self._clear_up())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await self.backends.bench.close()
            await self.runner.stop()
            await self.backends.pocket.aclose()
            await self.backends.hosted.aclose()

    async def _take_up(self) -> None:
        """What an earlier run of the playground has left unfinished."""
        backends = self.backends
        await backends.ask_hosted_model()
        paid = backends.hosted.as_visitor(api_key=backends.owner_key)
        await resume(backends.bench, free=backends.pocket, paid=paid)

    async def _clear_up(self) -> None:
        """Once an hour: what the history need not keep any longer."""
        while True:
            try:
                await prune(self.backends.bench.history, self.retention)
            except (StorageError, OSError) as error:
                log.warning("old entries of the history stay: %s", error)
            await asyncio.sleep(CLEAR_UP_EVERY_S)

    def launch(self, *, quiet: bool = False) -> gr.Blocks:
        """Serve the page from a thread; address and port come from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""
        page = build_ui(self.backends).queue(max_size=MOST_EVENTS_WAITING, default_concurrency_limit=20)
        page.launch(
            prevent_thread_lock=True,
            quiet=quiet,
            inbrowser=has_desktop(),
            max_threads=MOST_EVENTS_AT_ONCE,
            allowed_paths=[str(folder) for folder in self.backends.bench.folders],
            app_kwargs={"lifespan": self.running},
            max_file_size="32mb",
            enable_monitoring=False,
            run_history=False,
            footer_links=["api", "gradio", "settings"],
            ssr_mode=False,
            **page_options(),
        )
        return page


def has_desktop() -> bool:
    """Whether a person sits here who would like a browser window."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings()
    except ValidationError as error:
        # Names and reasons only: a value may be a key.
        problems = "; ".join(f"PLAYGROUND_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
        raise SystemExit(f"The settings in the environment are not usable. {problems}") from None
    # The address is news now, also where the output goes to a file.
    cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    page = Playground(settings).launch()
    stopping.wait()
    page.close()


if __name__ == "__main__":
    main()
