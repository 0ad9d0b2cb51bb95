"""A model says which words of a prompt mean something to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.contract.model import FLUX_KREA, HOSTED_ID, STOP_WORDS, ModelInfo, content_words

SMALL = ModelInfo(id="small", label="small model", known_words=frozenset({"red", "blue", "fox"}), max_words=2)


def test_hosted_model_costs_credits_and_a_model_without_a_price_is_free():
    assert (FLUX_KREA.id, FLUX_KREA.credits_per_request, FLUX_KREA.is_free) == (HOSTED_ID, 45, False)
    assert HOSTED_ID == "black-forest-labs/flux-krea-dev"
    assert SMALL.is_free


def test_content_words_are_lower_case_without_stop_words_and_punctuation():
    assert content_words("The Red, red-ish fox_cub & a BLUE (hat)!") == ["red", "red", "ish", "fox", "cub", "blue", "hat"]


@given(prompt=st.text())
def test_content_words_are_never_stop_words(prompt: str):
    words = content_words(prompt)
    assert all(word and word not in STOP_WORDS for word in words)
    assert content_words(" ".join(words)) == words


def test_unknown_words_are_named_once_in_order():
    assert SMALL.unknown_words("a zebra, a red Zebra and an okapi") == ["zebra", "okapi"]


@pytest.mark.parametrize("prompt", ["", "a the of", "RED fox", "blue-red, fox!"])
def test_unknown_words_are_none_for_a_prompt_of_known_words(prompt: str):
    assert SMALL.unknown_words(prompt) == []


@given(prompt=st.text())
def test_model_that_reads_any_text_has_no_unknown_or_unread_words(prompt: str):
    assert FLUX_KREA.unknown_words(prompt) == []
    assert FLUX_KREA.unread_words(prompt) == []


@given(prompt=st.lists(st.sampled_from(["red", "fox", "zebra", "the", "okapi"])).map(" ".join))
def test_unknown_words_are_exactly_the_content_words_that_are_not_known(prompt: str):
    assert set(SMALL.unknown_words(prompt)) == {"zebra", "okapi"} & set(prompt.split())


def test_unread_words_are_the_known_ones_past_the_last_that_is_read():
    assert SMALL.unread_words("red zebra fox and a blue fox") == ["blue", "fox"]
    assert SMALL.unread_words("red fox") == []


def test_model_comes_back_from_json_and_tolerates_more_fields():
    assert ModelInfo.model_validate_json(SMALL.model_dump_json()) == SMALL
    assert ModelInfo.model_validate({"id": "x", "label": "X", "context_length": 5}) == ModelInfo(id="x", label="X")


def test_vaguely_known_words_are_named_once_in_order():
    model = ModelInfo(
        id="m", label="small model", known_words=frozenset({"fox", "lady", "boo"}), vague_words=frozenset({"lady", "boo"})
    )
    assert model.vaguely_known_words("a lady and a fox, boo lady") == ["lady", "boo"]
    assert model.unknown_words("a lady and a fox") == []
