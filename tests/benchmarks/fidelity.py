"""Does the shipped pocket model draw what is asked? `python -m tests.benchmarks.fidelity --folder training-data --things 120`

200 prompts of combinations that training never showed, at 64 and at 256 tokens, full precision and go_fast, named by the
independently trained judge (`python -m playground.training data`, then `judge`; needs the extra `train`).
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.training import pictures
from playground.training.evaluate import Fidelity, held_out_scenes, judged
from playground.training.scenes import Scene
from playground.training.world import Thing

STYLE_PHRASES = {"3d": "3d render of", "flat": "flat", "gradient": "gradient", "line": "line drawing of"}


def unwatched(_: Step) -> None:
    """Nobody looks: no preview is decoded."""


def prompt(scene: Scene, things: list[Thing]) -> str:
    """What a user would type for a scene of one thing."""
    return f"{STYLE_PHRASES[scene.style]} {things[scene.things[0]].name} on {scene.color} background"


def tensor(picture: Image.Image, side_px: int = 128) -> torch.Tensor:
    """(3, side, side) in −1…1."""
    small = picture.resize((side_px, side_px), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small, np.float32)).permute(2, 0, 1) / 127.5 - 1


def fidelity(folder: Path, engine: PocketEngine, things: list[Thing], scenes: list[Scene], **inputs: object) -> Fidelity:
    """Draw every scene once, seeds 1, 2, 3 …, and have the pictures judged."""
    drawn = []
    for seed, scene in enumerate(scenes, start=1):
        request = PredictionInput.model_validate({"prompt": prompt(scene, things), **inputs})
        drawn.append(tensor(engine.generate(request, seed=seed, image=None, on_step=unwatched)[0]))
    return judged(folder, torch.stack(drawn), scenes, len(things))


def main() -> None:
    """Print a line for each size and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("training-data"))
    parser.add_argument("--things", type=int, default=None)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    things = pictures.load(options.folder, options.things).things
    scenes, engine = held_out_scenes(len(things), options.count), PocketEngine()
    for megapixels in ("0.25", "1"):
        for go_fast in (False, True):
            found = fidelity(options.folder, engine, things, scenes, megapixels=megapixels, go_fast=go_fast)
            print(f"{megapixels:>4} MP, {'go_fast' if go_fast else 'full   '}: {found} of {len(scenes)} prompts", flush=True)


if __name__ == "__main__":
    main()
