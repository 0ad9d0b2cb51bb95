"""Distillation of guidance: a copy of the flow learns to answer in one pass what the flow answers in two."""

import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from playground.contract import schedule
from playground.contract.inputs import bounds
from playground.engine.pocket.sampler import FLUX_TOKENS_PER_TOKEN
from playground.training.clock import Clock
from playground.training.fit_flow import Trainer, World, load_flow, noise_levels, run
from playground.training.flow import Flow, Text

_MOST_GUIDANCE = bounds("guidance")[1]
_OWN = 0.6  # the share of steps on pictures that the student itself is drawing
_UNDER_WAY = 6  # batches of such pictures of each size, so that neighbouring steps see different ones
_STEPS = (8, 28)


@dataclass
class Drawing:
    """A batch that the student is drawing: latents (b, 16, rows, cols), what was asked, and the σ still to come."""

    z: Tensor
    text: Text
    guidance: Tensor
    left: deque[tuple[float, float]]

    @property
    def sigma(self) -> Tensor:
        """(b,) the level at which the latents are."""
        return torch.full_like(self.guidance, self.left[0][0])

    def go_on(self, v: Tensor) -> None:
        """One Euler step along v, shaped like z."""
        sigma, next_sigma = self.left.popleft()
        self.z = self.z + (sigma - next_sigma) * v


class Drawings:
    """What the student draws while it learns, of one size, at all stages from noise to picture."""

    def __init__(self, world: World, tokens: int) -> None:
        self._world, self._tokens = world, tokens
        self._under_way: list[Drawing] = []

    def take(self) -> Drawing:
        """One of the batches under way; a finished one makes room for a new one."""
        rng = self._world.rng
        self._under_way = [drawing for drawing in self._under_way if drawing.left]
        if len(self._under_way) < _UNDER_WAY:
            self._under_way.append(self._fresh(rng))
        return rng.choice(self._under_way)

    def _fresh(self, rng: random.Random) -> Drawing:
        like, text = self._world.batch(self._tokens)
        flux_tokens = like.shape[2] * like.shape[3] * FLUX_TOKENS_PER_TOKEN
        steps = schedule.intervals(schedule.sigmas(rng.randint(*_STEPS), flux_tokens))
        return Drawing(torch.randn_like(like), text, guidances(like[:, 0, 0, 0]), deque((a, b) for _, a, b in steps))


def distill(folder: Path, *, minutes: float, things: int | None, large: float, device: str = "cpu", seed: int = 0) -> Path:
    """Train distilled.pt for `minutes` more: v∅ + g·(v − v∅) in one pass, g fed in (arXiv 2210.03142).

    Guided pictures leave the training pictures' latents behind, the more so the stronger the guidance. So the student
    learns in part on what it draws itself: each of its answers also moves its drawing a step (as in on-policy
    distillation, arXiv 2306.13649).
    """
    world = World(folder, things, device, seed)
    path = folder / "distilled.pt"
    teacher = load_flow(folder / "flow.pt", world.vocabulary).to(device).eval().requires_grad_(False)
    student = load_flow(path if path.exists() else folder / "flow.pt", world.vocabulary).to(device)
    trainer = Trainer(student, path, world.vocabulary, peak=0.4)
    drawings = {tokens: Drawings(world, tokens) for tokens in world.pools}

    def loss_of(tokens: int) -> Tensor:
        if world.rng.random() < _OWN:
            drawing = drawings[tokens].take()
            v, loss = _lesson(teacher, trainer.net, drawing.z, drawing.sigma, drawing.text, drawing.guidance)
            drawing.go_on(v)
            return loss
        z, text = world.batch(tokens)
        sigma = noise_levels(z)
        mixed = torch.lerp(z, torch.randn_like(z), sigma.view(-1, 1, 1, 1))
        return _lesson(teacher, trainer.net, mixed, sigma, text, guidances(sigma))[1]

    run(world, trainer, loss_of, clock=Clock(minutes), large=large, settle=0.3)
    return path


def _lesson(teacher: Flow, student: Flow, z: Tensor, sigma: Tensor, text: Text, guidance: Tensor) -> tuple[Tensor, Tensor]:
    """The student's velocity, without gradient, and its weighted squared distance to the teacher's guided one."""
    with torch.autocast(z.device.type, torch.bfloat16):
        with torch.no_grad():
            said, unsaid = teacher.both_velocities(z, sigma, text)
        v = student.velocity(z, sigma, text, guidance).float()
    target = unsaid + guidance.view(-1, 1, 1, 1) * (said - unsaid)
    # strong guidance makes targets of any size; without a weight they would be all that the student learns
    weight = 1 / (1 + 0.1 * (guidance - 1).clamp(min=0)).pow(2)
    return v.detach(), (weight.view(-1, 1, 1, 1) * (v - target).pow(2)).mean()


def guidances(like: Tensor) -> Tensor:
    """(b,) guidances to distil: mostly those that people use, 1…5; often those below, where the prompt fades; else any."""
    dice, part = torch.rand_like(like), torch.rand_like(like)
    return torch.where(dice < 0.45, 1 + 4 * part, torch.where(dice < 0.65, part, _MOST_GUIDANCE * part))
