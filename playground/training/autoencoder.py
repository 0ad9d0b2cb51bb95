"""The autoencoder: pictures to latents, 16 × smaller and 16 channels deep, and back; a plain convolutional network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 16
BOUND = 3.0
"""Raw latents are squeezed into ±3: nothing that the decoder was not shown can come out of the encoder."""


LIMIT = 24.0
"""The decoder seldom reaches it for ordinary pictures; without a limit one picture in some hundreds drives its gain into
the thousands, in training and later as broken colours."""


class Residual(nn.Module):
    """Two 3 × 3 convolutions beside an identity; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.second(F.silu(self.first(F.silu(x))))).clamp(-LIMIT, LIMIT)


class Autoencoder(nn.Module):
    """`encode` and `decode` work on latents of zero mean and unit variance, as the flow sees them."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, CHANNELS, 1, 1))
        self.register_buffer("deviation", torch.ones(1, CHANNELS, 1, 1))
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, 64, 3, padding=1),
            Residual(64),
            nn.Conv2d(64, 128, 2, stride=2),
            Residual(128),
            nn.Conv2d(128, 192, 2, stride=2),
            Residual(192),
            nn.SiLU(),
            nn.Conv2d(192, CHANNELS, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(CHANNELS, 192, 3, padding=1),
            Residual(192),
            Residual(192),
            nn.Conv2d(192, 128 * 4, 1),
            nn.PixelShuffle(2),
            Residual(128),
            Residual(128),
            nn.Conv2d(128, 64 * 4, 1),
            nn.PixelShuffle(2),
            Residual(64),
            Residual(64),
            nn.SiLU(),
            nn.Conv2d(64, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )

    def squeeze(self, x: Tensor) -> Tensor:
        """Pictures (b, 3, 16·rows, 16·cols) in −1…1 to raw latents (b, 16, rows, cols) in ±BOUND."""
        return BOUND * torch.tanh(self.encoder(x) / BOUND)

    def encode(self, x: Tensor) -> Tensor:
        """Pictures (b, 3, 16·rows, 16·cols) in −1…1 to latents (b, 16, rows, cols)."""
        return (self.squeeze(x) - self.mean) / self.deviation

    def decode(self, z: Tensor) -> Tensor:
        """Latents (b, 16, rows, cols) to pictures (b, 3, 16·rows, 16·cols) in −1…1."""
        return self.decoder(z * self.deviation + self.mean).clamp(-1, 1)
