"""Pictures from the networks as they are in training: the reference for the shipped sampler, and for contact sheets."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from playground.contract import schedule
from playground.engine.pocket.sampler import FLUX_TOKENS_PER_TOKEN
from playground.training.autoencoder import Autoencoder
from playground.training.captions import WORDS
from playground.training.fit_flow import noise
from playground.training.flow import Flow, Text
from playground.training.scenes import Scene


def text_of(scenes: list[Scene]) -> Text:
    """Captions that say everything of the scenes."""
    words = [[WORDS.index(w) for w in (s.style, "small" if s.small else "", s.place or "", s.color)] for s in scenes]
    things = [[*(1 + thing for thing in s.things), *([0] * (2 - len(s.things)))] for s in scenes]
    return Text(torch.tensor(words), torch.tensor(things))


@torch.no_grad()
def latents(
    net: Flow, text: Text, *, rows: int, cols: int, steps: int = 28, guidance: float = 3.0, distilled: bool, seed: int = 0
) -> Tensor:
    """(b, 16, rows, cols) by Euler steps; before distillation with two passes a step."""
    device = net.slots.device
    count = len(text.words)
    z = noise(count, rows, cols, seed).to(device)
    text = Text(text.words.to(device), text.things.to(device))
    strength = torch.full((count,), guidance, device=device)
    for _, sigma, next_sigma in schedule.intervals(schedule.sigmas(steps, rows * cols * FLUX_TOKENS_PER_TOKEN)):
        level = torch.full((count,), sigma, device=device)
        with torch.autocast(device.type, torch.bfloat16):
            if distilled:
                v = net.velocity(z, level, text, strength).float()
            else:
                said, unsaid = net.both_velocities(z, level, text)
                v = unsaid + guidance * (said - unsaid)
        z = z + (sigma - next_sigma) * v
    return z


@torch.no_grad()
def decoded(autoencoder: Autoencoder, z: Tensor) -> Tensor:
    """(b, 3, h, w) in −1…1, a few at a time."""
    return torch.cat([autoencoder.decode(part) for part in z.split(16)])


def save_sheet(x: Tensor, path: Path, columns: int) -> None:
    """Pictures (b, 3, h, w) in −1…1 as one PNG; a last row that is not full is left out."""
    columns = min(columns, len(x))
    shown = ((x + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    rows = [np.concatenate(list(shown[start : start + columns]), 1) for start in range(0, len(shown) - columns + 1, columns)]
    Image.fromarray(np.concatenate(rows)).save(path)
