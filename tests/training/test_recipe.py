"""Every step of the recipe, run through its command line on a world of four things."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from playground.engine.pocket.network import Network
from playground.training import pictures, sampler
from playground.training.__main__ import main
from playground.training.captions import Vocabulary
from playground.training.clock import Clock, learning_rate
from playground.training.evaluate import held_out_scenes, windows
from playground.training.fit_flow import grow, load_autoencoder, load_flow, save_flow
from playground.training.flow import Flow, FlowShape
from playground.training.scenes import Scene, is_held_out

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # the exporter's own


@pytest.fixture(scope="module")
def trained(world: Path) -> Path:
    """The folder after a few seconds of every training."""
    seconds = {"autoencoder": 4.0, "judge": 2.0, "flow": 6.0, "distill": 4.0}
    for step, budget_s in seconds.items():
        main(["--folder", str(world), step, "--minutes", str(budget_s / 60)])
    return world


@pytest.fixture(scope="module")
def exported(trained: Path, packages: Path) -> Path:
    """The exported graphs, and the vocabulary beside them."""
    assert packages.is_dir()
    main(["--folder", str(trained), "export", "--out", str(trained / "weights")])
    return trained / "weights"


def test_latents_are_normalised(trained: Path) -> None:
    net = load_autoencoder(trained)

    assert net.deviation.min() > 0
    assert not torch.equal(net.deviation, torch.ones_like(net.deviation))


def test_distillation_teaches_the_student_to_hear_its_guidance(trained: Path) -> None:
    vocabulary = Vocabulary(pictures.load(trained).things)
    teacher, student = (load_flow(trained / name, vocabulary) for name in ("flow.pt", "distilled.pt"))

    assert teacher.guide.weight.abs().max() == 0  # without a gradient from the guidance it stays there
    assert student.guide.weight.abs().max() > 0


def test_exported_graphs_compute_what_the_networks_compute(trained: Path, exported: Path) -> None:
    graphs = Network.load(exported)
    autoencoder = load_autoencoder(trained)
    student = load_flow(trained / "distilled.pt", Vocabulary(pictures.load(trained).things)).eval()
    text = sampler.text_of([Scene((3,), "line", "navy")])
    for rows, cols in ((8, 8), (7, 12)):
        z = torch.randn(1, 16, rows, cols)
        with torch.no_grad():
            wanted = student.velocity(z, torch.full((1,), 0.6), text, torch.full((1,), 2.5)).numpy()
            x = autoencoder.decode(z)
            coded = autoencoder.encode(x).numpy()
        ids = {"words": text.words[0].numpy(), "things": text.things[0].numpy()}

        assert np.abs(graphs.velocity(z.numpy(), 0.6, guidance=2.5, **ids) - wanted).max() < 0.03  # weights are fp16
        assert np.abs(graphs.decode(z.numpy()) - x.numpy()).max() < 0.05
        assert np.abs(graphs.encode(x.numpy()) - coded).max() < 0.05


def test_no_exported_file_tells_where_it_was_made(exported: Path) -> None:
    for path in exported.iterdir():
        assert path.stat().st_size < 10_000_000
        assert b".py" not in path.read_bytes(), path.name


def test_evaluation_names_its_figures(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [Scene((thing,), "flat", "red") for thing in range(4)]  # so small a world holds nothing out
    monkeypatch.setattr("playground.training.evaluate.held_out_scenes", lambda *_: scenes)
    main(["--folder", str(trained), "evaluate", "--count", "4"])

    assert "background" in capsys.readouterr().out
    assert (trained / "sheet-64-distilled.png").exists()


def test_a_larger_world_keeps_what_the_smaller_one_learnt(tmp_path: Path) -> None:
    from tests.training.conftest import THINGS

    small, large = Vocabulary(THINGS[:3]), Vocabulary(THINGS)
    net = Flow(FlowShape(words=24, things=len(small.names), width=64, blocks=1))
    save_flow(net, tmp_path / "flow.pt", small)

    grown = load_flow(tmp_path / "flow.pt", large)

    for name in ("pear", "fruit"):
        before = net.things.weight[small.names.index(name)]
        assert torch.equal(grown.things.weight[large.names.index(name)], before)


def test_a_new_thing_starts_as_what_looks_like_it() -> None:
    generator = torch.Generator().manual_seed(0)
    codes, mixture = torch.randn(30, 8, generator=generator), torch.randn(8, 16, generator=generator)
    embeddings = codes @ mixture
    learnt = embeddings.clone()
    embeddings[25:] = 100.0  # anything at all

    grow(embeddings, codes, [True] * 25 + [False] * 5)

    assert torch.equal(embeddings[:25], learnt[:25])
    assert F.cosine_similarity(embeddings[25:], learnt[25:]).min() > 0.8


@pytest.mark.parametrize("count", [50, 200])
def test_held_out_scenes_are_held_out(count: int) -> None:
    scenes = held_out_scenes(500, count)

    assert len(scenes) == len(set(scenes)) == count
    assert all(is_held_out(scene.things[0], scene.style, scene.color) for scene in scenes)


def test_the_judge_looks_where_the_things_are() -> None:
    square = torch.zeros(3, 100, 100)
    square[:, :, 50:] = 1.0
    left, right = windows(square, Scene((1, 2), "flat", "red"))

    assert left.max() == 0
    assert right.min() == 1
    assert windows(square, Scene((1,), "flat", "red"))[0].shape == (3, 100, 100)
    assert windows(square, Scene((1,), "flat", "red", small=True))[0].shape == (3, 60, 60)


def test_the_clock_does_not_count_a_suspended_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("playground.training.clock.time.monotonic", lambda: now_s[0])
    clock = Clock(1)
    for step_s in (1.0, 1.0, 1000.0, 1.0):
        now_s[0] += step_s
        clock.tick()

    assert clock.used_s == pytest.approx(8.0)
    assert not clock.is_over


def test_the_learning_rate_rises_stays_and_falls() -> None:
    rates = [learning_rate(part, step=1000) for part in (0.0, 0.4, 0.7, 1.0)]

    assert rates == [1.0, 1.0, pytest.approx(0.5), 0.02]
    assert math.isclose(learning_rate(0.0, step=0), 0.01)
