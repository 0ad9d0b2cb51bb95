"""Figures of the pocket model on this machine: `python -m tests.benchmarks.pocket`. Ratios are taken in one run."""

import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.engine.pocket.network import TEXT_TOKENS

PROMPTS = (
    "3d render of fox on teal background",
    "flat castle on navy background",
    "3d penguin on pink background",
    "flat cherry blossom on white background",
    "3d robot on orange background",
)


def unwatched(_: Step) -> None:
    """Nobody looks: no preview is decoded."""


def watched(step: Step) -> None:
    """Somebody looks at every step."""
    step.preview()


def timed(make: Callable[[], list[Image.Image]], repeats: int = 3) -> tuple[float, Image.Image]:
    """(median seconds, the picture)."""
    seconds: list[float] = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        pictures = make()
        seconds.append(time.perf_counter() - started_s)
    return statistics.median(seconds), pictures[0]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures, of 255."""
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def matrix_product_rate() -> float:
    """FLOP/s of one large float32 matrix product on all cores, the best of several: the floor that nothing beats."""
    side = 1536
    one = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    best_s = float("inf")
    for _ in range(12):
        started_s = time.perf_counter()
        one @ one
        best_s = min(best_s, time.perf_counter() - started_s)
    return 2 * side**3 / best_s


def flop_per_step(tokens: int) -> int:
    """Multiplications and additions in the matrix products of one step: seven blocks of width 256, MLPs of 640."""
    width, inner, blocks = 256, 640, 7
    positions = tokens + TEXT_TOKENS
    return blocks * 2 * positions * (width * (4 * width + 3 * inner) + 2 * positions * width)


def main() -> None:
    """Measure and print a table."""
    bytes_before = peak_bytes()
    started_s = time.perf_counter()
    engine = PocketEngine()
    engine.generate(PredictionInput(prompt="ghost", num_inference_steps=1), seed=1, image=None, on_step=unwatched)
    first_s = time.perf_counter() - started_s

    full_s, fast_s, small_s, looked_s, fast_off, seed_off = ([] for _ in range(6))
    for seed, prompt in enumerate(PROMPTS, start=1):

        def make(
            seed: int = seed, prompt: str = prompt, look: Callable[[Step], None] = unwatched, **inputs: object
        ) -> list[Image.Image]:
            request = PredictionInput.model_validate({"prompt": prompt, "go_fast": False, **inputs})
            return engine.generate(request, seed=seed, image=None, on_step=look)

        seconds, full = timed(make)
        full_s.append(seconds)
        seconds, fast = timed(lambda make=make: make(go_fast=True))
        fast_s.append(seconds)
        small_s.append(timed(lambda make=make: make(megapixels="0.25"))[0])
        looked_s.append(timed(lambda make=make: make(look=watched))[0])
        fast_off.append(difference(full, fast))
        seed_off.append(difference(full, make(seed=seed + 100)[0]))

    full_time = statistics.median(full_s)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"load and one step                 {first_s:6.2f} s")
    print(f"memory added by load and use      {(peak_bytes() - bytes_before) / 1e6:6.0f} MB")
    rate = matrix_product_rate()
    share = 28 * flop_per_step(256) / full_time / rate
    print(f"matrix products                   {rate / 1e9:6.0f} GFLOP/s here; 28 steps at 1 MP reach {share:.0%} of it")
    for name, seconds in (
        ("28 steps at 1 MP", full_s),
        ("  go_fast", fast_s),
        ("  at 0.25 MP", small_s),
        ("  preview at every step", looked_s),
    ):
        median_s = statistics.median(seconds)
        print(f"{name:33} {median_s:6.2f} s  {median_s / full_time:5.2f} × full")
    fast_mean, seed_mean = statistics.mean(fast_off), statistics.mean(seed_off)
    ratio = seed_mean / fast_mean
    print(f"go_fast against full: mean difference {fast_mean:.1f} of 255; another seed {seed_mean:.1f}, {ratio:.1f} × that")


if __name__ == "__main__":
    main()
