"""Figures that hold for any picture, and on pictures whose figures are known."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from playground.experiments.metrics import (
    LARGEST_DELTA_E,
    PairFigures,
    common_size,
    compare,
    heat_map,
    picture_figures,
)

SIZES = st.tuples(st.integers(16, 40), st.integers(16, 40))


@st.composite
def pictures(draw: st.DrawFn, size_px: tuple[int, int] | None = None) -> Image.Image:
    """Noise on a ground of one colour, from none of it to nothing else."""
    width_px, height_px = size_px or draw(SIZES)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ground = random.integers(0, 256, 3)
    share = draw(st.sampled_from([0.0, 0.1, 1.0]))
    noise = random.integers(0, 256, (height_px, width_px, 3))
    return Image.fromarray((ground * (1 - share) + noise * share).astype(np.uint8))


def plain(colour: str | tuple[int, int, int], size_px: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.new("RGB", size_px, colour)


def checks() -> Image.Image:
    """A board of 8 px squares, black and white."""
    rows, columns = np.indices((64, 64)) // 8
    return Image.fromarray((((rows + columns) % 2) * 255).astype(np.uint8)).convert("RGB")


@settings(deadline=None, max_examples=20)
@given(pictures())
def test_a_picture_is_identical_with_itself(picture: Image.Image) -> None:
    figures, heat = compare(picture, picture)
    assert figures == PairFigures(picture.size, is_resized=False, psnr_db=math.inf, ssim=pytest.approx(1), delta_e=0)
    assert heat.getextrema() == ((0, 0), (0, 0), (0, 0))


@settings(deadline=None, max_examples=20)
@given(pictures(), pictures())
def test_a_pair_is_measured_the_same_either_way_and_within_bounds(a: Image.Image, b: Image.Image) -> None:
    there, heat = compare(a, b)
    back, same_heat = compare(b, a)
    assert there.psnr_db == pytest.approx(back.psnr_db)
    assert there.ssim == pytest.approx(back.ssim, abs=1e-5)
    assert there.delta_e == pytest.approx(back.delta_e)
    assert heat.tobytes() == same_heat.tobytes()
    assert heat.size == there.size_px == back.size_px == common_size(a, b)
    assert there.psnr_db >= 0
    assert -1 <= there.ssim <= 1
    assert there.delta_e >= 0


@settings(deadline=None, max_examples=20)
@given(pictures())
def test_figures_of_a_picture_stay_within_their_bounds(picture: Image.Image) -> None:
    figures = picture_figures(picture)
    assert 0 <= figures.sharpness <= 1
    assert figures.colourfulness >= 0
    assert 0 <= figures.saturation <= 1
    assert 0 <= figures.contrast <= 0.5
    assert 1 <= len(figures.colours) <= 5
    assert sum(swatch.share for swatch in figures.colours) == pytest.approx(1)
    assert [swatch.share for swatch in figures.colours] == sorted((s.share for s in figures.colours), reverse=True)


def test_known_colours_have_known_figures() -> None:
    grey, red = picture_figures(plain("#808080")), picture_figures(plain("#ff0000"))
    assert (grey.colourfulness, grey.saturation, grey.contrast, grey.sharpness) == (0, 0, 0, 0)
    assert red.saturation == 1
    assert red.colourfulness == pytest.approx(0.3 * math.hypot(255, 127.5))
    assert [(swatch.colour, swatch.share) for swatch in red.colours] == [("#ff0000", 1)]
    assert picture_figures(checks()).contrast == pytest.approx(0.5)


def test_black_against_white_is_as_far_as_it_goes() -> None:
    figures, heat = compare(plain("black"), plain("white"))
    assert figures.psnr_db == pytest.approx(0)
    assert figures.delta_e == pytest.approx(100, abs=0.01)
    assert figures.ssim < 0.001
    assert heat.getpixel((0, 0)) == heat_map(np.full((1, 1), LARGEST_DELTA_E)).getpixel((0, 0)) == (252, 255, 164)


def test_a_blurred_picture_is_less_sharp() -> None:
    soft = checks().filter(ImageFilter.GaussianBlur(3))
    assert picture_figures(soft).sharpness < picture_figures(checks()).sharpness - 0.2


def test_heat_grows_brighter_with_the_difference() -> None:
    heat = np.asarray(heat_map(np.linspace(0, LARGEST_DELTA_E, 50)[None, :]).convert("L")).astype(int)
    assert (np.diff(heat[0]) >= 0).all()
    assert heat[0, 0] == 0 < heat[0, -1]


def test_dominant_colours_come_with_their_shares() -> None:
    picture = plain("#102030", (100, 100))
    picture.paste((240, 200, 40), (0, 0, 100, 25))
    assert [(s.colour, s.share) for s in picture_figures(picture).colours] == [("#102030", 0.75), ("#f0c828", 0.25)]


def test_pictures_of_different_sizes_meet_at_the_smaller_one() -> None:
    large = checks().resize((256, 256), Image.Resampling.NEAREST)
    figures, heat = compare(large, checks().resize((128, 128), Image.Resampling.NEAREST))
    assert (figures.size_px, figures.is_resized, heat.size) == ((128, 128), True, (128, 128))
    assert figures.ssim > 0.9
    assert figures.psnr_db > 30


def test_pictures_of_different_shapes_meet_in_their_middle() -> None:
    wide = plain("blue", (96, 32))
    wide.paste((255, 0, 0), (32, 0, 64, 32))
    figures, _ = compare(wide, plain("red", (32, 64)))
    assert figures.size_px == (32, 32)
    assert figures.delta_e == pytest.approx(0)


def test_importing_the_figures_does_not_load_scikit_image() -> None:
    source = "import sys, playground.experiments.metrics; sys.exit('skimage' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source]).returncode == 0
