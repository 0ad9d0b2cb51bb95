"""The pocket model itself, with its real weights: every input does what the contract says."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from playground.contract.effects import PIXEL_SIZES, image_pixel_size, pixel_size
from playground.contract.inputs import PredictionInput
from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.engine.pocket.engine import grid
from playground.errors import EngineCancelledError

QUICK = {"prompt": "3d render of ghost on purple background", "megapixels": "0.25", "num_inference_steps": 4, "guidance": 3}


def pictures(
    pocket: PocketEngine, *, seed: int = 7, image: Image.Image | None = None, steps: list[Step] | None = None, **inputs: Any
) -> list[Image.Image]:
    seen = [] if steps is None else steps
    request = PredictionInput.model_validate(QUICK | inputs)
    return pocket.generate(request, seed=seed, image=image, on_step=seen.append)


def picture(pocket: PocketEngine, **options: Any) -> Image.Image:
    return pictures(pocket, **options)[0]


def distance(a: Image.Image, b: Image.Image) -> float:
    """Root of the mean squared difference, in levels of 255."""
    return math.sqrt(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2))


@pytest.fixture(scope="module")
def hamburger(pocket: PocketEngine) -> Image.Image:
    return picture(pocket, prompt="flat hamburger on teal background", num_inference_steps=12, seed=3)


@pytest.mark.parametrize("megapixels", ["1", "0.25"])
@pytest.mark.parametrize("aspect_ratio", PIXEL_SIZES)
def test_a_picture_has_exactly_the_size_of_its_ratio(pocket: PocketEngine, aspect_ratio: str, megapixels: str) -> None:
    made = picture(pocket, aspect_ratio=aspect_ratio, megapixels=megapixels, num_inference_steps=1)

    assert made.size == pixel_size(aspect_ratio, megapixels)
    assert made.mode == "RGB"


@pytest.mark.parametrize("go_fast", [True, False])
def test_the_same_seed_gives_the_same_pixels(pocket: PocketEngine, go_fast: bool) -> None:
    assert picture(pocket, go_fast=go_fast) == picture(pocket, go_fast=go_fast)


def test_a_fresh_engine_gives_the_same_pixels(pocket: PocketEngine) -> None:
    assert picture(PocketEngine()) == picture(pocket)


def test_another_seed_gives_another_picture(pocket: PocketEngine) -> None:
    assert distance(picture(pocket, seed=7), picture(pocket, seed=8)) > 5


@pytest.mark.parametrize("go_fast", [True, False])
def test_one_seed_makes_a_batch_that_begins_with_its_single_picture(pocket: PocketEngine, go_fast: bool) -> None:
    first, second, third = pictures(pocket, num_outputs=3, go_fast=go_fast)

    assert first == picture(pocket, go_fast=go_fast)
    assert min(distance(first, second), distance(second, third), distance(first, third)) > 5


@pytest.mark.parametrize(
    "changed",
    [
        {"guidance": 6},
        {"guidance": 0},
        {"num_inference_steps": 8},
        {"prompt": "3d render of ghost on green background"},
        {"prompt": "flat ghost on purple background"},
        {"go_fast": False},
    ],
    ids=str,
)
def test_an_input_that_is_said_to_act_acts(pocket: PocketEngine, changed: dict[str, Any]) -> None:
    assert distance(picture(pocket, **changed), picture(pocket)) > 1


def test_the_ratio_changes_what_is_drawn_and_not_only_its_frame(pocket: PocketEngine) -> None:
    square, wide = picture(pocket), picture(pocket, aspect_ratio="16:9")

    assert distance(wide.resize(square.size), square) > 5


def test_the_prompt_decides_the_background(pocket: PocketEngine) -> None:
    corners = {
        name: np.asarray(picture(pocket, prompt=f"flat ghost on {name} background", num_inference_steps=12), float)[:24, :24]
        for name in ("red", "green", "blue")
    }

    for channel, name in enumerate(corners):
        assert corners[name].mean((0, 1)).argmax() == channel, name


def test_more_steps_come_nearer_to_the_picture_of_fifty(pocket: PocketEngine) -> None:
    numbers, seeds = (2, 6, 20), (1, 2, 3)
    wanted = {seed: picture(pocket, seed=seed, num_inference_steps=50, go_fast=False) for seed in seeds}

    means = [
        np.mean([distance(picture(pocket, seed=s, num_inference_steps=n, go_fast=False), wanted[s]) for s in seeds])
        for n in numbers
    ]

    assert means[0] > 2 * means[1] > 4 * means[2]


def test_steps_are_counted_to_their_total(pocket: PocketEngine) -> None:
    steps: list[Step] = []

    picture(pocket, num_inference_steps=5, steps=steps)

    assert [(step.number, step.total) for step in steps] == [(n, 5) for n in range(1, 6)]


def test_every_step_can_be_previewed(pocket: PocketEngine) -> None:
    previews: list[Image.Image] = []
    request = PredictionInput.model_validate(QUICK | {"aspect_ratio": "16:9"})
    (made,) = pocket.generate(request, seed=7, image=None, on_step=lambda step: previews.append(step.preview()))

    assert [preview.mode for preview in previews] == ["RGB"] * 4
    assert all(preview.width > preview.height for preview in previews)
    far, near = (distance(preview.resize(made.size), made) for preview in (previews[0], previews[-1]))
    assert near < far


def test_previews_do_not_change_the_picture(pocket: PocketEngine) -> None:
    request = PredictionInput.model_validate(QUICK)
    (watched,) = pocket.generate(request, seed=7, image=None, on_step=lambda step: step.preview())

    assert watched == picture(pocket)


def test_stopping_at_a_step_stops_at_once(pocket: PocketEngine) -> None:
    seen: list[int] = []

    def stop_at_two(step: Step) -> None:
        seen.append(step.number)
        if step.number == 2:
            raise EngineCancelledError("Cancelled.")

    with pytest.raises(EngineCancelledError):
        pocket.generate(PredictionInput.model_validate(QUICK), seed=7, image=None, on_step=stop_at_two)

    assert seen == [1, 2]


@pytest.mark.parametrize("prompt_strength", [0, 0.1, 0.25, 0.3, 0.55, 0.7, 0.9, 1])
def test_the_strength_decides_how_many_steps_run(pocket: PocketEngine, hamburger: Image.Image, prompt_strength: float) -> None:
    steps: list[Step] = []

    picture(pocket, image=hamburger, prompt_strength=prompt_strength, num_inference_steps=10, steps=steps)

    total = 10 - int((1 - prompt_strength) * 10)
    assert [(step.number, step.total) for step in steps] == [(n, total) for n in range(1, total + 1)]


def test_strength_zero_gives_the_image_back(pocket: PocketEngine, hamburger: Image.Image) -> None:
    returned = picture(pocket, image=hamburger, prompt_strength=0)

    assert 20 * math.log10(255 / distance(returned, hamburger)) > 33  # measured: 36.6 dB


def test_a_greater_strength_leads_further_from_the_image(pocket: PocketEngine, hamburger: Image.Image) -> None:
    far = [
        distance(picture(pocket, image=hamburger, prompt_strength=s, num_inference_steps=8), hamburger) for s in (0, 0.4, 0.8)
    ]

    assert far[0] < far[1] < far[2]


def test_strength_one_keeps_nothing_of_the_image(pocket: PocketEngine, hamburger: Image.Image) -> None:
    blank = Image.new("RGB", hamburger.size, "white")

    from_hamburger, from_blank = (picture(pocket, image=image, prompt_strength=1) for image in (hamburger, blank))

    assert from_hamburger == from_blank


def test_an_image_decides_the_size_whatever_the_ratio(pocket: PocketEngine) -> None:
    image = Image.new("RGB", (240, 336), "teal")

    made = picture(pocket, image=image, aspect_ratio="21:9", megapixels="1", num_inference_steps=1)

    assert made.size == (240, 336)
    assert made == picture(pocket, image=image, num_inference_steps=1)


def test_go_fast_is_ignored_with_an_image(pocket: PocketEngine, hamburger: Image.Image) -> None:
    fast, full = (picture(pocket, image=hamburger, go_fast=go_fast, num_inference_steps=10) for go_fast in (True, False))

    assert fast == full


@pytest.mark.parametrize("seed", [1, 2])
def test_go_fast_draws_nearly_the_same_picture(pocket: PocketEngine, seed: int) -> None:
    full = picture(pocket, seed=seed, go_fast=False, num_inference_steps=20)

    fast = picture(pocket, seed=seed, go_fast=True, num_inference_steps=20)
    other = picture(pocket, seed=seed + 10, go_fast=False, num_inference_steps=20)

    assert 0 < distance(fast, full) < distance(other, full) / 2


def test_the_strongest_guidance_keeps_colours_whole(pocket: PocketEngine) -> None:
    """Unclamped latents end in patches of pure colours: there, up to a third of all values lie at 0 or 255."""
    made = np.asarray(picture(pocket, guidance=10, num_inference_steps=10, seed=4))

    assert np.isin(made, (0, 255)).mean() < 0.15


def test_info_says_what_is_known_and_what_has_no_effect(pocket: PocketEngine) -> None:
    info = pocket.info

    assert info.is_free
    example = info.read(info.example_prompt)
    assert (example.unknown, example.left_over) == ((), ())
    assert example.things
    assert info.without_effect == {}
    assert pocket.info is info


def test_the_safety_switch_is_not_the_engines(pocket: PocketEngine) -> None:
    assert picture(pocket, disable_safety_checker=True) == picture(pocket)


@pytest.mark.parametrize(
    ("size_px", "expected"),
    [
        ((1024, 1024), (16, 16)),
        ((512, 512), (8, 8)),
        ((1344, 768), (12, 21)),
        ((1440, 1440), (16, 16)),
        ((16, 16), (7, 7)),
        ((1440, 16), (2, 66)),
        ((16, 1440), (66, 2)),
    ],
)
def test_the_grid_of_a_size_is_known(size_px: tuple[int, int], expected: tuple[int, int]) -> None:
    assert grid(*size_px) == expected


@given(st.integers(1, 6000), st.integers(1, 6000))
def test_the_grid_of_any_image_is_near_what_the_model_was_trained_at(width_px: int, height_px: int) -> None:
    size_px = image_pixel_size(width_px, height_px)

    rows, cols = grid(*size_px)

    assert min(rows, cols) >= 2
    assert 40 <= rows * cols <= 290
    if max(size_px) <= 2 * min(size_px):
        assert cols / rows == pytest.approx(size_px[0] / size_px[1], rel=0.2)


@pytest.mark.parametrize("size_px", [(16, 1440), (1440, 16), (16, 16), (1008, 48), (1440, 1440)])
def test_an_image_of_an_odd_shape_is_redrawn_in_that_shape(pocket: PocketEngine, size_px: tuple[int, int]) -> None:
    image = Image.effect_noise(size_px, 50).convert("RGB")

    assert picture(pocket, image=image, num_inference_steps=2).size == size_px
