"""PocketEngine: the Engine protocol over the pocket model; all 13 inputs act, or `info` says which do not."""

import json
import math
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from playground.contract.effects import image_pixel_size, pixel_size, start_step
from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo
from playground.contract.prompt import Lexicon
from playground.engine import schedule
from playground.engine.base import Step
from playground.errors import EngineError

if TYPE_CHECKING:
    from playground.engine.pocket.network import Array, Network

_WEIGHTS = Path(__file__).parent / "weights"
_API_PX_PER_TOKEN = 64  # the model draws at a quarter of the API's sides, 16 px a token
_FEWEST_TOKENS, _MOST_TOKENS = 48, 256  # outside of what it was trained at, it draws debris
_PREVIEW_SANE = 1.8  # early estimates of the whole picture overshoot; shown as they are they flash in false colours


class PocketEngine:
    """The pocket model on the CPU. Weights are loaded at the first picture, not before."""

    def __init__(self, folder: Path = _WEIGHTS) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._network: Network | None = None

    @property
    def info(self) -> ModelInfo:
        """What the pocket model is, knows and ignores."""
        return self._info

    @cached_property
    def _info(self) -> ModelInfo:
        return ModelInfo(
            id="playground/pocket-1",
            label="pocket model",
            description="A small text-to-image model that runs on this computer. It is not FLUX.",
            prompt_hint="The pocket model draws 120 things, 3d or flat, on a coloured background.",
            example_prompt="3d render of ghost on purple background",
            lexicon=self._lexicon(),
            without_effect={"disable_safety_checker": "this model has no safety checker and its pictures are not checked"},
        )

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image.Image | None, on_step: Callable[[Step], None]
    ) -> list[Image.Image]:
        """RGB pictures of the contract's pixel size; the same seed and inputs give the same pixels."""
        from playground.engine.pocket import sampler, text

        network = self._ready()
        size_px = pixel_size(request.aspect_ratio, request.megapixels) if image is None else image_pixel_size(*image.size)
        rows, cols = grid(*size_px)
        steps = request.num_inference_steps
        levels = schedule.sigmas(steps, rows * cols)
        z = sampler.noise(seed, count=request.num_outputs, rows=rows, cols=cols)
        first = 0
        if image is not None:
            first = start_step(steps, request.prompt_strength)
            z = levels[first] * z + (1 - levels[first]) * network.encode(_pixels(image, rows, cols))
            z = z.astype("float32")
        words = text.WordList(self._words)

        def done(step: int, clean: "Array") -> None:
            def preview() -> Image.Image:
                return _pictures(network.decode(clean.clip(-_PREVIEW_SANE, _PREVIEW_SANE)))[0]

            on_step(Step(number=step - first + 1, total=steps - first, preview=preview))

        z = sampler.denoise(
            z,
            velocity=network.velocity,
            text=sampler.Text(words.encode(request.prompt), text.no_prompt()),
            levels=levels,
            start_step=first,
            guidance=request.guidance,
            go_fast=request.go_fast and image is None,
            on_step=done,
        )
        drawn = [_pictures(network.decode(z[index : index + 1]))[0] for index in range(len(z))]
        return [picture.resize(size_px, Image.Resampling.LANCZOS) for picture in drawn]

    def _lexicon(self) -> Lexicon:
        from playground.engine.pocket import text

        if (self._folder / text.FILE).exists():
            return text.Vocabulary.load(self._folder).lexicon
        return text.WordList(self._words).lexicon(self._things)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return self._list("vocab.json")

    @cached_property
    def _things(self) -> tuple[str, ...]:
        return self._list("things.json")

    def _list(self, name: str) -> tuple[str, ...]:
        try:
            return tuple(json.loads((self._folder / name).read_text()))
        except (OSError, ValueError) as error:
            raise EngineError(
                f"The pocket model's file {name} is missing or damaged.", advice="Install the playground again."
            ) from error

    def _ready(self) -> "Network":
        from playground.engine.pocket.network import Network

        with self._loading:
            if self._network is None:
                self._network = Network.load(self._folder)
            return self._network


def grid(width_px: int, height_px: int) -> tuple[int, int]:
    """(rows, cols) of tokens that the model draws for a picture of this size, kept near the sizes it was trained at."""
    tokens = width_px * height_px / _API_PX_PER_TOKEN**2
    scale = math.sqrt(min(_MOST_TOKENS, max(_FEWEST_TOKENS, tokens)) / tokens) / _API_PX_PER_TOKEN
    return max(2, round(height_px * scale)), max(2, round(width_px * scale))


def _pixels(image: Image.Image, rows: int, cols: int) -> "Array":
    """(1, 3, 16·rows, 16·cols) in −1…1."""
    import numpy as np

    from playground.engine.pocket.network import STRIDE_PX

    small = image.convert("RGB").resize((cols * STRIDE_PX, rows * STRIDE_PX), Image.Resampling.LANCZOS)
    return (np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)


def _pictures(pixels: "Array") -> list[Image.Image]:
    """(b, 3, h, w) in −1…1 to b RGB pictures."""
    shown = ((pixels.transpose(0, 2, 3, 1) + 1) * 127.5).round().clip(0, 255).astype("uint8")
    return [Image.fromarray(picture) for picture in shown]
