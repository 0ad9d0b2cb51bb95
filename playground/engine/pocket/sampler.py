"""From noise, or from a picture and noise, to a latent: Euler steps along the rectified flow, with guidance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from playground.engine import schedule

Array = npt.NDArray[np.floating[Any]]
Tokens = npt.NDArray[np.int64]

SANE = 2.6
"""Latents beyond ±2.6 standard deviations are nothing that the encoder makes: guidance above 5 drives them there, and
the decoder answers with broken colours. Clamping the clean estimate is Imagen's static thresholding (arXiv 2205.11487)."""

GO_FAST_EVERY = 3
"""With go_fast the pass without a prompt runs at every third step; between, its last difference to the prompt stands."""


class Velocity(Protocol):
    """The flow network: (b, 16, rows, cols) latents at a noise level, and (b, 12) tokens, to velocities."""

    def __call__(self, z: Array, sigma: float, tokens: Tokens) -> Array: ...


@dataclass(frozen=True)
class Text:
    """Token ids of the prompt and of no prompt, each (12,)."""

    prompt: Tokens
    nothing: Tokens


def noise(seed: int, *, count: int, rows: int, cols: int) -> Array:
    """(count, 16, rows, cols): one seed makes the whole batch, and its first picture is the one that the seed makes alone."""
    return np.random.default_rng(seed).standard_normal((count, 16, rows, cols)).astype(np.float32)


def denoise(
    start: Array,
    *,
    velocity: Velocity,
    text: Text,
    levels: list[float],
    start_step: int,
    guidance: float,
    go_fast: bool,
    on_step: Callable[[int, Array], None],
) -> Array:
    """Latents (count, 16, rows, cols) after all steps from `start_step` on.

    z ← z + (σ_k − σ_{k+1})·v with v = v∅ + g·(v_prompt − v∅). on_step(k, clean) gets the index of the step just done
    and the first picture's clean estimate z + σ·v, (1, 16, rows, cols), and may raise to stop.
    """
    # One picture at a time: its values then do not depend on how many others are made beside it.
    pictures = [start[index : index + 1] for index in range(len(start))]
    guides = [_Guide(velocity, text, guidance, every=GO_FAST_EVERY if go_fast else 1) for _ in pictures]
    for step, sigma, next_sigma in schedule.intervals(levels, start_step):
        clean = [_clamped(z + np.float32(sigma) * guide(z, sigma)) for z, guide in zip(pictures, guides, strict=True)]
        # The clean estimate is where the straight line from z arrives, so z moves the same part of the way to it.
        part = np.float32((sigma - next_sigma) / sigma)
        pictures = [z + part * (estimate - z) for z, estimate in zip(pictures, clean, strict=True)]
        on_step(step, clean[0])
    return np.concatenate(pictures)


def _clamped(z: Array) -> Array:
    return np.clip(z, np.float32(-SANE), np.float32(SANE))


class _Guide:
    """Velocity of one picture under guidance; keeps the difference that the prompt makes between two full passes."""

    def __init__(self, velocity: Velocity, text: Text, guidance: float, *, every: int) -> None:
        self._velocity, self._text, self._guidance, self._every = velocity, text, guidance, every
        self._calls = 0
        self._pull: Array | None = None

    def __call__(self, z: Array, sigma: float) -> Array:
        if self._pull is None or self._calls % self._every == 0:
            both = np.concatenate([z, z])
            with_prompt, without = np.split(self._velocity(both, sigma, np.stack([self._text.prompt, self._text.nothing])), 2)
            self._pull = with_prompt - without
        else:
            with_prompt = self._velocity(z, sigma, self._text.prompt[None])
        self._calls += 1
        # v∅ + g·(v_prompt − v∅), written from v_prompt so that a kept difference can stand in
        return with_prompt + np.float32(self._guidance - 1) * self._pull
