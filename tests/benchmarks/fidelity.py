"""Does the shipped pocket model draw what is asked? `python -m tests.benchmarks.fidelity --folder training-data --things 200`

200 prompts of combinations that training never showed, at 64 and at 256 tokens, full precision and go_fast, named by the
independently trained judge (`python -m playground.training data`, then `judge`; needs the extra `train`). Then pairs, small
things and words for several things ("animal"). Beside each stands what the judge makes of the training pictures themselves.
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.training import pictures
from playground.training.classifier import load_judge, to_judge
from playground.training.evaluate import held_out_scenes, judged, pair_scenes, small_scenes
from playground.training.scenes import Painter, Scene, grid
from playground.training.world import CATEGORIES, STYLES, Thing, groups

STYLE_PHRASES = {"3d": "3d render of", "flat": "flat", "sticker": "sticker of", "line": "line drawing of"}


def unwatched(_: Step) -> None:
    """Nobody looks: no preview is decoded."""


def prompt(scene: Scene, things: list[Thing]) -> str:
    """What a user would type for a scene."""
    named = " and ".join(things[thing].name for thing in scene.things)
    return f"{'small ' if scene.small else ''}{STYLE_PHRASES[scene.style]} {named} on {scene.color} background"


def tensor(picture: Image.Image, side_px: int = 128) -> torch.Tensor:
    """(3, side, side) in −1…1."""
    small = picture.resize((side_px, side_px), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small, np.float32)).permute(2, 0, 1) / 127.5 - 1


def drawn(engine: PocketEngine, prompts: list[str], **inputs: object) -> torch.Tensor:
    """(b, 3, 128, 128): every prompt once, seeds 1, 2, 3 …"""
    requests = [PredictionInput.model_validate({"prompt": prompt, **inputs}) for prompt in prompts]
    made = [
        engine.generate(request, seed=seed, image=None, on_step=unwatched)[0] for seed, request in enumerate(requests, start=1)
    ]
    return torch.stack([tensor(picture) for picture in made])


def categories(folder: Path, engine: PocketEngine, things: list[Thing], **inputs: object) -> tuple[int, int]:
    """Of how many pictures of a category the judge names a member, and how many were drawn: four styles of each."""
    judge = load_judge(folder, len(things))
    members = {name: numbers for name, numbers in groups(things).items() if name in CATEGORIES.values()}
    asked = [(name, style) for name in members for style in STYLES]
    pictures_ = drawn(engine, [f"{STYLE_PHRASES[style]} {name} on teal background" for name, style in asked], **inputs)
    with torch.no_grad():
        said = judge(to_judge(pictures_))[0].argmax(1).tolist()
    return sum(thing in members[name] for thing, (name, _) in zip(said, asked, strict=True)), len(asked)


def main() -> None:
    """Print a line for each kind of prompt, size and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("training-data"))
    parser.add_argument("--things", type=int, default=None)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    world = pictures.load(options.folder, options.things)
    things, painter, engine, rng = world.things, Painter(world), PocketEngine(), random.Random(0)
    kinds = {"held out": held_out_scenes, "pairs": pair_scenes, "small": small_scenes}
    for kind, scenes_of in kinds.items():
        scenes = scenes_of(len(things), options.count)
        real = torch.cat([painter.draw([scene], *grid("1:1", 256), rng) for scene in scenes])
        print(f"{kind}, {len(scenes)} pictures, {len(set(scenes))} prompts")
        print(f"  training pictures: {judged(options.folder, real, scenes, len(things))}", flush=True)
        for megapixels in ("0.25", "1"):
            for go_fast in (False, True) if kind == "held out" else (False,):
                made = drawn(engine, [prompt(scene, things) for scene in scenes], megapixels=megapixels, go_fast=go_fast)
                found = judged(options.folder, made, scenes, len(things))
                print(f"  {megapixels:>4} MP, {'go_fast' if go_fast else 'full   '}: {found}", flush=True)
    print("categories: {} of {} pictures show a member".format(*categories(options.folder, engine, things, go_fast=False)))


if __name__ == "__main__":
    main()
