"""The Engine protocol: what the service asks of a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image

from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo


@dataclass(frozen=True)
class Step:
    """One denoising step done: `number` of `total`. `preview()` decodes the first picture as the model sees it now."""

    number: int
    total: int
    preview: Callable[[], Image]


class Engine(Protocol):
    """A text-to-image model. `generate` runs in worker threads, as many at once as the service has workers."""

    @property
    def info(self) -> ModelInfo:
        """What the model is and knows."""
        ...

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image | None, on_step: Callable[[Step], None]
    ) -> list[Image]:
        """`num_outputs` RGB pictures of the exact pixel size the contract gives.

        image: RGB, already of the size of the result. on_step is called after every step and may raise
        EngineCancelledError, which `generate` lets pass. Raises EngineError.
        """
        ...
