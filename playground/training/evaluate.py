"""Fidelity of the trained networks: does an independent judge see in a picture what its prompt asked for?"""

import random
from dataclasses import dataclass
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
    """Shares of pictures, 0…1, in which the judge names what was asked for."""

    top_1: float
    top_5: float
    style: float
    background: float

    def __str__(self) -> str:
        return f"thing {self.top_1:.1%}, top five {self.top_5:.1%}, style {self.style:.1%}, background {self.background:.1%}"


def held_out_scenes(things: int, count: int = 200, seed: int = 0) -> list[Scene]:
    """Scenes of one thing whose thing, style and colour never met in training."""
    rng = random.Random(seed)  # noqa: S311
    combinations = [
        Scene((thing,), style, color)
        for thing in range(things)
        for style in STYLES
        for color in COLORS
        if is_held_out(thing, style, color)
    ]
    return rng.sample(combinations, min(count, len(combinations)))


@torch.no_grad()
def judged(folder: Path, x: Tensor, scenes: list[Scene], things: int) -> Fidelity:
    """Compare square pictures (b, 3, s, s) in −1…1 with the scenes they should show."""
    things_said, styles_said = load_judge(folder, things)(to_judge(x))
    wanted = torch.tensor([scene.things[0] for scene in scenes])
    style = torch.tensor([STYLES.index(scene.style) for scene in scenes])
    top_5 = things_said.topk(min(5, things), 1).indices
    colors = [named_color(picture) == scene.color for picture, scene in zip(x, scenes, strict=True)]
    return Fidelity(
        top_1=(top_5[:, 0] == wanted).float().mean().item(),
        top_5=(top_5 == wanted[:, None]).any(1).float().mean().item(),
        style=(styles_said.argmax(1) == style).float().mean().item(),
        background=sum(colors) / len(colors),
    )


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
