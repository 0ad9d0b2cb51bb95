"""The published weights, and what happens when they are not what was published."""

import hashlib
import shutil
from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.engine.pocket import PocketEngine
from playground.engine.pocket.network import WEIGHTS
from playground.errors import EngineError

SUMS = dict(reversed(line.split()) for line in (WEIGHTS / "SHA256SUMS").read_text().splitlines())
MEGABYTE = 10**6


def make(folder: Path) -> None:
    request = PredictionInput(prompt="ghost", num_inference_steps=1, megapixels="0.25")
    PocketEngine(folder).generate(request, seed=1, image=None, on_step=lambda _: None)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_every_weight_file_has_its_checksum() -> None:
    files = {path.name for path in WEIGHTS.iterdir() if path.suffix in (".onnx", ".bin", ".json")}

    assert set(SUMS) == files
    for name, expected in SUMS.items():
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() == expected, name


def test_every_weight_file_is_small_enough_for_any_host() -> None:
    assert {path.name: path.stat().st_size for path in WEIGHTS.iterdir() if path.stat().st_size >= 10 * MEGABYTE} == {}


def test_copied_weights_work(copied: Path) -> None:
    make(copied)


@pytest.mark.parametrize("name", SUMS)
def test_a_damaged_file_is_named(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    # Within JSON a letter for a letter, so that it is the checksum that finds it.
    data[len(data) // 2] = ord("x") if data[len(data) // 2] != ord("x") else ord("y")
    (copied / name).write_bytes(data)

    with pytest.raises(EngineError, match=name.replace(".", r"\.")) as refused:
        make(copied)

    assert "Install the playground again" in str(refused.value)


@pytest.mark.parametrize("name", [*SUMS, "SHA256SUMS"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(EngineError, match=name.replace(".", r"\.")):
        make(copied)


def test_checksums_that_are_no_checksums_are_named(copied: Path) -> None:
    (copied / "SHA256SUMS").write_text("nonsense")

    with pytest.raises(EngineError, match="SHA256SUMS is damaged"):
        make(copied)


def test_a_vocabulary_that_is_no_json_is_named(copied: Path) -> None:
    (copied / "vocabulary.json").write_text("{")

    with pytest.raises(EngineError, match=r"vocabulary\.json"):
        _ = PocketEngine(copied).info
