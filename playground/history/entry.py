"""What the history knows of a prediction: who asked what of whom, and what became of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo
from playground.contract.prediction import Status

SENT = "sent"
"""The status of a request of which nobody knows whether it was accepted."""


@dataclass(frozen=True)
class Account:
    """On whose behalf a request is made."""

    visitor: str = ""
    """Digest of the id that the visitor's browser keeps; "" for nobody: what is asked so stands in no page's history."""
    key_of: str = ""
    """Whose key it is sent with: "owner", "visitor", or "" for none."""


NOBODY = Account()


@dataclass(frozen=True)
class Asked:
    """A request as it is told apart: where it goes, to which model, its inputs with the seed, its upload, and who pays.

    A result made with `go_fast` counts like any other although the hosted API would not draw the same picture again:
    the one on disk is the one that was paid for.
    """

    base_url: str
    model: str
    request: PredictionInput
    image_digest: str = ""
    payer: str = field(default="", repr=False)
    """A digest of the key, "" where none is needed: a picture is handed to nobody but whose key has paid for it. Only
    the digest of everything together is written down."""

    @property
    def inputs(self) -> str:
        """The inputs as JSON, always in the same order, without the image."""
        return json.dumps(self.request.model_dump(exclude={"image"}), sort_keys=True)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        parts = json.dumps([self.base_url, self.model, self.inputs, self.image_digest, self.payer])
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class Order:
    """A request that is about to be sent."""

    asked: Asked
    model: ModelInfo
    account: Account = NOBODY
    image: Path | None = None
    """The upload, as it was kept."""
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Ending:
    """What became of a prediction."""

    status: Status
    error: str | None = None
    outputs: tuple[Path, ...] = ()
    thumbnail: Path | None = None
    size_bytes: int = 0
    """Of all outputs together."""
    time_s: float | None = None
    missing: int = 0
    """Pictures that were made and could not be fetched."""


@dataclass(frozen=True)
class Entry:
    """One remembered prediction."""

    number: int
    id: str
    digest: str
    """Of what was asked: `Asked.digest`."""
    account: Account
    base_url: str
    model: str
    label: str
    credits: int
    input: Mapping[str, Any]
    image: Path | None
    job_id: str | None
    status: str
    created_at: str
    ended_at: str | None
    error: str | None
    outputs: tuple[Path, ...]
    thumbnail: Path | None
    size_bytes: int
    time_s: float | None
    is_favourite: bool
    missing: int = 0
    """Pictures that were made and could not be fetched, as far as that is known."""

    @property
    def is_free(self) -> bool:
        """Whether it cost nothing."""
        return self.credits == 0

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody knows if it was accepted."""
        return self.status == SENT

    @property
    def can_be_fetched(self) -> bool:
        """Whether it was accepted and paid for, and its pictures may still be had from where it was made."""
        lacks_some = not self.outputs or self.missing > 0
        is_open = not Status(self.status).is_terminal or (self.status == Status.COMPLETED and lacks_some)
        return not self.is_free and self.job_id is not None and is_open

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that it needs."""
        return tuple(path for path in (*self.outputs, self.thumbnail, self.image) if path is not None)
