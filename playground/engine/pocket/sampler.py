"""From noise, or from a picture and noise, to a latent: Euler steps along the rectified flow."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from playground.contract import schedule

Array = npt.NDArray[np.floating[Any]]

FLUX_TOKENS_PER_TOKEN = 16
"""One token of the pocket model stands for 64 × 64 pixels of the API's picture, where FLUX.1 has 4 × 4 tokens."""

SANE = 2.8
"""Latents beyond ±2.8 standard deviations are nothing that the encoder makes, and the decoder answers them with broken
colours. Clamping the clean estimate is Imagen's static thresholding (arXiv 2205.11487)."""

GO_FAST_EVERY = 3
"""With go_fast the network runs at every third step; between, its velocity is drawn on in a straight line.

Feature and velocity caching is how large diffusion transformers are sped up too (TeaCache, arXiv 2411.19108). Int8 weights
were measured to be no faster than fp32 at this width.
"""


class Velocity(Protocol):
    """The flow network under a prompt and a guidance: (1, 16, rows, cols) latents at a noise level, to velocities."""

    def __call__(self, z: Array, sigma: float) -> Array: ...


def noise(seed: int, *, count: int, rows: int, cols: int) -> Array:
    """(count, 16, rows, cols): one seed makes the whole batch, and its first picture is the one that the seed makes alone."""
    return np.random.default_rng(seed).standard_normal((count, 16, rows, cols)).astype(np.float32)


def denoise(
    start: Array,
    *,
    velocity: Velocity,
    levels: list[float],
    start_step: int,
    go_fast: bool,
    on_step: Callable[[int, Array], None],
) -> Array:
    """Latents (count, 16, rows, cols) after all steps from `start_step` on.

    z ← z + (σ_k − σ_{k+1})·v. on_step(k, clean) gets the index of the step just done and the first picture's clean
    estimate z + σ·v, (1, 16, rows, cols), and may raise to stop.
    """
    # One picture at a time: its values then do not depend on how many others are made beside it.
    pictures = [start[index : index + 1] for index in range(len(start))]
    intervals = schedule.intervals(levels, start_step)
    computed = steps_computed(len(intervals), every=GO_FAST_EVERY if go_fast else 1)
    paths = [_Path(velocity) for _ in pictures]
    for place, (step, sigma, next_sigma) in enumerate(intervals):
        compute = place in computed
        clean = [_clamped(z + np.float32(sigma) * path.at(z, sigma, compute)) for z, path in zip(pictures, paths, strict=True)]
        # The clean estimate is where the straight line from z arrives, so z moves the same part of the way to it.
        part = np.float32((sigma - next_sigma) / sigma)
        pictures = [z + part * (estimate - z) for z, estimate in zip(pictures, clean, strict=True)]
        on_step(step, clean[0])
    return np.concatenate(pictures)


def steps_computed(steps: int, *, every: int) -> frozenset[int]:
    """Which of `steps` steps run the network if only every so many do: the first two, every n-th, and the last."""
    return frozenset({0, 1, *range(1, steps, every), steps - 1}) & frozenset(range(steps))


def _clamped(z: Array) -> Array:
    return np.clip(z, np.float32(-SANE), np.float32(SANE))


class _Path:
    """One picture's velocities: computed, or drawn on from the last two (a step of second order, as Adams and Bashforth's)."""

    def __init__(self, velocity: Velocity) -> None:
        self._velocity = velocity
        self._known: list[tuple[float, Array]] = []

    def at(self, z: Array, sigma: float, compute: bool) -> Array:
        if compute:
            self._known = [*self._known[-1:], (sigma, self._velocity(z, sigma))]
            return self._known[-1][1]
        (earlier, v_earlier), (later, v_later) = self._known
        return v_later + np.float32((sigma - later) / (later - earlier)) * (v_later - v_earlier)
