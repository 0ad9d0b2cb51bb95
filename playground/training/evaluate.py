"""Fidelity of the trained networks: does an independent judge see in a picture what its prompt asked for?"""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from playground.training import pictures, sampler
from playground.training.captions import Vocabulary
from playground.training.classifier import load_judge, named_color, to_judge
from playground.training.fit_flow import load_autoencoder, load_flow
from playground.training.scenes import COLORS, Scene, grid, is_held_out
from playground.training.world import STYLES


@dataclass(frozen=True)
class Fidelity:
    """Shares of pictures, 0…1, in which the judge names what was asked for; of two things it must name both."""

    top_1: float
    top_5: float
    style: float
    background: float

    def __str__(self) -> str:
        return f"thing {self.top_1:.1%}, top five {self.top_5:.1%}, style {self.style:.1%}, background {self.background:.1%}"


def held_out_scenes(things: int, count: int = 200, seed: int = 0) -> list[Scene]:
    """Scenes of one thing whose thing, style and colour never met in training; a small world's come round again."""
    rng = random.Random(seed)  # noqa: S311
    combinations = [
        Scene((thing,), style, color)
        for thing in range(things)
        for style in STYLES
        for color in COLORS
        if is_held_out(thing, style, color)
    ]
    rng.shuffle(combinations)
    return [combinations[number % len(combinations)] for number in range(count)]


def small_scenes(things: int, count: int = 200, seed: int = 0) -> list[Scene]:
    """The held-out scenes, each thing small in the middle."""
    return [replace(scene, small=True) for scene in held_out_scenes(things, count, seed)]


def pair_scenes(things: int, count: int = 200, seed: int = 0) -> list[Scene]:
    """Two different things side by side, drawn by lot: of these millions training has met next to none."""
    rng = random.Random(seed)  # noqa: S311
    return [Scene(tuple(rng.sample(range(things), 2)), rng.choice(STYLES), rng.choice(list(COLORS))) for _ in range(count)]


@torch.no_grad()
def judged(folder: Path, x: Tensor, scenes: list[Scene], things: int) -> Fidelity:
    """Compare square pictures (b, 3, s, s) in −1…1 with the scenes they should show."""
    judge = load_judge(folder, things)
    first = five = style = color = 0
    for picture, scene in zip(x, scenes, strict=True):
        things_said, styles_said = judge(torch.cat([to_judge(window[None]) for window in windows(picture, scene)]))
        wanted = torch.tensor(scene.things)
        top_5 = things_said.topk(min(5, things), 1).indices
        first += bool((top_5[:, 0] == wanted).all())
        five += bool((top_5 == wanted[:, None]).any(1).all())
        style += bool((styles_said.argmax(1) == STYLES.index(scene.style)).all())
        color += named_color(picture) == scene.color
    return Fidelity(*(hits / len(scenes) for hits in (first, five, style, color)))


def windows(picture: Tensor, scene: Scene) -> list[Tensor]:
    """The parts of a square picture (3, s, s) where its things are, each as large as the judge is used to see one."""
    side = picture.shape[1]
    if len(scene.things) == 2:
        top, half = side // 4, side // 2
        return [picture[:, top : top + half, :half], picture[:, top : top + half, half:]]
    if scene.small:
        margin = side // 5
        return [picture[:, margin : side - margin, margin : side - margin]]
    return [picture]


def evaluate(
    folder: Path, *, things: int | None, distilled: bool, tokens: int, count: int = 200, guidance: float = 3.0
) -> Fidelity:
    """Generate held-out prompts and have them judged; writes a contact sheet beside the checkpoint."""
    vocabulary = Vocabulary(pictures.load(folder, things).things)
    net = load_flow(folder / ("distilled.pt" if distilled else "flow.pt"), vocabulary).eval()
    autoencoder = load_autoencoder(folder)
    scenes = held_out_scenes(len(vocabulary.things), count)
    rows, cols = grid("1:1", tokens)
    parts = []
    for start in range(0, len(scenes), 20):
        text = sampler.text_of(scenes[start : start + 20])
        z = sampler.latents(net, text, rows=rows, cols=cols, guidance=guidance, distilled=distilled, seed=start)
        parts.append(sampler.decoded(autoencoder, z))
    x = torch.cat(parts)
    sampler.save_sheet(x[:48], folder / f"sheet-{tokens}{'-distilled' if distilled else ''}.png", 12)
    return judged(folder, x, scenes, len(vocabulary.things))
