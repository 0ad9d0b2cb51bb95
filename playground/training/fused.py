"""The flow with ONNX Runtime's fused operators in place of its norms, rotations and attention, for one picture at a time."""

from collections.abc import Iterable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.training.flow import HEAD_WIDTH, TEXT_TOKENS, THING_SLOTS, Block, Flow, waves


class FusedFlow(nn.Module):
    """`Flow.forward` after distillation for a batch of one, written in operators that only an exported graph can run.

    As plain operators the norms, rotations and transposes took a quarter of a step's time.
    """

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow
        self._unscaled = nn.Buffer(torch.ones(HEAD_WIDTH))

    def forward(
        self,
        z: Tensor,
        t: Tensor,
        words: Tensor,
        things: Tensor,
        guidance: Tensor,
        rope_cos: Tensor,
        rope_sin: Tensor,
        log2_size: Tensor,
    ) -> Tensor:
        """The arguments of `Flow.forward`, with a batch of one."""
        flow = self.flow
        _, _, rows, cols = z.shape
        text = torch.cat([flow.words(words), flow.things(things).view(1, 2 * THING_SLOTS, -1)], 1) + flow.slots
        c = flow.time(torch.cat([waves(t, 1000.0), log2_size[:, None]], -1)) + flow.pooled(text.flatten(1))
        c = F.silu(c + flow.guide(waves(guidance / 10, 100.0)))
        x = torch.cat([flow.inlet(z.flatten(2).transpose(1, 2)), text], 1)
        positions = torch.arange(x.shape[1])[None]
        modulation = flow.modulation(c).view(6, -1)
        for block in cast(Iterable[Block], flow.blocks):
            x = self._block(block, x, modulation, (positions, rope_cos, rope_sin), rows, cols)
        scale, shift = flow.last(c)[0].chunk(2, -1)
        v = flow.outlet(_norm(x[:, :-TEXT_TOKENS], 1 + scale) + shift)
        return v.transpose(1, 2).reshape(z.shape)

    def _block(
        self, block: Block, x: Tensor, modulation: Tensor, rope: tuple[Tensor, Tensor, Tensor], rows: int, cols: int
    ) -> Tensor:
        n, d = x.shape[1:]
        m = modulation + block.modulation
        q, k, v = block.qkv(_norm(x, 1 + m[0]) + m[1]).chunk(3, -1)
        q, k = (_norm(one.reshape(1, n, block.heads, HEAD_WIDTH), self._unscaled).reshape(1, n, d) for one in (q, k))
        q, k = (_microsoft("RotaryEmbedding", one, *rope, num_heads=block.heads) for one in (q, k))
        x = x + (1 + m[2]) * block.attended(_microsoft("MultiHeadAttention", q, k, v, num_heads=block.heads))
        u, gate = block.up(_norm(x, 1 + m[3]) + m[4]).chunk(2, -1)
        picture = u[:, :-TEXT_TOKENS].transpose(1, 2).reshape(1, block.inner, rows, cols)
        picture = (picture + block.neighbours(picture)).flatten(2).transpose(1, 2)
        u = torch.cat([picture, u[:, -TEXT_TOKENS:]], 1)
        return x + (1 + m[5]) * block.down(F.silu(u) * gate)


def _norm(x: Tensor, scale: Tensor) -> Tensor:
    attributes: dict[str, Any] = {"axis": -1, "epsilon": torch.finfo(x.dtype).eps}
    return torch.onnx.ops.symbolic(
        "SimplifiedLayerNormalization", (x, scale), attributes, dtype=x.dtype, shape=x.shape, version=1
    )


def _microsoft(operator: str, x: Tensor, *others: Tensor, **attributes: Any) -> Tensor:
    return torch.onnx.ops.symbolic(
        f"com.microsoft::{operator}", (x, *others), attributes, dtype=x.dtype, shape=x.shape, version=1
    )
