"""What was read in a prompt, as ids."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.contract.prompt import Lexicon, Reading
from playground.engine.pocket import PocketEngine
from playground.engine.pocket.text import FILE, Vocabulary
from playground.errors import EngineError

LEXICON = Lexicon(
    styles=("3d", "flat"), sizes=("small",), places=("left", "right"), colors=("red", "blue"),
    things=("ghost", "castle"), groups=("building",), synonyms={"building": ("barn",)}, silent=("a",),
)  # fmt: skip
VOCABULARY = Vocabulary(
    words=("", "3d", "flat", "small", "left", "right", "red", "blue"),
    names=("", "ghost", "castle", "building"),
    concepts=2,
    lexicon=LEXICON,
)


@pytest.mark.parametrize(
    ("prompt", "words", "things"),
    [
        ("a ghost", [0, 0, 0, 0], [1, 0]),
        ("blue background, castle, flat, right, small", [2, 3, 5, 7], [2, 0]),
        ("ghost ghost 3d", [1, 0, 0, 0], [1, 1]),
        ("barn and ghost", [0, 0, 0, 0], [3, 1]),
        ("zeppelin", [0, 0, 0, 0], [0, 0]),
    ],
)
def test_a_reading_becomes_ids(prompt: str, words: list[int], things: list[int]) -> None:
    word_ids, thing_ids = VOCABULARY.ids(LEXICON.read(prompt))

    assert (word_ids.tolist(), thing_ids.tolist()) == (words, things)
    assert word_ids.dtype == thing_ids.dtype == np.int64


def test_no_prompt_is_silence() -> None:
    words, things = VOCABULARY.ids(Reading())
    assert not words.any()
    assert not things.any()


def test_a_vocabulary_comes_back_from_its_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(VOCABULARY.model_dump_json(), "utf-8")

    assert Vocabulary.load(tmp_path) == VOCABULARY


@pytest.mark.parametrize(
    "damage",
    [
        {"words": ["3d", "flat"]},
        {"names": ["", "ghost"]},
        {"words": ["", "3d"]},
        {"names": None},
        {"lexicon": {"things": "ghost"}},
    ],
)
def test_a_vocabulary_that_contradicts_itself_is_named(tmp_path: Path, damage: dict[str, Any]) -> None:
    (tmp_path / FILE).write_text(json.dumps(VOCABULARY.model_dump() | damage), "utf-8")

    with pytest.raises(EngineError, match=r"vocabulary\.json is missing or damaged.*Install the playground again"):
        Vocabulary.load(tmp_path)


def test_a_vocabulary_that_is_missing_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path)
    (tmp_path / FILE).write_text("[")
    with pytest.raises(EngineError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path)


@pytest.fixture(scope="module")
def shipped() -> Lexicon:
    lexicon = PocketEngine().info.lexicon
    assert lexicon is not None
    return lexicon


def test_the_shipped_lexicon_reads_its_own_words_as_themselves(shipped: Lexicon) -> None:
    for thing in shipped.things + shipped.groups:
        assert shipped.read(thing) == Reading(things=(thing,))
        assert shipped.read(f"{thing} on blue background").things == (thing,)
    for color in shipped.colors:
        assert shipped.read(f"{color} background") == Reading(color=color)
    for style in shipped.styles:
        assert shipped.read(style) == Reading(style=style)


def test_the_shipped_lexicon_has_no_wording_for_two_words_and_none_without_use(shipped: Lexicon) -> None:
    own = {*shipped.styles, *shipped.sizes, *shipped.places, *shipped.colors, *shipped.things, *shipped.groups}
    wordings = [word for others in (shipped.phrases | shipped.synonyms).values() for word in others]
    assert len(wordings) == len(set(wordings))
    assert set(wordings) & own <= {"orange"}
    assert {*shipped.phrases, *shipped.synonyms} <= own | {"background", "two"}


@pytest.mark.parametrize(
    ("word", "thing"),
    [
        ("kitten", "cat"), ("puppy", "dog"), ("car", "automobile"), ("auto", "automobile"), ("cab", "taxi"),
        ("bunny", "rabbit"), ("ladybug", "lady beetle"), ("jet", "airplane"), ("pine", "evergreen tree"), ("kitty", "cat"),
        ("hen", "chicken"), ("tug", "ship"), ("cottage", "house"), ("sneaker", "running shoe"), ("beer", "beer mug"),
        ("coffee", "hot beverage"), ("beagles", "dog"), ("oak", "tree"), ("ostrich", "bird"), ("mice", "mouse"),
    ],
)  # fmt: skip
def test_the_shipped_lexicon_reads_everyday_words(shipped: Lexicon, word: str, thing: str) -> None:
    if thing in shipped.things + shipped.groups:
        assert shipped.read(word).things == (thing,)


@pytest.mark.parametrize("word", ["happy", "dark", "running", "photo", "portrait", "woman", "night", "beautiful", "2004"])
def test_the_shipped_lexicon_has_no_idea_of_what_it_cannot_draw(shipped: Lexicon, word: str) -> None:
    assert shipped.read(word) == Reading(unknown=(word,))
