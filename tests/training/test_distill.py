"""Distillation: what the student draws while it learns goes from noise to picture, and new drawings replace finished ones."""

import random
from typing import cast

import pytest
import torch

from playground.contract.inputs import bounds
from playground.training.distill import Drawing, Drawings, guidances
from playground.training.fit_flow import World
from playground.training.flow import Text


class OneScene:
    """The part of a World that drawings need: latents' shape and captions."""

    def __init__(self) -> None:
        self.rng = random.Random(0)
        self.batches = 0

    def batch(self, tokens: int) -> tuple[torch.Tensor, Text]:
        self.batches += 1
        side = int(tokens**0.5)
        return torch.full((2, 16, side, side), 9.0), Text(torch.ones(2, 4).long(), torch.ones(2, 2).long())


def test_every_drawing_begins_as_noise_and_goes_down_to_a_picture() -> None:
    torch.manual_seed(0)
    world = OneScene()
    drawings = Drawings(cast(World, world), 64)
    known: list[tuple[Drawing, list[float]]] = []
    for _ in range(400):
        drawing = drawings.take()
        sigma = float(drawing.sigma[0])
        seen = next((levels for other, levels in known if other is drawing), None)
        if seen is None:
            seen = list[float]()
            known.append((drawing, seen))
            assert sigma == 1
            assert abs(float(drawing.z.std()) - 1) < 0.1  # noise, and nothing of the scene's own latents
        assert all(sigma < before for before in seen)
        seen.append(sigma)
        drawing.go_on(torch.zeros_like(drawing.z))
    assert world.batches == len(known) > 10
    assert sum(not drawing.left for drawing, _ in known) >= len(known) - 6


def test_a_velocity_that_is_right_arrives_at_the_picture() -> None:
    torch.manual_seed(0)
    drawing = Drawings(cast(World, OneScene()), 64).take()
    start, goal = drawing.z, torch.full_like(drawing.z, 0.5)
    while drawing.left:
        drawing.go_on(goal - start)
    assert torch.allclose(drawing.z, goal, atol=1e-5)


def test_guidances_stay_in_the_contract_s_bounds_and_dwell_where_people_set_them() -> None:
    torch.manual_seed(0)
    drawn = guidances(torch.zeros(20_000))
    least, most = bounds("guidance")
    assert least <= float(drawn.min()) < float(drawn.max()) <= most
    assert float(((drawn >= 1) & (drawn <= 5)).float().mean()) == pytest.approx(0.45 + 0.35 * 0.4, abs=0.02)
