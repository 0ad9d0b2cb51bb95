"""Noise levels over the steps of a rectified flow: pure functions of steps and picture size."""

import math
from itertools import pairwise

FLUX_TOKENS_PER_TOKEN = 16
"""One token of the pocket model stands for 64 × 64 pixels of the API's picture, where FLUX.1 has 4 × 4 tokens."""


def shift(tokens: int) -> float:
    """FLUX.1's time shift e^mu for a picture of so many pocket tokens: 1.88 at 64 tokens, 3.16 at 256.

    mu = 0.5 + (L − 256)·(1.15 − 0.5)/(4096 − 256) at L FLUX.1 tokens (black-forest-labs/flux, sampling.py): larger
    pictures spend more of their steps at high noise.
    """
    flux_tokens = tokens * FLUX_TOKENS_PER_TOKEN
    return math.exp(0.5 + (flux_tokens - 256) * (1.15 - 0.5) / (4096 - 256))


def sigmas(steps: int, tokens: int) -> list[float]:
    """`steps` + 1 noise levels from 1 (noise) to 0 (picture), each linear level s moved to shift·s / (1 + (shift − 1)·s)."""
    moved = shift(tokens)
    linear = [1 - k / steps for k in range(steps + 1)]
    return [moved * s / (1 + (moved - 1) * s) for s in linear]


def intervals(levels: list[float], start: int = 0) -> list[tuple[int, float, float]]:
    """(step index, level before, level after) of every step from `start` on."""
    return [(k, before, after) for k, (before, after) in enumerate(pairwise(levels)) if k >= start]


def steps_computed(steps: int, *, every: int) -> frozenset[int]:
    """Which of `steps` steps run the network if only every so many do: the first two, every n-th, and the last."""
    return frozenset({0, 1, *range(1, steps, every), steps - 1}) & frozenset(range(steps))
