"""The flow: a single-stream transformer that turns noise into latents, one velocity at a time; FLUX.1 in small.

Picture and text tokens go through the same blocks (as in FLUX.1's single-stream half and in ViT-22B, attention and a gated
MLP read one residual stream); time, size, guidance and the pooled text modulate every block (adaLN, arXiv 2212.09748).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.training.autoencoder import CHANNELS

HEAD_WIDTH = 64
WORD_SLOTS, THING_SLOTS = 4, 2
TEXT_TOKENS = WORD_SLOTS + 2 * THING_SLOTS
"""A thing's embedding is two tokens wide: it has to carry a whole picture in four styles."""
_FREQUENCIES = 64


@dataclass(frozen=True)
class FlowShape:
    """Sizes of the network. Numbers of words and things include the 0 that stands for silence."""

    words: int
    things: int
    width: int = 256
    blocks: int = 7


@dataclass(frozen=True)
class Text:
    """Token ids: words (b, 4) are style, size, place and colour; things (b, 2). 0 says nothing; all 0 is no prompt."""

    words: Tensor
    things: Tensor

    def where(self, keep: Tensor) -> "Text":
        """The same with silence wherever `keep` (b,) is false."""
        return Text(self.words * keep[:, None], self.things * keep[:, None])

    def __getitem__(self, which: Tensor | slice) -> "Text":
        return Text(self.words[which], self.things[which])


class Block(nn.Module):
    """Attention, then a gated MLP with a depthwise 3 × 3 convolution over the picture tokens (outlines need neighbours)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = int(width * 2.5 / 64) * 64
        self.heads = width // HEAD_WIDTH
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * self.inner, bias=False)
        self.neighbours = nn.Conv2d(self.inner, self.inner, 3, padding=1, groups=self.inner)
        self.down = nn.Linear(self.inner, width, bias=False)
        self.modulation = nn.Parameter(torch.zeros(6, width))
        for tensor in (self.attended.weight, self.down.weight, *self.neighbours.parameters()):
            nn.init.zeros_(tensor)

    def forward(self, x: Tensor, modulation: Tensor, cos: Tensor, sin: Tensor, rows: int, cols: int) -> Tensor:
        """x (b, rows·cols + TEXT_TOKENS, width), modulation (b, 6, width), cos and sin (tokens, HEAD_WIDTH / 2)."""
        b, n, d = x.shape
        m = (modulation + self.modulation).unsqueeze(2)
        qkv = self.qkv(_norm(x) * (1 + m[:, 0]) + m[:, 1])
        q, k, v = qkv.view(b, n, 3, self.heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(_turn(_norm(q), cos, sin), _turn(_norm(k), cos, sin), v)
        x = x + (1 + m[:, 2]) * self.attended(y.transpose(1, 2).reshape(b, n, d))
        u, gate = self.up(_norm(x) * (1 + m[:, 3]) + m[:, 4]).chunk(2, -1)
        picture = u[:, :-TEXT_TOKENS].transpose(1, 2).reshape(b, self.inner, rows, cols)
        picture = (picture + self.neighbours(picture)).flatten(2).transpose(1, 2)
        u = torch.cat([picture, u[:, -TEXT_TOKENS:]], 1)
        return x + (1 + m[:, 5]) * self.down(F.silu(u) * gate)


class Flow(nn.Module):
    """Velocity from noise to picture, given the noise level, the text and a guidance."""

    def __init__(self, shape: FlowShape) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.inlet = nn.Linear(CHANNELS, width)
        self.words = nn.Embedding(shape.words, width)
        self.things = nn.Embedding(shape.things, 2 * width)
        self.slots = nn.Parameter(torch.randn(1, TEXT_TOKENS, width) * 0.02)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES + 1, width), nn.SiLU(), nn.Linear(width, width))
        self.guide = nn.Linear(2 * _FREQUENCIES, width)
        self.pooled = nn.Linear(TEXT_TOKENS * width, width)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(shape.blocks))
        self.last = nn.Linear(width, 2 * width)
        self.outlet = nn.Linear(width, CHANNELS)
        nn.init.normal_(self.words.weight, std=0.5)
        nn.init.normal_(self.things.weight, std=0.5)
        for layer in (self.guide, self.modulation, self.last, self.outlet):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        z: Tensor,
        t: Tensor,
        words: Tensor,
        things: Tensor,
        guidance: Tensor | None,
        rope_cos: Tensor,
        rope_sin: Tensor,
        log2_size: Tensor,
    ) -> Tensor:
        """z (b, 16, rows, cols), t = 1 − σ (b,), guidance (b,) or None before distillation, log2_size = log2(tokens / 64)."""
        b, _, rows, cols = z.shape
        text = torch.cat([self.words(words), self.things(things).view(b, 2 * THING_SLOTS, -1)], 1) + self.slots
        c = self.time(torch.cat([waves(t, 1000.0), log2_size[:, None]], -1)) + self.pooled(text.flatten(1))
        if guidance is not None:
            c = c + self.guide(waves(guidance / 10, 100.0))
        c = F.silu(c)
        x = torch.cat([self.inlet(z.flatten(2).transpose(1, 2)), text.to(z.dtype)], 1)
        cos, sin = rope_cos.to(x.dtype), rope_sin.to(x.dtype)
        modulation = self.modulation(c).view(b, 6, -1)
        for block in self.blocks:
            x = block(x, modulation, cos, sin, rows, cols)
        scale, shift = self.last(c)[:, None].chunk(2, -1)
        v = self.outlet(_norm(x[:, :-TEXT_TOKENS]) * (1 + scale) + shift)
        return v.transpose(1, 2).reshape(z.shape)

    def velocity(self, z: Tensor, sigma: Tensor, text: Text, guidance: Tensor | None = None) -> Tensor:
        """`forward` with the positions and the size of z filled in; sigma (b,)."""
        _, _, rows, cols = z.shape
        cos, sin = rope(rows, cols)
        size = torch.full_like(sigma, math.log2(rows * cols / 64))
        return self(z, 1 - sigma, text.words, text.things, guidance, cos.to(z.device), sin.to(z.device), size)

    def both_velocities(self, z: Tensor, sigma: Tensor, text: Text) -> tuple[Tensor, Tensor]:
        """Velocities with and without the prompt, as guidance before distillation needs them; float32, each like z."""
        both = Text(torch.cat([text.words, 0 * text.words]), torch.cat([text.things, 0 * text.things]))
        said, unsaid = self.velocity(z.repeat(2, 1, 1, 1), sigma.repeat(2), both).float().chunk(2)
        return said, unsaid


def rope(rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """cos and sin (rows·cols + TEXT_TOKENS, HEAD_WIDTH / 2) of rotary positions in two dimensions (arXiv 2104.09864).

    Positions are scaled so that a picture of any size spans the same range; text sits at 0.
    """
    scale = 8 / math.sqrt(rows * cols)
    y = (torch.arange(rows) + 0.5 - rows / 2) * scale
    x = (torch.arange(cols) + 0.5 - cols / 2) * scale
    frequencies = torch.exp(torch.linspace(math.log(0.15), math.log(3.1), HEAD_WIDTH // 4))
    shape = (rows, cols, len(frequencies))
    angles = torch.cat([(y[:, None, None] * frequencies).expand(shape), (x[None, :, None] * frequencies).expand(shape)], -1)
    angles = torch.cat([angles.reshape(rows * cols, -1), torch.zeros(TEXT_TOKENS, HEAD_WIDTH // 2)])
    return angles.cos(), angles.sin()


def waves(x: Tensor, scale: float) -> Tensor:
    """(b,) in 0…1 to sines and cosines (b, 2·_FREQUENCIES), wavelengths from 2π/scale to 2π·10⁴/scale."""
    frequencies = scale * torch.exp(-math.log(10_000) * torch.arange(_FREQUENCIES, device=x.device) / _FREQUENCIES)
    angles = x[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


def _norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
