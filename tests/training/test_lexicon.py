"""The vocabulary that export writes: kinds of a thing are read as it, and everything read has an id."""

from pathlib import Path

import pytest

from playground.contract.prompt import Reading
from playground.engine.pocket.text import Vocabulary
from playground.training.lexicon import build
from tests.training.conftest import THINGS


@pytest.fixture(scope="module")
def vocabulary(packages: Path) -> Vocabulary:
    return Vocabulary.model_validate(build(THINGS, packages))


def test_things_and_groups_have_ids_after_silence(vocabulary: Vocabulary) -> None:
    assert vocabulary.names == ("", "red apple", "green apple", "pear", "kite", "food", "fruit", "game")
    assert vocabulary.concepts == 4


def test_a_kind_of_a_thing_is_read_as_it_and_said_to_be(vocabulary: Vocabulary) -> None:
    assert vocabulary.lexicon.read("bosc") == Reading(things=("pear",), read_as={"bosc": "pear"})


def test_rare_pairs_of_words_stay_unknown(vocabulary: Vocabulary) -> None:
    assert vocabulary.lexicon.read("box kite").unknown == ("box",)


def test_other_nouns_stay_unknown(vocabulary: Vocabulary) -> None:
    assert vocabulary.lexicon.read("stone").unknown == ("stone",)


def test_the_same_things_and_packages_give_the_same_file(packages: Path) -> None:
    assert build(THINGS, packages) == build(THINGS, packages)
