"""A model says what it is, what it costs and what a prompt means to it."""

from hypothesis import given
from hypothesis import strategies as st

from playground.contract.model import FLUX_KREA, HOSTED_ID, ModelInfo
from playground.contract.prompt import Lexicon, Reading

SMALL = ModelInfo(id="small", label="small model", lexicon=Lexicon(colors=("red", "blue"), things=("fox",), silent=("a",)))


def test_hosted_model_costs_credits_and_a_model_without_a_price_is_free():
    assert (FLUX_KREA.id, FLUX_KREA.credits_per_request, FLUX_KREA.is_free) == (HOSTED_ID, 45, False)
    assert HOSTED_ID == "black-forest-labs/flux-krea-dev"
    assert SMALL.is_free


@given(prompt=st.text())
def test_to_a_model_that_reads_any_text_nothing_is_unknown_or_left_over(prompt: str):
    assert FLUX_KREA.read(prompt) == Reading()


def test_a_model_with_a_lexicon_reads_by_it():
    reading = SMALL.read("a Fox on red zebra")
    assert (reading.things, reading.color, reading.unknown) == (("fox",), "red", ("on", "zebra"))


def test_model_comes_back_from_json_and_tolerates_more_fields():
    assert ModelInfo.model_validate_json(SMALL.model_dump_json()) == SMALL
    assert ModelInfo.model_validate({"id": "x", "label": "X", "context_length": 5}) == ModelInfo(id="x", label="X")
