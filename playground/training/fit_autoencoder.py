"""Training of the autoencoder: L1 on pixels and on their differences, with noise on the latents."""

import math
import random
from pathlib import Path

import torch
from torch import Tensor, nn

from playground.training import pictures
from playground.training.autoencoder import Autoencoder
from playground.training.clock import Clock, learning_rate
from playground.training.scenes import Painter, grid, random_scene

_BATCH = 12
_NOISE = 0.2
"""The latents that the flow makes are a little off: noise in training makes the decoder answer those with clean outlines."""


def fit(
    folder: Path, *, minutes: float, things: int | None, keep_latents: bool = False, device: str = "cpu", seed: int = 0
) -> Path:
    """Train for `minutes` more, from autoencoder.pt if there is one; returns its path. Prints PSNR on the way.

    keep_latents: the decoder alone learns, so that a flow trained in these latents stays valid.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311
    painter = Painter(pictures.load(folder, things))
    count = len(pictures.load(folder, things).things)
    path = folder / "autoencoder.pt"
    net = Autoencoder().to(device)
    peak = 2e-3
    if path.exists():
        net.load_state_dict(torch.load(path, map_location=device))
        peak = 5e-4
    if keep_latents:
        net.encoder.requires_grad_(False)
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, betas=(0.9, 0.99), weight_decay=1e-3)
    clock, step, usual, error = Clock(minutes), 0, math.inf, 0.0
    while not clock.is_over:
        x = _crops(painter, count, rng).to(device, memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = peak * learning_rate(clock.part, step=step)
        with torch.autocast(device, torch.bfloat16):
            z = net.squeeze(x)
            noise = torch.randn_like(z) * (torch.randn(len(z), 1, 1, 1, device=device).abs() * _NOISE)
            y = net.decoder(z + noise).float()
        loss = _loss(y - x, z.float())
        loss.backward()
        steepness = nn.utils.clip_grad_norm_(net.parameters(), 0.5).item()
        if steepness < 4 * usual:  # now and then a batch explodes; one such step undoes minutes
            optimizer.step()
        optimizer.zero_grad()
        usual = steepness if usual == math.inf else 0.98 * usual + 0.02 * min(steepness, 4 * usual)
        squared = (y.detach() - x).pow(2).mean().item()
        error = squared if step == 0 else 0.98 * error + 0.02 * squared
        clock.tick()
        step += 1
        if step % 200 == 0:
            psnr = 10 * math.log10(4 / error)
            print(f"step {step}  {clock.used_s:.0f} s  PSNR {psnr:.2f} dB  {step * _BATCH / clock.used_s:.0f}/s", flush=True)
        if step % 1000 == 0:
            torch.save(net.state_dict(), path)
    if not keep_latents:
        _normalise(net, painter, count, rng, device)
    torch.save(net.state_dict(), path)
    return path


def _crops(painter: Painter, count: int, rng: random.Random) -> Tensor:
    """(b, 3, 128, 128): whole pictures at 64 tokens, or crops of pictures at 256."""
    if rng.random() < 0.5:
        rows, cols = grid("1:1", 64)
        return painter.draw([random_scene(rng, count, rows, cols) for _ in range(_BATCH)], rows, cols, rng)
    rows, cols = grid("1:1", 256)
    whole = painter.draw([random_scene(rng, count, rows, cols) for _ in range(_BATCH)], rows, cols, rng)
    top, left = rng.randrange(0, 129, 8), rng.randrange(0, 129, 8)
    return whole[:, :, top : top + 128, left : left + 128]


def _loss(error: Tensor, z: Tensor) -> Tensor:
    sideways = (error[..., 1:] - error[..., :-1]).abs().mean()
    downwards = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 0.5 * sideways + 0.5 * downwards + 1e-3 * z.pow(2).mean()


@torch.no_grad()
def _normalise(net: Autoencoder, painter: Painter, count: int, rng: random.Random, device: str) -> None:
    raw = torch.cat([net.squeeze(_crops(painter, count, rng).to(device)) for _ in range(40)])
    net.mean.copy_(raw.mean((0, 2, 3)).view_as(net.mean))
    net.deviation.copy_(raw.std((0, 2, 3)).view_as(net.deviation))
