"""What people type as an axis of a sweep, read into values: ranges, lists, choices, on and off, words of the prompt, seeds.

Pictures cannot be typed: an axis of them holds their digests and is labelled with their names.
"""

import csv
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from pydantic import ValidationError

from playground.contract.effects import effective_seed
from playground.contract.inputs import INPUTS, PredictionInput, bounds, choices, explain, label
from playground.errors import BadInputError

MOST_CELLS = 300
LONGEST_AXIS = 4000
MOST_IMAGES = 12
AXIS_NAMES = tuple(INPUTS)

_NUMBER = r"(\d{1,16}(?:\.\d{1,6})?)"
_RANGE = re.compile(rf"{_NUMBER}\s*[-–]\s*{_NUMBER}(?:\s*:\s*{_NUMBER})?")
_SEEDS = re.compile(r"(\d{1,6})\s+seeds?", re.IGNORECASE)
_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
_WHOLE: tuple[Any, ...] = (int, int | None)
_LARGEST_DRAWN_SEED = 2**32 - 1
_LONGEST_NAME = 24


@dataclass(frozen=True)
class Axis:
    """One input and the values it takes, in the order in which they were named."""

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    place: str = "Axis"
    """What messages call it."""
    searched: str = ""
    """For the prompt: the words that each value replaces."""


def read_axis(name: str, text: str, base: PredictionInput, *, place: str = "Axis") -> Axis:
    """The axis that this text means for this input. Raises BadInputError, which names the axis and what is expected."""
    if name not in AXIS_NAMES:
        raise BadInputError(f"{place}: expected an input to vary, got {name[:40]!r}.", advice="Choose one of the list.")
    if name == "image":
        raise _unclear(place, name, "pictures are dropped, not typed")
    text = text.strip()
    if not text:
        raise _unclear(place, name, "no values yet")
    if len(text) > LONGEST_AXIS:
        raise _unclear(place, name, f"longer than {LONGEST_AXIS} characters")
    values = _reader(name)(name, text, base, place)
    if not values:  # nothing but commas
        raise _unclear(place, name, "no values yet")
    if len(values) > MOST_CELLS:
        raise _too_many(place, name)
    _validate(values, name, base, place)
    return Axis(
        name=name,
        values=tuple(values),
        labels=tuple(value_label(value) for value in values),
        place=place,
        searched=str(values[0]) if name == "prompt" else "",
    )


def image_axis(names: Mapping[str, str], *, also_none: bool, place: str = "Axis") -> Axis:
    """The axis over these pictures, file names by digest, in their order; before them none, where that is asked for.

    Raises BadInputError without a picture.
    """
    if not names:
        raise _unclear(place, "image", "no pictures yet")
    values = (None, *names) if also_none else tuple(names)
    labels = _told_apart(value_label(None if value is None else abridged(names[value], _LONGEST_NAME)) for value in values)
    return Axis("image", values, labels, place)


def expectation(name: str) -> str:
    """What can be written for an axis over this input."""
    if name == "image":
        return f"up to {MOST_IMAGES} pictures in their box"
    if name == "prompt":
        return "words of the prompt, then what replaces them: fox, castle, penguin"
    if name == "seed":
        return "4 seeds, or a list: 7, 8, 9"
    if choices(name):
        return f"all, or some of {', '.join(choices(name))}"
    if INPUTS[name].annotation is bool:
        return "on, off"
    least, most = bounds(name)
    example = "10-50:10 or 4, 8, 28" if _is_whole(name) else f"{least:g}-{min(most, 5):g}:0.5 or a list with commas"
    return f"{least:g} to {most:g}: {example}"


def value_label(value: Any) -> str:
    """A value as people write it: 3, 2.5, on, 16:9, none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def abridged(text: str, longest: int) -> str:
    """The text with its middle left out, since both ends tell file names apart."""
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 2
    return f"{text[: longest - 1 - tail]}…{text[-tail:]}"


def _told_apart(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: of those that are the same, the later ones get a number."""
    found: dict[str, None] = {}
    for text in labels:
        numbered = (f"{text} ({number})" for number in count(2))
        found[text if text not in found else next(one for one in numbered if one not in found)] = None
    return tuple(found)


def _reader(name: str) -> Callable[[str, str, PredictionInput, str], list[Any]]:
    if name == "prompt":
        return _read_words
    if name == "seed":
        return _read_seeds
    if choices(name):
        return _read_choices
    return _read_switch if INPUTS[name].annotation is bool else _read_numbers


def _read_words(name: str, text: str, base: PredictionInput, place: str) -> list[Any]:
    words = _parts(text)
    if len(words) < 2:
        raise _unclear(place, name, "only one word")
    if words[0] not in base.prompt:
        raise BadInputError(
            f"{place} ({label(name)}): the prompt does not contain “{words[0][:60]}”.",
            advice="Begin with words of the prompt; those after the comma replace them.",
        )
    return list(words)


def _read_seeds(name: str, text: str, base: PredictionInput, place: str) -> list[Any]:
    if (drawn := _SEEDS.fullmatch(text)) is None:
        seeds = _read_numbers(name, text, base, place)
        if 0 in seeds:
            raise BadInputError(f"{place} ({label(name)}): 0 means a random seed.", advice="Name seeds from 1 on.")
        return seeds
    wanted = int(drawn[1])
    if not 1 <= wanted <= MOST_CELLS:
        raise _too_many(place, name)
    first = effective_seed(base) or 1
    # The base seed, then always the same ones after it: more seeds later keep the pictures of the first.
    source = random.Random(first)  # noqa: S311 - repeatable on purpose
    seeds = {first: None}
    while len(seeds) < wanted:
        seeds[source.randint(1, _LARGEST_DRAWN_SEED)] = None
    return list(seeds)


def _read_choices(name: str, text: str, base: PredictionInput, place: str) -> list[Any]:
    allowed = choices(name)
    if text.lower() == "all":
        return list(allowed)
    for part in (found := _parts(text)):
        if part not in allowed:
            raise _unclear(place, name, f"{part[:40]!r} is none of them")
    return list(found)


def _read_switch(name: str, text: str, base: PredictionInput, place: str) -> list[Any]:
    words = [part.lower() for part in re.split(r"[,/\s]+", text) if part]
    for word in words:
        if word not in _SWITCH:
            raise _unclear(place, name, f"{word[:40]!r} is neither on nor off")
    return [_SWITCH[word] for word in words]


def _read_numbers(name: str, text: str, base: PredictionInput, place: str) -> list[Any]:
    found: list[Decimal] = []
    for part in _parts(text):
        if re.fullmatch(_NUMBER, part):
            found.append(Decimal(part))
        elif (match := _RANGE.fullmatch(part)) is not None:
            found += _range(match, name, place)
        else:
            raise _unclear(place, name, f"{part[:40]!r} is neither a number nor a range")
    if _is_whole(name):
        if broken := next((value for value in found if value != int(value)), None):
            raise _unclear(place, name, f"{broken} is not a whole number")
        return [int(value) for value in found]
    return [float(value) for value in found]


def _range(match: re.Match[str], name: str, place: str) -> list[Decimal]:
    """Both ends included where the step meets them; counted in decimals, so 0.1 steps do not drift."""
    first, last = Decimal(match[1]), Decimal(match[2])
    if match[3] is None and not _is_whole(name):
        raise _unclear(place, name, f"the range {match[0]} has no step; write it as {match[0]}:0.5")
    step = Decimal(match[3] or 1)
    if step == 0:
        raise _unclear(place, name, f"the range {match[0]} has a step of 0")
    steps = int(abs(last - first) // step) + 1
    if steps > MOST_CELLS:
        raise _too_many(place, name)
    direction = 1 if last >= first else -1
    return [first + direction * step * index for index in range(steps)]


def _validate(values: list[Any], name: str, base: PredictionInput, place: str) -> None:
    if name == "prompt":  # each whole prompt is validated where it is put together
        return
    for value in values:
        try:
            PredictionInput.model_validate(base.model_dump() | {name: value})
        except ValidationError as error:
            raise _unclear(place, name, explain(error)) from error


def _parts(text: str) -> list[str]:
    """Parts between commas; quotes protect a comma."""
    rows = csv.reader([" ".join(text.split())], skipinitialspace=True)
    return [part.strip() for row in rows for part in row if part.strip()]


def _is_whole(name: str) -> bool:
    return INPUTS[name].annotation in _WHOLE


def _unclear(place: str, name: str, found: str) -> BadInputError:
    return BadInputError(f"{place} ({label(name)}): {found}.", advice=f"Expected {expectation(name)}.")


def _too_many(place: str, name: str) -> BadInputError:
    return BadInputError(
        f"{place} ({label(name)}): more than {MOST_CELLS} values.", advice=f"One sweep makes at most {MOST_CELLS} pictures."
    )
