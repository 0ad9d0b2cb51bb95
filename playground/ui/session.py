"""What the page knows of one visitor, and the two places a request can go: the pocket model here, the hosted API."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import SecretStr

from playground.client.api import PredictionClient
from playground.contract.model import ModelInfo
from playground.errors import KeyRefusedError, PlaygroundError
from playground.experiments.axis import MOST_CELLS
from playground.experiments.bench import Bench
from playground.experiments.run import Run
from playground.history.entry import Account
from playground.history.shelf import Shelf

log = logging.getLogger(__name__)

_MOST_SHOWN = 1000
_MOST_PREVIEWS = 16


@dataclass(frozen=True)
class Session:
    """A visitor's choices; lives in the server's memory only and never reaches the page."""

    uses_hosted: bool
    api_key: SecretStr | None = None
    """The visitor's own key; None for the owner's, if there is one."""
    visitor: str = ""
    """Digest of the id that the browser keeps; "" for API callers and for browsers that keep nothing."""
    is_page: bool = False
    """Set when a page opens. A page whose session is without it has been forgotten by the server; API callers have none."""


@dataclass(frozen=True)
class Shown:
    """A run on a visitor's page, with what its updates do not carry."""

    run: Run
    size_px: tuple[int, int]
    body: dict[str, Any]
    before: tuple[Path, ...] = ()
    """The pictures that were shown before it."""
    previews: dict[int, str] = field(default_factory=dict[int, str])
    """Data URIs of the picture as it was after some of the steps, for the Learn tab; filled while the run is watched."""

    def keep_preview(self, step: int, uri: str | None) -> None:
        """Remember a preview; of a long run every other one, so that a thousand visitors take little memory."""
        if uri is None or step in self.previews:
            return
        if len(self.previews) >= _MOST_PREVIEWS:
            for kept in sorted(self.previews)[1::2]:
                del self.previews[kept]
        self.previews[step] = uri

    @property
    def files(self) -> tuple[Path, ...]:
        """The pictures to show: its own, or those from before as long as it has none."""
        return self.run.latest.files or self.before


@dataclass
class Backends:
    """Everything the page works with; built once by the composition root."""

    pocket: PredictionClient
    hosted: PredictionClient
    bench: Bench
    presets_dir: Path
    owner_key: SecretStr | None = None
    most_cells: int = MOST_CELLS
    """Of one sweep."""
    hosted_is_own_service: bool = False
    """The base URL was set by the owner: it may need no key."""
    shown: dict[str, Shown] = field(default_factory=lambda: dict[str, Shown]())
    """What each visitor's page shows, by session hash."""
    _hosted_has_answered: bool = False

    @property
    def first_session(self) -> Session:
        """Where a new visitor starts."""
        return Session(uses_hosted=self.owner_key is not None or self.hosted_is_own_service)

    def model(self, session: Session) -> ModelInfo:
        """The model that this visitor's next request goes to."""
        return (self.hosted if session.uses_hosted else self.pocket).model

    def has_key(self, session: Session) -> bool:
        """Whether the hosted API can be used without asking for a key."""
        return session.api_key is not None or self.owner_key is not None

    def needs_key(self, session: Session) -> bool:
        """Whether the visitor has chosen the hosted API and nobody has given a key for it."""
        return session.uses_hosted and not self.has_key(session) and not self.hosted_is_own_service

    def check_connection(self, session: Session, page: gr.Request | None) -> None:
        """Raise where a page is connected otherwise than the server remembers, or a key is needed and missing.

        A server that was restarted has forgotten its sessions: a page that says "your key" could spend the owner's.
        Browsers mark what a page asks of its own server; API callers, who have no page, are not marked so.
        """
        is_from_page = page is not None and page.headers.get("sec-fetch-site") == "same-origin"
        if is_from_page and not session.is_page:
            raise KeyRefusedError(
                "The server has forgotten this page's connection, perhaps because it was restarted.",
                advice="Reload the page, and choose the model or enter the key again.",
            )
        if self.needs_key(session):
            raise KeyRefusedError("The hosted API needs a key.", advice="Enter one under Connection, or use the pocket model.")

    def show(self, visitor: str, shown: Shown) -> None:
        """Remember what a visitor's page shows; of pages that never said goodbye, the oldest finished ones are dropped."""
        self.shown.pop(visitor, None)
        self.shown[visitor] = shown
        finished = [name for name, other in self.shown.items() if other.run.latest.is_over]
        for name in finished[: max(0, len(self.shown) - _MOST_SHOWN)]:
            del self.shown[name]

    def account(self, session: Session) -> Account:
        """On whose behalf this visitor's requests are made."""
        has_key = session.uses_hosted and self.has_key(session)
        return Account(session.visitor, "" if not has_key else "visitor" if session.api_key else "owner")

    def shelf(self, session: Session) -> Shelf:
        """This visitor's part of the history."""
        return Shelf(self.bench.history, session.visitor)

    def whose_key(self, session: Session) -> str:
        """Whose credits a request to the hosted API spends, in words."""
        return "your key" if session.api_key else "the owner's key" if self.owner_key else "no key yet"

    def client(self, session: Session, page_hash: str) -> PredictionClient:
        """The client for this visitor's requests. Raises KeyRefusedError for a malformed key."""
        visitor = session.visitor or page_hash  # several windows of one visitor share one place in the queue
        if not session.uses_hosted:
            return self.pocket.as_visitor(client_id=visitor)
        client_id = visitor if self.hosted_is_own_service else None
        return self.hosted.as_visitor(api_key=session.api_key or self.owner_key, client_id=client_id)

    async def ask_hosted_model(self) -> None:
        """Where the base URL is the owner's own service, let it say which model it runs; asked again until it has."""
        if not self.hosted_is_own_service or self._hosted_has_answered:
            return
        try:
            models = await self.hosted.as_visitor(api_key=self.owner_key).models()
        except PlaygroundError as error:
            log.warning("%s was asked for its model: %s", self.hosted.host, error.what)
            return
        self._hosted_has_answered = True
        if models:
            self.hosted = replace(self.hosted, model=models[0])
