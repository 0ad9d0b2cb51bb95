"""Export to ONNX: weights as fp16 in files under 10 MB, computed with as fp32; no trace of the exporting machine."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from playground.engine.pocket.text import FILE
from playground.training import pictures
from playground.training.captions import Vocabulary
from playground.training.fit_flow import load_autoencoder, load_flow
from playground.training.flow import THING_SLOTS, WORD_SLOTS, rope
from playground.training.fused import FusedFlow
from playground.training.lexicon import build

_LARGEST_FILE_BYTES = 9_000_000
_SMALL_TENSOR = 1024  # values; below this fp32 costs nothing and keeps norms and scalars exact


def export(folder: Path, out: Path, *, things: int | None) -> None:
    """Write encoder.onnx, decoder.onnx, flow.onnx with its tensors beside it, vocabulary.json, and SHA256SUMS of them all."""
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = Vocabulary(pictures.load(folder, things).things)
    autoencoder = load_autoencoder(folder)
    auto = torch.export.Dim.AUTO
    free = {0: auto, 2: auto, 3: auto}
    _save(_graph(_Encoder(autoencoder), {"x": torch.randn(2, 3, 128, 160)}, "z", [free]), out / "encoder.onnx")
    _save(_graph(_Decoder(autoencoder), {"z": torch.randn(2, 16, 8, 10)}, "x", [free]), out / "decoder.onnx")
    cos, sin = rope(8, 10)
    inputs = {
        "z": torch.randn(1, 16, 8, 10),
        "t": torch.rand(1),
        "words": torch.ones(1, WORD_SLOTS, dtype=torch.int64),
        "things": torch.ones(1, THING_SLOTS, dtype=torch.int64),
        "guidance": torch.full((1,), 3.0),
        "rope_cos": cos,
        "rope_sin": sin,
        "log2_size": torch.zeros(1),
    }
    shapes: list[dict[int, Any]] = [
        {2: auto, 3: auto},
        *({0: auto} if name.startswith("rope") else {} for name in list(inputs)[1:]),
    ]
    net = load_flow(folder / "distilled.pt", vocabulary).eval()
    _save(_graph(FusedFlow(net), inputs, "v", shapes), out / "flow.onnx", beside=True)
    text = build(vocabulary.things, pictures.fetch_packages(folder))
    (out / FILE).write_text(json.dumps(text, ensure_ascii=False, separators=(",", ":")), "utf-8")
    write_checksums(out)


def write_checksums(folder: Path) -> None:
    """SHA256SUMS of every weight and vocabulary file, in the format of the command of that name."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".onnx", ".bin", ".json"})
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


class _Encoder(nn.Module):
    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, x: Tensor) -> Tensor:
        return self.autoencoder.encode(x)


class _Decoder(nn.Module):
    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, z: Tensor) -> Tensor:
        return self.autoencoder.decode(z)


def _graph(module: nn.Module, inputs: dict[str, Tensor], output: str, shapes: Sequence[dict[int, Any]]) -> onnx.ModelProto:
    program: Any = torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        dynamo=True,
        input_names=list(inputs),
        output_names=[output],
        dynamic_shapes=tuple(shapes),
        verbose=False,
    )
    program.optimize()
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter writes stack traces with file names into every node."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
        *model.functions,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for function in model.functions:
        for node in function.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
    return model


def _save(model: onnx.ModelProto, path: Path, *, beside: bool = False) -> None:
    """Large tensors become fp16 with a cast in front; with `beside` they move to numbered files next to the graph."""
    graph = model.graph
    casts: list[onnx.NodeProto] = []
    number, offset = 1, 0
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL_TENSOR:
            continue
        values = numpy_helper.to_array(tensor).astype(np.float16)
        name = tensor.name
        stored = numpy_helper.from_array(values, f"{name}_fp16")
        if beside:
            data = stored.raw_data
            if offset and offset + len(data) > _LARGEST_FILE_BYTES:
                number, offset = number + 1, 0
            file = path.with_name(f"{path.stem}-{number}.bin")
            with file.open("ab" if offset else "wb") as stream:
                stream.write(data)
            stored.ClearField("raw_data")
            stored.data_location = TensorProto.EXTERNAL
            for key, value in (("location", file.name), ("offset", offset), ("length", len(data))):
                stored.external_data.add(key=key, value=str(value))
            offset += len(data)
        graph.initializer.remove(tensor)
        graph.initializer.append(stored)
        casts.append(helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    path.write_bytes(model.SerializeToString())
