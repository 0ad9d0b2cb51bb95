"""A world of four things, drawn here: small enough that every step of the recipe runs in seconds."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from playground.training.world import STYLES, Thing

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHOUT_TORCH = find_spec("torch") is None and not os.environ.get("CI")
collect_ignore: "Sequence[str]" = ["test_recipe.py", "test_scenes.py", "test_world.py"] if WITHOUT_TORCH else []


def pytest_report_header() -> str:
    return "recipe of the pocket model: not tested, it needs the extra `train`" if WITHOUT_TORCH else ""


THINGS = [
    Thing("red apple", "fruit", ("apple", "food"), "1f34e"),
    Thing("green apple", "fruit", ("apple", "food"), "1f34f"),
    Thing("pear", "fruit", ("food",), "1f350"),
    Thing("kite", "game", ("flying",), "1fa81"),
]
_OUTLINES = ("ellipse", "rectangle", "regular_polygon", "rounded_rectangle")
_INKS = ("red", "green", "orange", "purple")


def _draw(thing: int, style: int) -> Image.Image:
    picture = Image.new("RGBA", (256, 256))
    pen = ImageDraw.Draw(picture)
    box = (32 + 8 * style, 32, 224 - 8 * style, 224)
    fill, outline = (None, "black") if STYLES[style] == "line" else (_INKS[thing], None)
    if _OUTLINES[thing] == "regular_polygon":
        pen.regular_polygon((128, 128, 90 + 4 * style), 3, fill=fill, outline=outline)
    elif _OUTLINES[thing] == "rounded_rectangle":
        pen.rounded_rectangle(box, 40, fill=fill, outline=outline, width=12)
    else:
        getattr(pen, _OUTLINES[thing])(box, fill=fill, outline=outline, width=12)
    return picture


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training folder with pictures.npy and things.json."""
    from playground.training import pictures

    folder = tmp_path_factory.mktemp("training")
    rgba = np.array([[np.asarray(_draw(thing, style)) for style in range(len(STYLES))] for thing in range(len(THINGS))])
    pictures.save(pictures.Pictures(THINGS, rgba), folder)
    return folder
