"""Links: settings to an address and back, and what strangers write into addresses."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.contract.inputs import INPUTS, LARGEST_SEED, PredictionInput, default
from playground.errors import BadInputError
from playground.experiments.links import LONGEST_LINK, TABS, Link, read_link, write_comparison, write_link, write_sweep

KEY = "cdt_planted_key_0123456789abcdef"
SWITCHES = ("vary", "lock", "tab", "preset", "x", "three", "b.seed", "c.seed")
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="_-"), min_size=1, max_size=200)
INPUT_VALUES = st.fixed_dictionaries(
    {"prompt": WORDS.filter(lambda text: bool(text.strip()))},
    optional={
        "aspect_ratio": st.sampled_from(["16:9", "9:21"]),
        "prompt_strength": st.floats(0, 1),
        "num_outputs": st.integers(1, 4),
        "num_inference_steps": st.integers(1, 50),
        "guidance": st.floats(0, 10),
        "seed": st.integers(0, LARGEST_SEED),
        "output_format": st.sampled_from(["webp", "jpg", "png"]),
        "output_quality": st.integers(0, 100),
        "disable_safety_checker": st.booleans(),
        "go_fast": st.booleans(),
        "megapixels": st.sampled_from(["1", "0.25"]),
    },
)


def opened(query: str) -> Link:
    return read_link(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


@settings(deadline=None)
@given(
    inputs=INPUT_VALUES,
    lock=st.booleans(),
    vary=st.lists(st.sampled_from(list(INPUTS)), unique=True),
    tab=st.sampled_from([None, *TABS]),
    preset=st.sampled_from([None, "05-steps-28", "06-guidance-0.5"]),
)
def test_a_link_brings_back_what_was_written(
    inputs: dict[str, Any], lock: bool, vary: list[str], tab: str | None, preset: str | None
) -> None:
    link = opened(write_link(inputs, lock=lock, vary=vary, tab=tab, preset=preset))

    assert link.problems == ()
    assert dict(link.inputs) == {name: value for name, value in inputs.items() if value != default(name)}
    assert (link.is_locked, set(link.vary), link.tab, link.preset) == (lock or bool(vary), set(vary), tab, preset)


@settings(deadline=None)
@given(a=INPUT_VALUES, others=st.lists(INPUT_VALUES, min_size=1, max_size=2))
def test_a_comparison_comes_back_with_what_differs_in_b_and_c(a: dict[str, Any], others: list[dict[str, Any]]) -> None:
    link = opened(write_comparison(a, *others))

    assert (link.problems, link.tab) == ((), "compare")
    assert {name: default(name) for name in a} | dict(link.inputs) == a
    differing = [{name: value for name, value in own.items() if name not in a or value != a[name]} for own in others]
    assert [dict(own) for own in link.others] == differing


@pytest.mark.parametrize(
    ("query", "others"),
    [
        ("b.guidance=8", [{"guidance": 8.0}]),
        ("c.guidance=8", [{}, {"guidance": 8.0}]),
        ("c.guidance=99", [{}, {}]),
        ("three=1&b.seed=3", [{"seed": 3}, {}]),
        ("three=0", [{}]),
    ],
)
def test_a_third_side_is_there_where_the_link_speaks_of_it(query: str, others: list[dict[str, Any]]) -> None:
    assert [dict(own) for own in opened(f"tab=compare&{query}").others] == others


def test_a_third_side_like_the_first_travels_too() -> None:
    fox = {"prompt": "flat fox"}
    assert write_comparison(fox, fox, fox) == "?prompt=flat+fox&three=1&tab=compare"
    assert write_comparison(fox, fox) == "?prompt=flat+fox&tab=compare"


def test_a_sweep_comes_back_with_its_axes_and_how_go_fast_stands() -> None:
    query = write_sweep({"prompt": "flat fox", "go_fast": default("go_fast")}, [("guidance", "1-5:0.5"), ("seed", "4 seeds")])
    link = opened(query)

    assert (link.problems, link.tab) == ((), "sweep")
    assert link.axes == (("guidance", "1-5:0.5"), ("seed", "4 seeds"))
    assert dict(link.inputs) == {"prompt": "flat fox", "go_fast": default("go_fast")}
    with pytest.raises(BadInputError, match="looks like a key"):
        write_sweep({"prompt": "fox"}, [("prompt", f"fox, {KEY}")])


def test_a_sweep_over_images_travels_without_them() -> None:
    query = write_sweep({"prompt": "flat fox", "image": "never.png"}, [("image", "never.png"), ("seed", "4 seeds")])
    assert "never" not in query
    link = opened(query)
    assert (link.problems, link.axes) == ((), (("image", ""), ("seed", "4 seeds")))


def test_only_what_differs_from_the_defaults_is_written() -> None:
    inputs = PredictionInput(prompt="flat fox", guidance=7).model_dump() | {"image": "never.png"}

    assert write_link(inputs) == "?prompt=flat+fox&guidance=7"
    assert write_link({}) == ""


@pytest.mark.parametrize(
    ("query", "locked"),
    [
        ("", set[str]()),
        ("lock=0", set[str]()),
        ("lock=1", set(INPUTS)),
        ("vary=guidance", set(INPUTS) - {"guidance"}),
        ("vary=guidance,seed&vary=prompt", set(INPUTS) - {"guidance", "seed", "prompt"}),
        ("lock=1&vary=seed", set(INPUTS) - {"seed"}),
    ],
)
def test_a_link_locks_all_but_what_it_varies(query: str, locked: set[str]) -> None:
    assert set(opened(query).locked) == locked


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("guidance=99", "guidance: expected 0 to 10, got '99'"),
        ("guidance=much", "guidance: "),
        ("num_inference_steps=2.5", "num_inference_steps: "),
        ("aspect_ratio=7:1", "aspect_ratio: "),
        ("prompt=", "prompt: the prompt is empty"),
        ("image=https://example.org/x.png", "image: settings carry no picture"),
        ("cfg=7", "cfg: no such input"),
        ("vary=cfg", "vary: no such input as cfg"),
        ("lock=maybe", "lock: expected 1 or 0"),
        ("lesson=cooking", "lesson: expected the name of an input"),
        ("b.guidance=99", "b.guidance: expected 0 to 10"),
        ("b.cfg=7", "b.cfg: no such input"),
        ("c.cfg=7", "c.cfg: no such input"),
        ("three=four", "three: expected 1 or 0"),
        ("x=image&x_values=a.png", "x_values: a link carries no picture"),
        ("x=cfg&x_values=1", "x: expected an input to vary"),
        ("y_values=1", "y: expected an input to vary"),
        ("tab=admin", "tab: expected one of generate, compare, sweep, learn, history"),
        ("preset=../../secret", "preset: expected the name of a preset file"),
        ("guidance=1&guidance=2", "guidance: given more than once, the first counts"),
        ("prompt=" + "x" * LONGEST_LINK, "the link is longer than 8000 characters"),
        ("&".join(f"seed={number}" for number in range(70)), "the link is longer"),
    ],
)
def test_what_cannot_be_followed_is_named_and_the_rest_holds(query: str, problem: str) -> None:
    link = opened(query + "&num_outputs=3" if "longer" not in problem else query)

    assert len(link.problems) == 1
    assert link.problems[0].startswith(problem)
    assert ("num_outputs" in link.inputs) == ("longer" not in problem)


@pytest.mark.parametrize(
    "query",
    [
        f"api_key={KEY}",
        f"key={KEY}",
        "X-API-Key=plain",
        "password=plain",
        f"prompt=fox {KEY}",
        f"guidance={KEY}",
        f"{KEY}=1",
        f"vary={KEY}",
        "seed=sk-0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_is_refused_and_not_repeated(query: str) -> None:
    link = opened(query)

    assert link == Link(problems=("a parameter that looks like a key was not read: whoever has the link would have it",))


def test_no_link_is_made_of_a_prompt_with_a_key() -> None:
    with pytest.raises(BadInputError, match="looks like a key") as refused:
        write_link({"prompt": f"fox {KEY}"})
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [({"prompt": "fox", "guidance": 99}, "guidance: expected 0 to 10"), ({"prompt": "🐢" * 1000}, "A link holds 8000")],
)
def test_settings_that_make_no_link_say_why(inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        write_link(inputs)


def test_parameters_of_gradio_and_of_trackers_are_none_of_ours() -> None:
    assert opened("__theme=dark&__lang=de&view=api&utm_source=mail&fbclid=x&logs=container") == Link()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*INPUTS, *SWITCHES]) | st.text(), st.text())))
def test_any_query_is_read(pairs: list[tuple[str, str]]) -> None:
    link = read_link(pairs)

    PredictionInput.model_validate({"prompt": "fox"} | dict(link.inputs))
    assert all(len(problem) < 300 for problem in link.problems)
