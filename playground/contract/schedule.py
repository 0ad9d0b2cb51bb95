"""Noise levels over the steps of FLUX.1's rectified flow: pure functions of steps and picture size."""

import math
from itertools import pairwise

_TOKEN_SIDE_PX = 16


def image_tokens(width_px: int, height_px: int) -> int:
    """How many image tokens FLUX.1 has for a picture: one stands for 16 × 16 pixels."""
    return (width_px // _TOKEN_SIDE_PX) * (height_px // _TOKEN_SIDE_PX)


def shift(tokens: int) -> float:
    """FLUX.1's time shift e^mu for a picture of so many image tokens: 1.88 at 1024, 3.16 at 4096.

    mu = 0.5 + (L − 256)·(1.15 − 0.5)/(4096 − 256) at L tokens (black-forest-labs/flux, sampling.py): larger
    pictures spend more of their steps at high noise.
    """
    return math.exp(0.5 + (tokens - 256) * (1.15 - 0.5) / (4096 - 256))


def sigmas(steps: int, tokens: int) -> list[float]:
    """`steps` + 1 noise levels from 1 (noise) to 0 (picture), each linear level s moved to shift·s / (1 + (shift − 1)·s)."""
    moved = shift(tokens)
    linear = [1 - k / steps for k in range(steps + 1)]
    return [moved * s / (1 + (moved - 1) * s) for s in linear]


def intervals(levels: list[float], start: int = 0) -> list[tuple[int, float, float]]:
    """(step index, level before, level after) of every step from `start` on."""
    return [(k, before, after) for k, (before, after) in enumerate(pairwise(levels)) if k >= start]
