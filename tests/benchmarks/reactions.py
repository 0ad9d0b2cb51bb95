"""How the pocket model reacts to each input, as figures and as one plot: `python -m tests.benchmarks.reactions`.

Writes reactions.json and reactions.svg beside this file. Prompt fidelity under guidance needs the judge (see fidelity.py)
and is left out without `--folder`.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.pocket import PocketEngine
from playground.service.outputs import encode
from tests.benchmarks.pocket import PROMPTS, difference, unwatched

SEEDS = (1, 2, 3)
Curve = dict[float, float]


class Bench:
    """Pictures of the benchmark's prompts and seeds under changed inputs."""

    def __init__(self) -> None:
        self._engine = PocketEngine()

    def picture(self, prompt: str, seed: int, image: Image.Image | None = None, **inputs: object) -> Image.Image:
        """One picture, at 0.25 MP and in full precision unless the inputs say otherwise."""
        request = PredictionInput.model_validate({"prompt": prompt, "megapixels": "0.25", "go_fast": False, **inputs})
        return self._engine.generate(request, seed=seed, image=image, on_step=unwatched)[0]

    def mean(self, figure: Callable[[str, int], float]) -> float:
        """The mean of a figure over all prompts and seeds."""
        return statistics.mean(figure(prompt, seed) for prompt in PROMPTS for seed in SEEDS)


def steps_curve(bench: Bench) -> Curve:
    """Number of steps → mean difference to the picture of 50 steps, of 255."""
    last = {(p, s): bench.picture(p, s, num_inference_steps=50) for p in PROMPTS for s in SEEDS}
    return {
        n: bench.mean(lambda p, s, n=n: difference(bench.picture(p, s, num_inference_steps=n), last[p, s]))
        for n in (1, 2, 4, 8, 16, 28, 40)
    }


def guidance_curve(bench: Bench) -> Curve:
    """Guidance → mean colour saturation of the whole picture, 0…1."""
    return {g: bench.mean(lambda p, s, g=g: saturation(bench.picture(p, s, guidance=g))) for g in (0, 1, 2, 3, 4, 6, 8, 10)}


def fidelity_curve(folder: Path, count: int, things: int | None) -> Curve:
    """Guidance → share of held-out prompts whose thing and style the judge names, 0…1."""
    from playground.training import pictures
    from playground.training.evaluate import held_out_scenes, judged
    from tests.benchmarks.fidelity import drawn, prompt

    known = pictures.load(folder, things).things
    scenes, engine, curve = held_out_scenes(len(known), count), PocketEngine(), {}
    for guidance in (0, 1, 2, 3, 4, 6, 8, 10):
        made = drawn(engine, [prompt(scene, known) for scene in scenes], megapixels="0.25", go_fast=False, guidance=guidance)
        found = judged(folder, made, scenes, len(known))
        curve[guidance] = (found.top_1 + found.style) / 2
    return curve


def strength_curve(bench: Bench) -> Curve:
    """Prompt strength → mean difference to the uploaded picture, of 255."""
    uploaded = bench.picture("3d render of hamburger on white background", 7)
    return {
        s: bench.mean(lambda p, seed, s=s: difference(bench.picture(p, seed, uploaded, prompt_strength=s), uploaded))
        for s in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
    }


def quality_curves(bench: Bench) -> tuple[Curve, Curve]:
    """Output quality → mean WebP bytes, and → mean error against the picture before encoding, of 255."""
    sizes, errors = {}, {}
    drawn = [bench.picture(prompt, 1, megapixels="1") for prompt in PROMPTS]
    for quality in (0, 20, 40, 60, 80, 90, 100):
        request = PredictionInput(prompt="x", output_quality=quality)
        files = [encode(picture, request, model_id="benchmark", seed=1) for picture in drawn]
        sizes[quality] = statistics.mean(len(file) for file in files)
        pairs = zip(files, drawn, strict=True)
        errors[quality] = statistics.mean(difference(Image.open(io.BytesIO(file)), picture) for file, picture in pairs)
    return sizes, errors


def ratios(bench: Bench) -> dict[str, float]:
    """Times of 0.25 MP and of go_fast against full precision at 1 MP, and differences against those of two seeds."""
    full_s = seconds(lambda: bench.picture(PROMPTS[0], 1, megapixels="1"))
    small_s = seconds(lambda: bench.picture(PROMPTS[0], 1))
    fast_s = seconds(lambda: bench.picture(PROMPTS[0], 1, megapixels="1", go_fast=True))
    two_seeds = bench.mean(lambda p, s: difference(bench.picture(p, s), bench.picture(p, s + 100)))
    two_runtimes = bench.mean(lambda p, s: difference(bench.picture(p, s), bench.picture(p, s, go_fast=True)))
    return {
        "1 MP / 0.25 MP, time": full_s / small_s,
        "full / go_fast, time": full_s / fast_s,
        "difference of two seeds, of 255": two_seeds,
        "difference of full and go_fast, of 255": two_runtimes,
        "two seeds / two runtimes, difference": two_seeds / two_runtimes,
    }


def seconds(make: Callable[[], object], repeats: int = 7) -> float:
    """Median time of a call."""
    found: list[float] = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        make()
        found.append(time.perf_counter() - started_s)
    return statistics.median(found)


def saturation(picture: Image.Image) -> float:
    """Mean saturation (HSV), 0…1."""
    values: npt.NDArray[np.uint8] = np.asarray(picture.convert("HSV"))[..., 1]
    return float(values.mean() / 255)


def plot(curves: dict[str, Curve], path: Path) -> None:
    """All curves in one figure."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reactions"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(12, 6.5), layout="constrained")
    for axis, (title, curve) in zip(flat(axes), curves.items(), strict=False):
        name, _, unit = title.partition(" → ")
        axis.plot(list(curve), list(curve.values()), marker="o", color="#b4532a")
        axis.set(xlabel=name, ylabel=unit)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    for axis in list(flat(axes))[len(curves) :]:
        axis.remove()
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def flat(axes: Any) -> Iterable[Any]:
    """Axes row by row."""
    return axes.ravel()


def main() -> None:
    """Measure, print, write the figures and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="training folder with judge.pt and pictures")
    parser.add_argument("--things", type=int, default=None)
    parser.add_argument("--count", type=int, default=100, help="prompts of the fidelity curve")
    options = parser.parse_args()
    bench, here = Bench(), Path(__file__).parent
    sizes, errors = quality_curves(bench)
    curves = {
        "num_inference_steps → difference to 50 steps, of 255": steps_curve(bench),
        "guidance → mean saturation": guidance_curve(bench),
        "prompt_strength → difference to the upload, of 255": strength_curve(bench),
        "output_quality → bytes": sizes,
        "output_quality → error, of 255": errors,
    }
    if options.folder:
        curves["guidance → fidelity (judge)"] = fidelity_curve(options.folder, options.count, options.things)
    found = {"ratios": ratios(bench), "curves": curves}
    (here / "reactions.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    plot(curves, here / "reactions.svg")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
