"""The converter on a network of one convolution, whose answer numpy computes the long way."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from playground.training.__main__ import main
from playground.training.safety import FILE, convert

RANDOM = np.random.default_rng(3)
SHAPES = {
    "conv/kernel": (3, 3, 3, 4),
    **{f"norm/{part}": (4,) for part in ("gamma", "beta", "moving_mean", "moving_variance")},
    "dense/kernel": (4, 5),
    "dense/bias": (5,),
}
CODES = {name: RANDOM.integers(0, 256, shape, dtype=np.uint8) for name, shape in SHAPES.items()}
LEAST = {name: 0.5 if name.endswith("variance") else -1.0 for name in SHAPES}
SCALE = 0.0078125


def layer(kind: str, name: str, source: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": [[[source, 0, 0, {}]]]}


def layers() -> list[dict[str, Any]]:
    return [
        {"class_name": "InputLayer", "name": "input_1", "config": {}, "inbound_nodes": []},
        layer("ZeroPadding2D", "pad", "input_1", padding=[[0, 1], [0, 1]]),
        layer("Conv2D", "conv", "pad", strides=[2, 2], padding="valid", kernel_size=[3, 3]),
        layer("BatchNormalization", "norm", "conv", epsilon=0.001),
        layer("ReLU", "relu", "norm", max_value=6),
        layer("AveragePooling2D", "pool", "relu", pool_size=[112, 112], strides=[112, 112]),
        layer("Flatten", "flat", "pool"),
        layer("Dense", "dense", "flat", activation="softmax"),
    ]


def package(folder: Path, topology: list[dict[str, Any]]) -> Path:
    """An npm package like nsfwjs: two browserified modules, one of them minified JavaScript that is no JSON."""
    how = {"dtype": "uint8", "scale": SCALE}
    specs = [
        {"name": name, "shape": shape, "quantization": how | {"min": LEAST[name]}, "note": "a:.5, !0"}
        for name, shape in SHAPES.items()
    ]
    model = {
        "modelTopology": {"model_config": {"config": {"layers": topology, "output_layers": [["dense", 0, 0]]}}},
        "weightsManifest": [{"paths": ["shard"], "weights": specs}],
    }
    minified = json.dumps(model, separators=(",", ":")).replace("0.0078125", ".0078125").replace('"scale":', "scale:")
    shard = base64.b64encode(b"".join(codes.tobytes() for codes in CODES.values())).decode()
    models = folder / "dist" / "models" / "mobilenet_v2"
    models.mkdir(parents=True)
    for name, literal in (("model", minified), ("shard", f'"{shard}"')):
        (models / f"{name}.min.js").write_text(
            f"!function(){{}}({{1:[function(e,n,i){{n.exports={literal}}},{{}}]}},{{}},[1])(1)}});"
        )
    return folder


def values(name: str) -> np.ndarray:
    return CODES[name] * SCALE + LEAST[name]


def expected(x: np.ndarray) -> np.ndarray:
    """The probabilities for x (224, 224, 3), step by step as Keras defines them."""
    padded = np.pad(x, ((0, 1), (0, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))[::2, ::2]
    y = np.einsum("rcihw,hwio->rco", windows, values("conv/kernel"))
    y = (y - values("norm/moving_mean")) / np.sqrt(values("norm/moving_variance") + 0.001)
    y = (y * values("norm/gamma") + values("norm/beta")).clip(0, 6).mean((0, 1))
    shares = np.exp(y @ values("dense/kernel") + values("dense/bias"))
    return shares / shares.sum()


def test_a_converted_network_computes_what_the_original_does(tmp_path: Path) -> None:
    convert(package(tmp_path / "package", layers()), tmp_path / "out")

    x = RANDOM.random((224, 224, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / FILE), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": x.transpose(2, 0, 1)[None]})[0]
    assert answer == pytest.approx(expected(x), abs=1e-5)


def test_converting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = package(tmp_path / "package", layers())
    convert(source, tmp_path / "a")
    convert(source, tmp_path / "b")
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    assert (tmp_path / "a" / "SHA256SUMS").read_text().endswith(f"  {FILE}\n")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (layer("LSTM", "relu", "norm"), "relu: a LSTM of this form"),
        (layer("ReLU", "relu", "norm", max_value=None), "relu: a ReLU of this form"),
        (layer("Conv2D", "conv", "pad", strides=[2, 2], padding="same", kernel_size=[3, 3]), "conv: padding 'same'"),
    ],
)
def test_a_network_that_is_built_otherwise_is_refused(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    topology = [changed if each["name"] == changed["name"] else each for each in layers()]
    with pytest.raises(ValueError, match=reason):
        convert(package(tmp_path, topology), tmp_path / "out")


def test_a_module_of_another_form_is_named(tmp_path: Path) -> None:
    source = package(tmp_path, layers())
    (source / "dist" / "models" / "mobilenet_v2" / "shard.min.js").write_text("export default 1")
    with pytest.raises(ValueError, match=r"shard\.min\.js"):
        convert(source, tmp_path / "out")


def test_the_command_converts(tmp_path: Path) -> None:
    source = package(tmp_path / "package", layers())

    main(["safety", "--package", str(source), "--out", str(tmp_path / "out")])

    assert (tmp_path / "out" / FILE).is_file()
