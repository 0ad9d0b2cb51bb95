"""The drawing of a sweep's curves: every word escaped, a band where luck is known, values where they belong."""

import re
from xml.etree import ElementTree as ET

import pytest

from playground.contract.inputs import PredictionInput
from playground.experiments.axis import Axis, image_axis, read_axis
from playground.experiments.curves import SATURATION, Curve, Point
from playground.ui.curve_plot import curve_plots, sentence

BASE = PredictionInput(prompt="<b>fox</b>", seed=7)
STEEP = Curve("", (Point(0, 0.1, 0.01, 4), Point(1, 0.5, 0.01, 4), Point(2, 0.6, 0.01, 4)))
FLAT = Curve("", (Point(0, 0.1, 0.2, 4), Point(1, 0.2, 0.2, 4), Point(2, 0.15, 0.2, 4)))
ONE_SEED = Curve("<i>4</i>", (Point(0, 0.1, 0.0, 1), Point(2, 0.2, 0.0, 1)))


def axis(name: str, text: str) -> Axis:
    return read_axis(name, text, BASE)


def test_the_verdict_is_in_the_sentence() -> None:
    assert sentence(SATURATION, [STEEP]) == "Saturation: changes by 0.5, more than luck (seeds alone: ±0.01)"
    assert sentence(SATURATION, [FLAT]) == "Saturation: changes by 0.1, no more than luck (seeds alone: ±0.2)"
    assert sentence(SATURATION, [ONE_SEED]) == "Saturation: changes by 0.1"


def test_numbers_stand_to_scale() -> None:
    drawn = curve_plots({SATURATION: [STEEP]}, axis("guidance", "1, 2, 5"))
    first, second, third = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn))
    assert (second - first) / (third - first) == pytest.approx(0.25, abs=0.01)


def test_pictures_stand_evenly_under_their_names() -> None:
    drawn = curve_plots({SATURATION: [STEEP]}, image_axis({"ab": "a.png", "cd": "<b>.png"}, also_none=True))
    first, second, third = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn))
    assert second - first == pytest.approx(third - second, abs=0.1)
    assert all(f">{name}</text>" in drawn for name in ("none", "a.png", "&lt;b&gt;.png"))


def test_a_band_is_drawn_where_luck_is_known_and_advised_where_it_is_not() -> None:
    known = curve_plots({SATURATION: [FLAT]}, axis("guidance", "1, 2, 5"))
    unknown = curve_plots({SATURATION: [ONE_SEED]}, axis("guidance", "1, 2, 5"))
    assert "polygon" in known
    assert "one standard deviation" in known
    assert "polygon" not in unknown
    assert "vary also the seed" in unknown
    assert "all of this is luck" in curve_plots({SATURATION: [ONE_SEED]}, axis("seed", "3 seeds"))


def test_it_is_well_formed_and_escapes_what_was_typed() -> None:
    drawn = curve_plots({SATURATION: [ONE_SEED, ONE_SEED]}, axis("prompt", "<b>fox</b>, <script>, wolf"))
    found = {element.tag for element in ET.fromstring(f"<all>{drawn}</all>").iter()}  # noqa: S314 - our own text
    assert {"b", "i", "script"}.isdisjoint(found)
    assert "&lt;i&gt;4" in drawn


def test_lines_beyond_the_sixth_are_named_as_left_out() -> None:
    drawn = curve_plots({SATURATION: [ONE_SEED] * 8}, axis("guidance", "1, 2, 5"))
    assert drawn.count("<polyline") == 6
    assert "2 are not" in drawn
