"""What a request will really do: sizes and steps as the backend computes them, and a remark for what has no effect."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playground.contract import effects
from playground.contract.effects import image_pixel_size, pixel_size, remarks, shrunk_size, start_step, steps_run
from playground.contract.inputs import PredictionInput, choices
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prompt import Lexicon

SIZES = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
sides_px = st.integers(1, 20_000)
steps = st.integers(1, 50)
strengths = st.floats(0, 1)


def request(**values: Any) -> PredictionInput:
    return PredictionInput(**({"prompt": "a red fox"} | values))


def test_every_aspect_ratio_has_a_pixel_size():
    assert tuple(effects.PIXEL_SIZES) == choices("aspect_ratio") == tuple(SIZES)


@pytest.mark.parametrize(("aspect_ratio", "size"), SIZES.items())
def test_pixel_size_is_the_documented_one_and_half_of_it_at_a_quarter(aspect_ratio: str, size: tuple[int, int]):
    assert pixel_size(aspect_ratio, "1") == size
    assert pixel_size(aspect_ratio, "0.25") == (size[0] // 2, size[1] // 2)


@given(width_px=sides_px, height_px=sides_px)
def test_image_pixel_size_is_in_multiples_of_16_up_to_1440_and_settled(width_px: int, height_px: int):
    size = image_pixel_size(width_px, height_px)
    assert all(side % 16 == 0 and 16 <= side <= 1440 for side in size)
    assert image_pixel_size(*size) == size


@given(width_px=sides_px, height_px=sides_px)
def test_image_pixel_size_never_enlarges_and_keeps_the_shape(width_px: int, height_px: int):
    width_out, height_out = image_pixel_size(width_px, height_px)
    assert width_out <= max(16, width_px)
    assert height_out <= max(16, height_px)
    scale = min(1, 1440 / max(width_px, height_px))
    assert width_px * scale - 16.5 <= width_out <= max(16, width_px * scale + 0.5)
    assert height_px * scale - 16.5 <= height_out <= max(16, height_px * scale + 0.5)


@given(width_px=sides_px, height_px=sides_px)
def test_shrunk_size_leaves_small_images_and_fits_large_ones(width_px: int, height_px: int):
    size = shrunk_size(width_px, height_px)
    if max(width_px, height_px) <= 1440:
        assert size == (width_px, height_px)
    else:
        assert max(size) == 1440


@pytest.mark.parametrize(
    ("upload", "result"),
    [((1920, 1080), (1440, 800)), ((1440, 1440), (1440, 1440)), ((1000, 33), (992, 32)), ((5, 5), (16, 16))],
)
def test_image_pixel_size_of_known_uploads(upload: tuple[int, int], result: tuple[int, int]):
    assert image_pixel_size(*upload) == result


def test_start_step_of_the_documented_example_is_five():
    assert start_step(28, 0.8) == 5


@given(n=steps, strength=strengths)
@example(n=10, strength=0.9)
@example(n=50, strength=0.02)
def test_start_step_leaves_strength_times_steps_to_run(n: int, strength: float):
    start = start_step(n, strength)
    assert 0 <= start <= n
    assert n * strength - 1e-9 <= n - start < n * strength + 1 + 1e-9


@given(n=steps)
def test_strength_zero_runs_no_step_and_one_runs_all(n: int):
    assert start_step(n, 0) == n
    assert start_step(n, 1) == 0


@given(n=steps, weaker=strengths, stronger=strengths)
def test_more_strength_never_runs_fewer_steps(n: int, weaker: float, stronger: float):
    weaker, stronger = sorted((weaker, stronger))
    assert start_step(n, stronger) <= start_step(n, weaker)


@given(n=steps, strength=strengths)
def test_steps_run_counts_all_from_noise_and_the_rest_from_an_image(n: int, strength: float):
    wanted = request(num_inference_steps=n, prompt_strength=strength)
    assert steps_run(wanted, has_image=False) == n
    assert steps_run(wanted, has_image=True) == n - start_step(n, strength)


@pytest.mark.parametrize(("seed", "counts"), [(None, None), (0, None), (1, 1), (2**53 - 1, 2**53 - 1)])
def test_effective_seed_treats_zero_as_none(seed: int | None, counts: int | None):
    assert effects.effective_seed(request(seed=seed)) == counts


def test_remarks_are_empty_for_defaults():
    assert remarks(request(), FLUX_KREA, has_image=False) == ()


@pytest.mark.parametrize(
    ("values", "has_image", "label"),
    [
        ({"aspect_ratio": "16:9"}, True, "Aspect ratio"),
        ({"megapixels": "0.25"}, True, "Megapixels"),
        ({"go_fast": True}, True, "Go fast"),
        ({"prompt_strength": 0.5}, False, "Prompt strength"),
        ({"output_format": "png", "output_quality": 50}, False, "File quality"),
        ({"output_format": "png", "output_quality": 50}, True, "File quality"),
        ({"seed": 0}, False, "Seed"),
    ],
)
def test_remarks_name_an_input_without_effect_once(values: dict[str, Any], has_image: bool, label: str):
    quiet = {} if "go_fast" in values else {"go_fast": False}
    said = remarks(request(**quiet, **values), FLUX_KREA, has_image=has_image)
    assert len(said) == 1
    assert said[0].startswith(f"{label}: ")


@pytest.mark.parametrize(
    ("values", "has_image"),
    [
        ({"aspect_ratio": "16:9", "megapixels": "0.25"}, False),
        ({"prompt_strength": 0.5, "go_fast": False}, True),
        ({"output_format": "jpg", "output_quality": 50}, False),
        ({"output_format": "png"}, False),
        ({"seed": 7}, False),
    ],
)
def test_remarks_are_silent_on_inputs_with_effect(values: dict[str, Any], has_image: bool):
    assert remarks(request(**values), FLUX_KREA, has_image=has_image) == ()


def test_remarks_name_words_that_a_model_guesses_does_not_know_or_has_no_room_for():
    lexicon = Lexicon(
        colors=("red",), things=("fox", "tree", "sun"), synonyms={"fox": ("vixen",), "tree": ("oak",)}, silent=("a", "and")
    )
    model = ModelInfo(id="small", label="small model", lexicon=lexicon)
    said = remarks(request(prompt="A vixen and a zebra by an oak, a sun"), model, has_image=False)
    assert said == (
        "The small model doesn't know: zebra, by, an.",
        "The small model reads vixen as fox, oak as tree.",
        "The small model draws one thing, small or at one side if you like, or two, in one style and on one colour; "
        "not read: sun.",
    )
    assert remarks(request(prompt="a fox and a tree"), model, has_image=False) == ()


def test_remarks_name_inputs_that_a_model_always_ignores():
    model = ModelInfo(id="small", label="small model", without_effect={"disable_safety_checker": "it has none"})
    assert remarks(request(), model, has_image=False) == ()
    said = remarks(request(disable_safety_checker=True), model, has_image=False)
    assert said == ("Disable safety checker: no effect, it has none.",)


def test_remarks_pass_over_inputs_of_a_newer_service():
    model = ModelInfo(id="newer", label="newer model", without_effect={"sharpness": "it has none"})
    assert remarks(request(), model, has_image=False) == ()


@given(
    wanted=st.builds(
        request,
        prompt=st.text(min_size=1).filter(lambda text: bool(text.strip())),
        seed=st.none() | st.integers(0, 9),
        prompt_strength=strengths,
        output_format=st.sampled_from(choices("output_format")),
    ),
    has_image=st.booleans(),
)
def test_remarks_are_whole_sentences(wanted: PredictionInput, has_image: bool):
    for sentence in remarks(wanted, FLUX_KREA, has_image=has_image):
        assert sentence.endswith(".")
