"""An independent judge: a small network that names thing, style and background of a picture; it never meets the flow."""

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.training import pictures
from playground.training.clock import Clock, learning_rate
from playground.training.scenes import COLORS, Painter, Placed, Scene, grid
from playground.training.world import STYLES

SIDE_PX = 64
_BATCH = 96


class Judge(nn.Module):
    """(b, 3, 64, 64) in −1…1 to logits of things (b, n) and of styles (b, 4)."""

    def __init__(self, things: int) -> None:
        super().__init__()
        widths = (48, 96, 192, 256)
        layers: list[nn.Module] = []
        before = 3
        for width in widths:
            layers += [
                nn.Conv2d(before, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1, stride=2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before = width
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(256 * 16, 384), nn.ReLU())
        self.thing = nn.Linear(384, things)
        self.style = nn.Linear(384, len(STYLES))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        return self.thing(features), self.style(features)


def to_judge(pictures_: Tensor) -> Tensor:
    """Square pictures of any size, (b, 3, s, s), to the judge's size."""
    return F.interpolate(pictures_, (SIDE_PX, SIDE_PX), mode="area")


def named_color(picture: Tensor) -> str:
    """The palette's colour nearest to the median of the border of one picture, (3, h, w) in −1…1."""
    border = torch.cat(
        [picture[:, :2].flatten(1), picture[:, -2:].flatten(1), picture[:, :, :2].flatten(1), picture[:, :, -2:].flatten(1)], 1
    )
    median = (border.median(1).values + 1) * 127.5
    names = list(COLORS)
    palette = torch.tensor([COLORS[name] for name in names]).float()
    return names[int((palette - median).pow(2).sum(1).argmin())]


def fit_judge(folder: Path, *, minutes: float, things: int | None, device: str = "cpu", seed: int = 1) -> Path:
    """Train the judge on drawn pictures alone, blurred and noised a little; returns the path of judge.pt."""
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311
    drawn = pictures.load(folder, things)
    painter, count = Painter(drawn), len(drawn.things)
    net = Judge(count).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    clock, step, right = Clock(minutes), 0, 0.0
    while not clock.is_over:
        scenes = [Scene((rng.randrange(count),), rng.choice(STYLES), rng.choice(list(COLORS))) for _ in range(_BATCH)]
        x = to_judge(draw_single(painter, scenes, rng, tokens=64 if rng.random() < 0.7 else 36)).to(device)
        x = _worn(x, rng).contiguous(memory_format=torch.channels_last)
        thing = torch.tensor([scene.things[0] for scene in scenes], device=device)
        style = torch.tensor([STYLES.index(scene.style) for scene in scenes], device=device)
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * learning_rate(clock.part, step=step, flat_until=0.3)
        with torch.autocast(device, torch.bfloat16):
            things_said, styles_said = net(x)
        loss = F.cross_entropy(things_said.float(), thing, label_smoothing=0.05) + 0.5 * F.cross_entropy(
            styles_said.float(), style
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        clock.tick()
        step += 1
        hits = (things_said.argmax(1) == thing).float().mean().item()
        right = 0.97 * right + 0.03 * hits
        if step % 100 == 0:
            print(f"step {step}  {clock.used_s:.0f} s  right {right:.3f}  {step * _BATCH / clock.used_s:.0f}/s", flush=True)
    path = folder / "judge.pt"
    torch.save(net.state_dict(), path)
    return path


def load_judge(folder: Path, things: int) -> Judge:
    """The trained judge."""
    net = Judge(things)
    net.load_state_dict(torch.load(folder / "judge.pt", map_location="cpu"))
    return net.eval()


def draw_single(painter: Painter, scenes: list[Scene], rng: random.Random, tokens: int) -> Tensor:
    """Square pictures of one thing each, a little more varied than the flow's training pictures."""
    rows, cols = grid("1:1", tokens)
    placed = [[Placed(rng.uniform(0.7, 1.0), rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06))] for _ in scenes]
    shades = [tuple(min(255, max(0, c + rng.randint(-20, 20))) for c in COLORS[scene.color]) for scene in scenes]
    return painter.draw_placed(scenes, placed, rows, cols, shades)


def _worn(x: Tensor, rng: random.Random) -> Tensor:
    if rng.random() < 0.5:
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return x + torch.randn_like(x) * rng.uniform(0, 0.1)
