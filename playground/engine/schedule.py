"""Noise levels over the steps of a rectified flow: pure functions of steps and picture size."""

import math
from itertools import pairwise


def shift(tokens: int) -> float:
    """The pocket model's time shift exp(0.4 + 0.25·log2(tokens / 64)): 1.49 at 64 tokens, 2.46 at 256.

    Larger pictures spend more of their steps at high noise, as FLUX.1 does with its mu; the constants are those that
    this model was trained with.
    """
    return math.exp(0.4 + 0.25 * math.log2(tokens / 64))


def sigmas(steps: int, tokens: int) -> list[float]:
    """`steps` + 1 noise levels from 1 (noise) to 0 (picture), each linear level s moved to shift·s / (1 + (shift − 1)·s)."""
    moved = shift(tokens)
    linear = [1 - k / steps for k in range(steps + 1)]
    return [moved * s / (1 + (moved - 1) * s) for s in linear]


def intervals(levels: list[float], start: int = 0) -> list[tuple[int, float, float]]:
    """(step index, level before, level after) of every step from `start` on."""
    return [(k, before, after) for k, (before, after) in enumerate(pairwise(levels)) if k >= start]
