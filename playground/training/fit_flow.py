"""Training of the flow: rectified flow on latents, and the loop that this training shares with `distill`."""

import copy
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from playground.contract.effects import PIXEL_SIZES
from playground.training import pictures
from playground.training.autoencoder import CHANNELS, Autoencoder
from playground.training.captions import WORDS, Captioner, Vocabulary
from playground.training.clock import Clock, learning_rate
from playground.training.flow import Flow, FlowShape, Text
from playground.training.scenes import Painter, Placed, Scene, grid, random_scene
from playground.training.world import STYLES

SMALL, LARGE = 64, 256
"""Tokens of a square picture at 0.25 and at 1 megapixel."""
_BATCH = {SMALL: 32, LARGE: 12}
_RENEW = 0.2  # the share of steps that add fresh pictures to the pool; the others use a batch again
_READY, _POOL = 60, 600  # batches: half of the first steps draw new ones until the pool is ready
_SILENT = 0.1


class Pool:
    """Batches of encoded pictures with their scenes, of one size each; drawing and encoding is paid for once, used often."""

    def __init__(self, painter: Painter, autoencoder: Autoencoder, count: int, tokens: int, rng: random.Random) -> None:
        self._painter, self._autoencoder, self._count, self._tokens, self._rng = painter, autoencoder, count, tokens, rng
        self._taken = 0
        self._batches: deque[tuple[Tensor, list[Scene]]] = deque(maxlen=_POOL)

    def take(self) -> tuple[Tensor, list[Scene]]:
        """Latents (b, 16, rows, cols) and their scenes, fresh or used before."""
        self._taken += 1
        if len(self._batches) < min(_READY, self._taken / 2) or self._rng.random() < _RENEW:
            self._batches.append(self._fresh())
        return self._rng.choice(self._batches)

    @torch.no_grad()
    def _fresh(self) -> tuple[Tensor, list[Scene]]:
        shape = "1:1" if self._rng.random() < 0.6 else self._rng.choice(list(PIXEL_SIZES))
        rows, cols = grid(shape, self._tokens)
        scenes = [random_scene(self._rng, self._count, rows, cols) for _ in range(_BATCH[self._tokens])]
        x = self._painter.draw(scenes, rows, cols, self._rng)
        device = self._autoencoder.mean.device
        with torch.autocast(device.type, torch.bfloat16):
            z = self._autoencoder.encode(x.to(device, memory_format=torch.channels_last))
        return z.float(), scenes


class Trainer:
    """One network in training, with its optimizers, its moving average, and its checkpoint."""

    def __init__(self, net: Flow, path: Path, vocabulary: Vocabulary, *, peak: float = 1.0) -> None:
        self.net, self.average, self._path, self._vocabulary = net, copy.deepcopy(net), path, vocabulary
        matrices = [p for name, p in net.blocks.named_parameters() if p.ndim == 2 and "modulation" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for p in net.parameters() if id(p) not in chosen]
        # Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for tables, norms and what stands at either end
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(matrices, lr=0.02 * peak, weight_decay=0.01, momentum=0.95, adjust_lr_fn="original"),
            torch.optim.AdamW(others, lr=2e-3 * peak, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self._peaks = [group["lr"] for optimizer in self._optimizers for group in optimizer.param_groups]
        self.step = 0

    def learn(self, loss: Tensor, rate: float) -> None:
        """One step down the loss, `rate` × the peak learning rates."""
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        groups = [group for optimizer in self._optimizers for group in optimizer.param_groups]
        for group, peak in zip(groups, self._peaks, strict=True):
            group["lr"] = peak * rate
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            share = max(0.002, 1 / (0.2 * self.step + 10))
            for slow, fast in zip(self.average.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, share)
        self.step += 1

    def save(self) -> None:
        """Write the moving average, which is what pictures are made with."""
        save_flow(self.average, self._path, self._vocabulary)


def save_flow(net: Flow, path: Path, vocabulary: Vocabulary) -> None:
    """Write a network with the names of its words and things."""
    names = {"words": list(WORDS), "things": vocabulary.names}
    torch.save({"shape": asdict(net.shape), "names": names, "weights": net.state_dict()}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def load_flow(path: Path, vocabulary: Vocabulary) -> Flow:
    """A network for this vocabulary; what it knows of the names carries over, new names start from nothing."""
    saved: dict[str, Any] = torch.load(path, map_location="cpu")
    net = Flow(FlowShape(**{**saved["shape"], "words": len(WORDS), "things": len(vocabulary.names)}))
    weights = saved["weights"]
    for table, names in (("words", list(WORDS)), ("things", vocabulary.names)):
        known = {name: place for place, name in enumerate(saved["names"][table])}
        rows = getattr(net, table).weight.detach().clone()
        for place, name in enumerate(names):
            if name in known:
                rows[place] = weights[f"{table}.weight"][known[name]]
        weights[f"{table}.weight"] = rows
    net.load_state_dict(weights)
    return net


def fit(
    folder: Path,
    *,
    minutes: float,
    things: int | None,
    large: float,
    settle: float,
    peak: float = 1.0,
    device: str = "cpu",
    seed: int = 0,
) -> Path:
    """Train for `minutes` more, from flow.pt if there is one; `large`: share of the steps at 256 tokens.

    settle: the part of the budget after which the learning rate falls (1: never; for a run that another will continue);
    peak: factor on the learning rates, below 1 for a run that goes on from a settled one.
    """
    world = World(folder, things, device, seed)
    path = folder / "flow.pt"
    if path.exists():
        net = load_flow(path, world.vocabulary)
        learnt = set(torch.load(path, map_location="cpu")["names"]["things"])
        grow(
            net.things.weight.data,
            picture_codes(world, net.things.weight.shape[1]),
            [n in learnt for n in world.vocabulary.names],
        )
    else:
        net = Flow(FlowShape(words=len(WORDS), things=len(world.vocabulary.names)))
        net.things.weight.data.copy_(picture_codes(world, net.things.weight.shape[1]))
    trainer = Trainer(net.to(device), path, world.vocabulary, peak=peak)

    def loss_of(tokens: int) -> Tensor:
        z, text = world.batch(tokens)
        noise, sigma = torch.randn_like(z), noise_levels(z)
        mixed = torch.lerp(z, noise, sigma.view(-1, 1, 1, 1))
        with torch.autocast(device, torch.bfloat16):
            v = trainer.net.velocity(mixed, sigma, text)
        return (v.float() - (z - noise)).pow(2).mean()

    run(world, trainer, loss_of, clock=Clock(minutes), large=large, settle=settle)
    return path


class World:
    """Pictures, captions and the frozen autoencoder that both kinds of training share."""

    def __init__(self, folder: Path, things: int | None, device: str, seed: int) -> None:
        torch.manual_seed(seed)
        self.rng = random.Random(seed)  # noqa: S311
        drawn = pictures.load(folder, things)
        self.vocabulary = Vocabulary(drawn.things)
        self.captioner = Captioner(self.vocabulary.groups_of)
        self.painter = Painter(drawn)
        self.autoencoder = load_autoencoder(folder, device)
        self.pools = {
            tokens: Pool(self.painter, self.autoencoder, len(drawn.things), tokens, self.rng) for tokens in (SMALL, LARGE)
        }

    def batch(self, tokens: int) -> tuple[Tensor, Text]:
        """Latents (b, 16, rows, cols) and captions of them, one in ten silent."""
        z, scenes = self.pools[tokens].take()
        text = self.captioner.captions(scenes, self.rng).where(torch.rand(len(z)) >= _SILENT)
        return z, Text(text.words.to(z.device), text.things.to(z.device))


def load_autoencoder(folder: Path, device: str = "cpu") -> Autoencoder:
    """The trained autoencoder, frozen."""
    net = Autoencoder()
    net.load_state_dict(torch.load(folder / "autoencoder.pt", map_location=device))
    return net.to(device).eval().requires_grad_(False)


@torch.no_grad()
def picture_codes(world: World, width: int) -> Tensor:
    """(names, width) first embeddings of the things: principal components of their latents in all styles.

    A large model's text encoder has seen pictures or at least their descriptions before the image model meets it; this
    one starts with a short code of what its words look like, which training then changes.
    """
    rows = []
    for thing in range(len(world.vocabulary.things)):
        latents = []
        for style in STYLES:
            picture = world.painter.draw_placed([Scene((thing,), style, "gray")], [[Placed(0.9, 0.0, 0.0)]], 8, 8)
            latents.append(world.autoencoder.encode(picture.to(world.autoencoder.mean.device)).flatten().cpu())
        rows.append(torch.cat(latents))
    matrix = torch.stack(rows)
    left, strength, _ = torch.linalg.svd(matrix - matrix.mean(0), full_matrices=False)
    kept = min(width, len(strength) - 1)
    codes = torch.zeros(len(matrix), width)
    codes[:, :kept] = left[:, :kept] * strength[:kept].sqrt()  # the root: details would drown in the largest components
    codes *= 0.5 / codes.std()
    members = [codes[numbers].mean(0) for numbers in world.vocabulary.groups.values()]
    return torch.cat([torch.zeros(1, width), codes, torch.stack(members)])


def grow(embeddings: Tensor, codes: Tensor, learnt: list[bool]) -> None:
    """Give new things embeddings like those that the network has learnt for things that look alike, in place.

    embeddings, codes (names, width). Kernel ridge regression with a linear kernel from the codes of the learnt names to
    their embeddings; a new name's row is what it predicts.
    """
    known = torch.tensor(learnt)
    if known.all() or not known[1:].any():
        return
    known[0] = False  # silence looks like nothing
    kernel = codes[known] @ codes[known].T
    ridge = 0.1 * kernel.diagonal().mean() * torch.eye(len(kernel))
    middle = embeddings[known].mean(0)
    weights = torch.linalg.solve(kernel + ridge, embeddings[known] - middle)
    new = ~torch.tensor(learnt)
    embeddings[new] = middle + codes[new] @ codes[known].T @ weights


def run(world: World, trainer: Trainer, loss_of: Callable[[int], Tensor], *, clock: Clock, large: float, settle: float) -> None:
    """Train until the clock is over; `loss_of` is given the number of tokens of a square picture, `SMALL` or `LARGE`."""
    shown = {SMALL: 0.0, LARGE: 0.0}
    while not clock.is_over:
        tokens = LARGE if world.rng.random() < large else SMALL
        loss = loss_of(tokens)
        rate = learning_rate(clock.part, step=trainer.step, flat_until=settle)
        trainer.learn(loss, rate if settle < 1 else min(1.0, (trainer.step + 1) / 100))
        clock.tick()
        shown[tokens] = loss.item() if shown[tokens] == 0 else 0.98 * shown[tokens] + 0.02 * loss.item()
        if trainer.step % 100 == 0:
            losses = f"loss {shown[SMALL]:.4f} at {SMALL} tokens, {shown[LARGE]:.4f} at {LARGE}"
            print(f"step {trainer.step}  {clock.used_s:.0f} s  {losses}", flush=True)
        if trainer.step % 300 == 0:
            trainer.save()
    trainer.save()


def noise_levels(z: Tensor) -> Tensor:
    """(b,) levels σ in 0…1 for latents z: logit-normal as in SD3 (arXiv 2403.03206), higher for larger pictures."""
    tokens = z.shape[2] * z.shape[3]
    middle = 0.3 + 0.15 * math.log2(tokens / SMALL)
    return torch.sigmoid(torch.randn(len(z), device=z.device) * 1.1 + middle)


def noise(count: int, rows: int, cols: int, seed: int) -> Tensor:
    """(count, 16, rows, cols) starting noise."""
    return torch.randn(count, CHANNELS, rows, cols, generator=torch.Generator().manual_seed(seed))
