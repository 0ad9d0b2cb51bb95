"""What was read in a prompt, as ids."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playground.contract.prompt import Lexicon, Reading
from playground.engine.pocket import PocketEngine
from playground.engine.pocket.text import FILE, NULL, PAD, TOKENS, Vocabulary, WordList, no_prompt
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


def test_the_shipped_lexicon_knows_its_own_words() -> None:
    lexicon = PocketEngine().info.lexicon
    assert lexicon is not None
    for thing in lexicon.things + lexicon.groups:
        assert lexicon.read(thing).things == (thing,)
    for color in lexicon.colors:
        assert lexicon.read(f"{color} background").color == color


def test_a_word_list_gives_known_words_their_ids_in_order_and_drops_others() -> None:
    words = WordList(("<pad>", "<null>", "ghost", "castle", "blue"))
    assert words.encode("The blue Ghost, a zeppelin and a CASTLE!").tolist() == [4, 2, 3] + [PAD] * (TOKENS - 3)
    assert words.encode("zeppelin").tolist() == no_prompt().tolist() == [NULL] + [PAD] * (TOKENS - 1)
    assert words.encode("ghost " * 12 + "castle").tolist() == [2] * TOKENS
