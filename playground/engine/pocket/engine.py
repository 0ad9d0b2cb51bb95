"""PocketEngine: the Engine protocol over the pocket model; the safety switch is the service's, all other inputs act."""

import math
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from playground.contract import schedule
from playground.contract.effects import image_pixel_size, pixel_size, start_step
from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo
from playground.engine.base import Step

if TYPE_CHECKING:
    from playground.engine.pocket.network import Network
    from playground.engine.pocket.text import Vocabulary
    from playground.weights import Array

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
        lexicon = self._vocabulary.lexicon
        styles = " or ".join([", ".join(lexicon.styles[:-1]), lexicon.styles[-1]])
        return ModelInfo(
            id="playground/pocket-4",
            label="pocket model",
            description="A small text-to-image model that runs on this computer. It is not FLUX.",
            prompt_hint=f"The pocket model draws {len(lexicon.things)} things in {styles} style, on a coloured background.",
            example_prompt="3d render of ghost on purple background",
            lexicon=lexicon,
        )

    def generate(
        self, request: PredictionInput, *, seed: int, image: Image.Image | None, on_step: Callable[[Step], None]
    ) -> list[Image.Image]:
        """RGB pictures of the contract's pixel size; the same seed and inputs give the same pixels."""
        from playground.engine.pocket import sampler

        network = self._ready()
        words, things = self._vocabulary.ids(self._vocabulary.lexicon.read(request.prompt))
        size_px = pixel_size(request.aspect_ratio, request.megapixels) if image is None else image_pixel_size(*image.size)
        rows, cols = grid(*size_px)
        steps = request.num_inference_steps
        levels = schedule.sigmas(steps, rows * cols * sampler.FLUX_TOKENS_PER_TOKEN)
        z = sampler.noise(seed, count=request.num_outputs, rows=rows, cols=cols)
        first = 0
        if image is not None:
            first = start_step(steps, request.prompt_strength)
            z = levels[first] * z + (1 - levels[first]) * network.encode(_pixels(image, rows, cols))
            z = z.astype("float32")

        def velocity(z: "Array", sigma: float) -> "Array":
            return network.velocity(z, sigma, words=words, things=things, guidance=request.guidance)

        def done(step: int, clean: "Array") -> None:
            def preview() -> Image.Image:
                return _pictures(network.decode(clean.clip(-_PREVIEW_SANE, _PREVIEW_SANE)))[0]

            on_step(Step(number=step - first + 1, total=steps - first, preview=preview))

        z = sampler.denoise(
            z,
            velocity=velocity,
            levels=levels,
            start_step=first,
            go_fast=request.go_fast and image is None,
            on_step=done,
        )
        drawn = [_pictures(network.decode(z[index : index + 1]))[0] for index in range(len(z))]
        return [picture.resize(size_px, Image.Resampling.LANCZOS) for picture in drawn]

    @cached_property
    def _vocabulary(self) -> "Vocabulary":
        from playground.engine.pocket.text import Vocabulary

        return Vocabulary.load(self._folder)

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
