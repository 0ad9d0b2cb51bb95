"""A prompt is read into slots whatever its word order; what is guessed, unknown or left over is said."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.contract.prompt import Lexicon, Reading

LEXICON = Lexicon(
    styles=("3d", "flat", "line"),
    sizes=("small",),
    places=("left", "right", "top", "bottom"),
    colors=("red", "blue", "gray", "teal", "navy", "orange"),
    things=(
        "red apple", "cat face", "dog", "tangerine", "t-rex", "jack-o-lantern", "1st place medal", "rescue worker’s helmet",
        "fork and knife", "cherries", "leaf", "top hat", "box", "piñata", "bus", "glasses",
    ),
    groups=("animal", "fruit"),
    phrases={
        "3d": ("3d render",),
        "line": ("line drawing", "line art"),
        "gray": ("grey",),
        "navy": ("dark blue",),
        "small": ("tiny",),
        "cat face": ("cat", "🐱"),
        "cherries": ("cherry",),
        "tangerine": ("orange",),
        "background": ("backdrop",),
        "two": ("2", "pair of"),
        "zebra": ("stripes",),
    },
    synonyms={"cat face": ("kitten", "big cat"), "red": ("crimson",), "animal": ("okapi",)},
    silent=("a", "an", "the", "of", "on", "with", "in", "and", "is", "render"),
)  # fmt: skip

CANONICAL = st.builds(
    Reading,
    style=st.sampled_from(("", *LEXICON.styles)),
    color=st.sampled_from(("", *LEXICON.colors)),
    things=st.lists(st.sampled_from(LEXICON.things + LEXICON.groups), max_size=2).map(tuple),
) | st.builds(
    Reading,
    style=st.sampled_from(("", *LEXICON.styles)),
    size=st.sampled_from(("", *LEXICON.sizes)),
    place=st.sampled_from(("", *LEXICON.places)),
    color=st.sampled_from(("", *LEXICON.colors)),
    things=st.lists(st.sampled_from(LEXICON.things + LEXICON.groups), max_size=1).map(tuple),
)


def slots(reading: Reading) -> dict[str, Any]:
    found = {"style": reading.style, "size": reading.size, "place": reading.place, "color": reading.color}
    return {kind: word for kind, word in found.items() if word} | {"things": reading.things}


def is_read_in_full(reading: Reading) -> bool:
    return not (reading.unknown or reading.left_over or reading.read_as)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a small 3d render of a CAT on the left, on a red background", "3d, small, cat face, left, red background"),
        ("red background with the dog at left: 3D", "3d, dog, left, red background"),
        ("line drawing of a red apple", "line, red apple"),
        ("red apple on blue", "red apple, blue background"),
        ("dog on a dark-blue backdrop", "dog, navy background"),
        ("dog, the background is grey", "dog, gray background"),
        ("a dog and a cat", "dog, cat face"),
        ("dog dog", "dog, dog"),
        ("two dogs on teal", "dog, dog, teal background"),
        ("a pair of flat cats", "flat, cat face, cat face"),
        ("fork and knife", "fork and knife"),
        ("fork, and knife", ""),
        ("an orange", "tangerine"),
        ("an orange on blue background", "tangerine, blue background"),
        ("orange background, orange", "tangerine, orange background"),
        ("dog on orange", "dog, orange background"),
        ("T. rex", ""),
        ("t rex", "t-rex"),
        ("T-Rex", "t-rex"),
        ("Jack-O'-Lantern", "jack-o-lantern"),
        ("first 1ST-place medals", "1st place medal"),
        ("the rescue worker's helmet", "rescue worker’s helmet"),
        ("pinata", "piñata"),
        ("PIN\u0303ATA", "piñata"),
        ("ﬂat dog", "flat, dog"),
        ("some top hats", "top hat"),
        ("top dog", "dog, top"),
        ("🐱🐱 on blue", "cat face, cat face, blue background"),
    ],
)
def test_prompts_are_read_whatever_their_wording(prompt: str, expected: str) -> None:
    assert LEXICON.read(prompt).canonical == expected


@pytest.mark.parametrize(
    ("plural", "thing"),
    [
        ("cats", "cat face"), ("boxes", "box"), ("leaves", "leaf"), ("cherries", "cherries"), ("buses", "bus"),
        ("bus", "bus"), ("glasses", "glasses"), ("animals", "animal"), ("dog's", "dog"), ("kittens", "cat face"),
    ],
)  # fmt: skip
def test_plurals_are_read_as_what_they_are_plurals_of(plural: str, thing: str) -> None:
    assert LEXICON.read(plural).things == (thing,)


def test_a_guess_is_told_and_another_name_is_not() -> None:
    assert LEXICON.read("Kittens on crimson background").read_as == {"kittens": "cat face", "crimson": "red"}
    assert LEXICON.read("cats on gray background").read_as == {}


def test_a_colour_said_of_a_thing_is_told_to_be_the_backgrounds() -> None:
    assert LEXICON.read("a blue dog").read_as == {"blue": "blue background"}
    assert LEXICON.read("a blue dog").color == "blue"
    assert LEXICON.read("a red dog on a blue background").left_over == ("red",)


def test_unknown_words_are_named_once_in_order_as_they_were_written() -> None:
    assert LEXICON.read("a Happy zébra, a happy dog & another ZÉBRA").unknown == ("happy", "zébra", "another")


def test_emoji_are_words() -> None:
    assert LEXICON.read("🐱 and 👍🏽\N{VARIATION SELECTOR-16}, ☂").unknown == ("👍", "☂")


def test_what_has_no_room_is_left_over() -> None:
    reading = LEXICON.read("two cats, a dog, 3d, flat, 3d, gray background, a kitten")
    assert slots(reading) == {"style": "3d", "color": "gray", "things": ("cat face", "cat face")}
    assert reading.left_over == ("dog", "flat", "kitten")
    assert reading.read_as == {}
    assert LEXICON.read("dog left or right").left_over == ("right",)
    assert LEXICON.read("two").left_over == ("two",)
    assert LEXICON.read("dog and two cats").left_over == ("two",)


def test_size_and_place_are_one_things() -> None:
    reading = LEXICON.read("small cat and dog on the right")
    assert slots(reading) == {"things": ("cat face", "dog")}
    assert reading.left_over == ("small", "right")


def test_wordings_of_words_that_a_lexicon_lacks_are_unknown() -> None:
    assert LEXICON.read("stripes").unknown == ("stripes",)


@given(
    prompt=st.text()
    | st.lists(st.sampled_from(sorted(LEXICON.silent + LEXICON.colors + ("two", "cat", "-", ",")))).map(" ".join)
)
def test_any_text_can_be_read(prompt: str) -> None:
    reading = LEXICON.read(prompt)
    assert len(reading.things) <= 2
    assert slots(LEXICON.read(reading.canonical)) == slots(reading)


@given(wanted=CANONICAL)
def test_canonical_prompts_read_as_themselves(wanted: Reading) -> None:
    reading = LEXICON.read(wanted.canonical)
    assert slots(reading) == slots(wanted)
    assert is_read_in_full(reading)


@given(wanted=CANONICAL, data=st.data())
def test_word_order_does_not_matter(wanted: Reading, data: st.DataObject) -> None:
    parts = data.draw(st.permutations([part for part in wanted.canonical.split(", ") if part]))
    reading = LEXICON.read(", ".join(parts))
    assert slots(reading) | {"things": set(reading.things)} == slots(wanted) | {"things": set(wanted.things)}


@pytest.mark.parametrize("word", [*LEXICON.things, *LEXICON.groups])
def test_names_of_things_read_as_themselves(word: str) -> None:
    assert LEXICON.read(word).things == (word,)
    assert is_read_in_full(LEXICON.read(word))


def test_a_lexicon_comes_back_from_json_and_reads_the_same() -> None:
    LEXICON.read("dog")
    again = Lexicon.model_validate_json(LEXICON.model_dump_json())
    assert again == LEXICON
    assert again.read("kitten on red") == LEXICON.read("kitten on red")


@pytest.mark.parametrize("text", ["a" * 2000, "a " * 1000, "fork and " * 222, "'" * 2000, "a'" * 1000, "-" * 2000, "ﷺ" * 2000])
def test_long_prompts_are_read_at_once(text: str) -> None:
    LEXICON.read("")
    started = time.process_time()
    LEXICON.read(text)
    assert time.process_time() - started < 0.1
