"""The real classifier on real pictures: the conversion, the threshold, and weights that are not what was published."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import pytest
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.pocket import PocketEngine
from playground.errors import EngineError
from playground.pictures import read_picture
from playground.safety.classifier import CLASSES, PictureClassifier
from tests.safety.pictures import picture, pictures

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = ROOT / "playground" / "safety" / "weights"
REFERENCE: dict[str, list[float]] = json.loads((Path(__file__).parent / "reference.json").read_text())


@pytest.fixture(scope="module")
def classifier() -> PictureClassifier:
    return PictureClassifier()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_the_reference_covers_every_picture() -> None:
    assert set(REFERENCE) == set(pictures())


@pytest.mark.parametrize("name", REFERENCE)
def test_shares_are_those_of_the_model_it_was_converted_from(classifier: PictureClassifier, name: str) -> None:
    shares = classifier.shares(picture(name))

    assert list(shares) == list(CLASSES)
    assert list(shares.values()) == pytest.approx(REFERENCE[name], abs=2e-4)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)


def test_only_what_it_takes_for_unsafe_is_flagged(classifier: PictureClassifier) -> None:
    assert {name for name in pictures() if classifier.is_flagged(picture(name))} == {"clay"}


@pytest.mark.parametrize("size_px", [(640, 1536), (1536, 640), (1440, 1440), (224, 448)])
def test_a_flagged_picture_stays_flagged_however_it_is_stretched(
    classifier: PictureClassifier, size_px: tuple[int, int]
) -> None:
    assert classifier.is_flagged(picture("clay").resize(size_px, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_pictures_of_any_mode_are_read(classifier: PictureClassifier, mode: str) -> None:
    assert not classifier.is_flagged(picture("sun").convert(mode))


def test_what_the_pocket_model_draws_is_not_flagged(classifier: PictureClassifier) -> None:
    pocket = PocketEngine()
    for prompt in ("3d render of grapes on orange background", "flat illustration of ghost on pink background"):
        request = PredictionInput(prompt=prompt, num_inference_steps=8, megapixels="0.25", num_outputs=2)
        for made in pocket.generate(request, seed=2, image=None, on_step=lambda _: None):
            assert not classifier.is_flagged(made), prompt


def test_the_example_on_the_page_is_not_flagged(classifier: PictureClassifier) -> None:
    assert not classifier.is_flagged(read_picture(ROOT / "playground" / "ui" / "example.webp"))


def test_several_threads_get_the_same_answer() -> None:
    classifier = PictureClassifier()
    with ThreadPoolExecutor(max_workers=4) as threads:
        answers = list(threads.map(lambda _: classifier.shares(picture("rings")), range(8)))
    assert all(answer == pytest.approx(answers[0]) for answer in answers)


def test_the_published_weights_have_their_checksum_and_are_small() -> None:
    (line,) = (WEIGHTS / "SHA256SUMS").read_text().splitlines()
    data = (WEIGHTS / "classifier.onnx").read_bytes()

    assert line.split() == [hashlib.sha256(data).hexdigest(), "classifier.onnx"]
    assert len(data) < 3_000_000


def test_the_graph_says_nothing_of_where_it_was_made() -> None:
    graph = onnx.load(WEIGHTS / "classifier.onnx")

    assert (graph.producer_name, graph.doc_string, graph.graph.doc_string, list(graph.metadata_props)) == ("", "", "", [])
    assert not any(node.doc_string or node.metadata_props for node in graph.graph.node)


@pytest.mark.parametrize("name", ["classifier.onnx", "SHA256SUMS"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(EngineError, match=f"The safety checker's file {name} is missing") as refused:
        PictureClassifier(copied).is_flagged(picture("sun"))

    assert "Install the playground again" in str(refused.value)


def test_a_damaged_file_is_found_when_it_is_prepared(copied: Path) -> None:
    data = bytearray((copied / "classifier.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (copied / "classifier.onnx").write_bytes(data)

    with pytest.raises(EngineError, match=r"classifier\.onnx is damaged"):
        PictureClassifier(copied).prepare()


def test_making_a_checker_reads_nothing(tmp_path: Path) -> None:
    PictureClassifier(tmp_path / "nowhere")
