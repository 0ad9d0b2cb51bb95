"""How the safety checker's weights were made: the MobileNet V2 of npm `nsfwjs` (TensorFlow.js) turned into one ONNX graph.

Nothing is trained. The uint8 weights are kept as they come; normalisation and padding are folded into the convolutions.
"""

import base64
import json
import math
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float64]
Layer = dict[str, Any]

FILE = "classifier.onnx"
_MODEL = Path("dist") / "models" / "mobilenet_v2"
_OPSET, _IR_VERSION = 17, 8  # old enough for any onnxruntime that is supported
_SIDE_PX = 224


def convert(package: Path, out: Path) -> None:
    """Write the graph and its SHA256SUMS to the folder `out`. Raises ValueError for a model that is built otherwise."""
    described = json.loads(_as_json(_exported(package / _MODEL / "model.min.js")))
    manifest = described["weightsManifest"][0]
    shards = [json.loads(_exported(package / _MODEL / f"{path}.min.js")) for path in manifest["paths"]]
    weights = _read_weights(manifest["weights"], b"".join(base64.b64decode(shard) for shard in shards))
    data = _model(described["modelTopology"]["model_config"]["config"], weights).SerializeToString(deterministic=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_bytes(data)
    (out / "SHA256SUMS").write_text(f"{sha256(data).hexdigest()}  {FILE}\n")


@dataclass(frozen=True)
class Quantised:
    """A tensor as TensorFlow.js stores it: value = codes · scale + least."""

    codes: npt.NDArray[np.uint8]
    scale: float
    least: float

    @property
    def values(self) -> Floats:
        return self.codes.astype(np.float64) * self.scale + self.least


def _exported(path: Path) -> str:
    """The literal that a browserified CommonJS module exports."""
    found = re.search(r'\.exports=(["{].*)\},\{\}\]\},\{\},\[1\]\)\(1\)\}\);?\s*$', path.read_text(), flags=re.DOTALL)
    if found is None:
        raise ValueError(f"{path.name}: not a browserified module of one literal")
    return found[1]


def _as_json(literal: str) -> str:
    """A minified JavaScript literal as JSON: keys in quotes, !0 and !1 as booleans, .5 as 0.5."""
    token = re.compile(r'"(?:[^"\\]|\\.)*"|!0|!1|(?<!\d)\.(?=\d)|(?P<key>[A-Za-z_]\w*)(?=:)')
    words = {"!0": "true", "!1": "false", ".": "0."}

    def written(found: re.Match[str]) -> str:
        return f'"{found[0]}"' if found["key"] else words.get(found[0], found[0])

    return token.sub(written, literal)


def _read_weights(specs: list[Layer], data: bytes) -> dict[str, Quantised]:
    """Every tensor by name, cut from the shards in the manifest's order."""
    weights: dict[str, Quantised] = {}
    at = 0
    for spec in specs:
        how = spec["quantization"]
        if how["dtype"] != "uint8":
            raise ValueError(f"{spec['name']}: expected uint8, got {how['dtype']}")
        shape: list[int] = spec["shape"]
        codes = np.frombuffer(data, np.uint8, math.prod(shape), at).reshape(shape)
        weights[spec["name"]] = Quantised(codes, how["scale"], how["min"])
        at += codes.size
    if at != len(data):
        raise ValueError(f"the shards hold {len(data)} bytes, the manifest names {at}")
    return weights


@dataclass
class _Graph:
    """The graph on its way: a method for each kind of Keras layer, each returning the name of its output."""

    weights: dict[str, Quantised]
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: list[onnx.TensorProto] = field(default_factory=list[onnx.TensorProto])

    def convolution(self, layer: Layer, norm: Layer, pad: Layer | None, x: str) -> str:
        """Conv2D or DepthwiseConv2D with the padding before and the normalisation after it folded in."""
        name, config = layer["name"], layer["config"]
        is_depthwise = layer["class_name"] == "DepthwiseConv2D"
        kernel = self.weights[f"{name}/depthwise_kernel" if is_depthwise else f"{name}/kernel"]
        # (h, w, in, out) or (h, w, channels, 1) to ONNX's (out, in per group, h, w)
        codes = kernel.codes.transpose((2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1))
        gain, bias = self._normalisation(norm)
        return self._node(
            "Conv",
            [x, self._kernel(name, codes, kernel, gain.reshape(-1, 1, 1, 1)), self._constant(f"{name}.bias", bias)],
            name,
            strides=config["strides"],
            pads=_pads(config, pad),
            group=len(codes) if is_depthwise else 1,
        )

    def relu6(self, layer: Layer, x: str) -> str:
        return self._node(
            "Clip", [x, self._constant("zero", np.zeros(())), self._constant("six", np.full((), 6.0))], layer["name"]
        )

    def add(self, layer: Layer, *terms: str) -> str:
        return self._node("Add", list(terms), layer["name"])

    def average_pool(self, layer: Layer, x: str) -> str:
        config = layer["config"]
        return self._node("AveragePool", [x], layer["name"], kernel_shape=config["pool_size"], strides=config["strides"])

    def flatten(self, layer: Layer, x: str) -> str:
        """(b, 1280, 1, 1) to (b, 1280); with one pixel left the order of axes no longer matters."""
        return self._node("Flatten", [x], layer["name"])

    def dense(self, layer: Layer, x: str) -> str:
        name = layer["name"]
        kernel = self.weights[f"{name}/kernel"]
        bias = self._constant(f"{name}.bias", self.weights[f"{name}/bias"].values)
        y = self._node("Gemm", [x, self._kernel(name, kernel.codes, kernel, np.ones(1)), bias], f"{name}.sum")
        return self._node({"relu": "Relu", "softmax": "Softmax"}[layer["config"]["activation"]], [y], name)

    def _kernel(self, name: str, codes: npt.NDArray[np.uint8], kernel: Quantised, gain: Floats) -> str:
        """codes · (scale · gain) + least · gain, which onnxruntime computes once, when it loads the graph."""
        stored = self._constant(f"{name}.codes", codes)
        cast_ = self._node("Cast", [stored], f"{name}.float", to=TensorProto.FLOAT)
        scaled = self._node("Mul", [cast_, self._constant(f"{name}.scale", kernel.scale * gain)], f"{name}.scaled")
        return self._node("Add", [scaled, self._constant(f"{name}.least", kernel.least * gain)], f"{name}.kernel")

    def _normalisation(self, layer: Layer) -> tuple[Floats, Floats]:
        """(gain, bias), each (channels,), of a BatchNormalization: γ / √(var + ε) and β − mean · gain."""
        gamma, beta, mean, variance = (
            self.weights[f"{layer['name']}/{part}"].values for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        gain = gamma / np.sqrt(variance + layer["config"]["epsilon"])
        return gain, beta - mean * gain

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, values: npt.NDArray[Any]) -> str:
        if name not in {constant.name for constant in self.constants}:
            kept = np.ascontiguousarray(values if values.dtype == np.uint8 else values.astype(np.float32))
            self.constants.append(numpy_helper.from_array(kept.reshape(values.shape), name))
        return name


def _model(topology: Layer, weights: dict[str, Quantised]) -> onnx.ModelProto:
    """x (b, 3, 224, 224) in 0…1 to probabilities (b, 5)."""
    graph, made, pads = _Graph(weights), {"input_1": "x"}, dict[str, Layer]()
    convolutions: dict[str, tuple[Layer, str]] = {}
    for layer in cast(list[Layer], topology["layers"])[1:]:
        name, kind = layer["name"], layer["class_name"]
        sources = [source[0] for source in layer["inbound_nodes"][0]]
        x = made.get(sources[0], "")
        match kind:
            case "ZeroPadding2D":
                pads[name], made[name] = layer, x
            case "Conv2D" | "DepthwiseConv2D":
                convolutions[name] = layer, x  # waits for the normalisation that follows
            case "BatchNormalization":
                convolution, x = convolutions[sources[0]]
                made[name] = graph.convolution(convolution, layer, pads.get(convolution["inbound_nodes"][0][0][0]), x)
            case "ReLU" if layer["config"]["max_value"] == 6:
                made[name] = graph.relu6(layer, x)
            case "Add":
                made[name] = graph.add(layer, *(made[source] for source in sources))
            case "AveragePooling2D":
                made[name] = graph.average_pool(layer, x)
            case "Flatten":
                made[name] = graph.flatten(layer, x)
            case "Dense":
                made[name] = graph.dense(layer, x)
            case "Dropout":
                made[name] = x  # acts in training only
            case _:
                raise ValueError(f"{name}: a {kind} of this form is not expected in MobileNet V2")
    return _packed(graph, made[topology["output_layers"][0][0]])


def _packed(graph: _Graph, output: str) -> onnx.ModelProto:
    graph.nodes[-1].output[0] = "probabilities"
    whole = helper.make_graph(
        graph.nodes,
        "safety",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, _SIDE_PX, _SIDE_PX])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["b", 5])],
        graph.constants,
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    cast(Any, onnx.checker).check_model(model, full_check=True)
    return model


def _pads(config: Layer, pad: Layer | None) -> list[int]:
    """[top, left, bottom, right]: of the padding layer before it, or what TensorFlow's "same" means at stride 1."""
    if config["padding"] == "valid":
        (top, bottom), (left, right) = pad["config"]["padding"] if pad else ((0, 0), (0, 0))
        return [top, left, bottom, right]
    if config["strides"] != [1, 1] or pad is not None:
        raise ValueError(f"{config['name']}: padding 'same' is expected at stride 1 and without a padding layer only")
    side = (config["kernel_size"][0] - 1) // 2
    return [side] * 4
