"""Fake engines, one a behaviour: the only stand-ins, at the Engine protocol."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from playground.contract.effects import pixel_size, steps_run
from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo
from playground.contract.prompt import Lexicon
from playground.engine.base import Step
from playground.errors import EngineCancelledError

INFO = ModelInfo(
    id="playground/fake-1",
    label="fake model",
    lexicon=Lexicon(things=("ghost", "castle"), silent=("a", "in")),
    without_effect={"output_quality": "this model has none"},
)


@dataclass
class InstantEngine:
    """Pictures in one colour that the seed decides; remembers what it was asked for."""

    info: ModelInfo = INFO
    seeds: list[int] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    images: list[Image.Image | None] = field(default_factory=list)
    previews: int = 0

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image.Image | None, on_step: Callable[[Step], None]
    ) -> list[Image.Image]:
        self.seeds.append(seed)
        self.prompts.append(request.prompt)
        self.images.append(image)
        size_px = pixel_size(request.aspect_ratio, request.megapixels) if image is None else image.size
        total = steps_run(request, has_image=image is not None)
        for number in range(1, total + 1):
            self.work()
            on_step(Step(number=number, total=total, preview=self.preview))
        return [Image.new("RGB", size_px, colour(seed, index)) for index in range(request.num_outputs)]

    def work(self) -> None:
        """What one step costs: nothing here."""

    def preview(self) -> Image.Image:
        self.previews += 1
        return Image.new("RGB", (640, 480), "teal")


class GatedEngine(InstantEngine):
    """Does one step for each `allow`, so that a test decides how far it gets; notes when it was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = threading.Semaphore(0)
        self.was_stopped = threading.Event()

    def allow(self, steps: int) -> None:
        self._steps.release(steps)

    def work(self) -> None:
        if not self._steps.acquire(timeout=30):
            raise TimeoutError("no test allowed this step")

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image.Image | None, on_step: Callable[[Step], None]
    ) -> list[Image.Image]:
        try:
            return super().generate(request, seed=seed, image=image, on_step=on_step)
        except EngineCancelledError:
            self.was_stopped.set()
            raise


class FailingEngine(InstantEngine):
    """Raises `error` for the prompt "fail" and works for any other."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image.Image | None, on_step: Callable[[Step], None]
    ) -> list[Image.Image]:
        if request.prompt == "fail":
            raise self.error
        return super().generate(request, seed=seed, image=image, on_step=on_step)


def colour(seed: int, index: int = 0) -> tuple[int, int, int]:
    """The colour of a fake picture."""
    return (seed * 53 % 256, seed * 97 % 256, index * 60)
