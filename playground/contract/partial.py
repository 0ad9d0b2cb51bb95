"""Settings that strangers wrote (a link, a file): the inputs that stand are kept, the others are named with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from playground.contract.inputs import INPUTS, PredictionInput, explain

LONGEST_PROMPT = 20_000
_LONGEST_NAME = 40
_MOST_PROBLEMS = 8
_STAND_IN = "…"


@dataclass(frozen=True)
class Partial:
    """The inputs that are valid, converted to their types, and a sentence part for each that is not."""

    inputs: Mapping[str, Any]
    problems: tuple[str, ...] = ()


def read_partial(given: Mapping[str, Any]) -> Partial:
    """What of `given` the contract accepts. The image is never among it: neither a link nor a file's settings carry one."""
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given.items():
        if (problem := _problem(name, value)) is not None:
            problems.append(problem)
        else:
            request = PredictionInput.model_validate({"prompt": _STAND_IN, name: value})
            kept[name] = getattr(request, name)
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = [f"and {len(problems) - _MOST_PROBLEMS} more"]
    return Partial({name: kept[name] for name in INPUTS if name in kept}, tuple(problems))


def _problem(name: str, value: Any) -> str | None:
    if name == "image":
        return "image: settings carry no picture"
    if name not in INPUTS:
        return f"{shortened(name)}: no such input"
    if not isinstance(value, str | int | float | None):
        return f"{name}: expected one value"
    if isinstance(value, str) and len(value) > LONGEST_PROMPT:
        return f"{name}: longer than {LONGEST_PROMPT} characters"
    if isinstance(value, str) and not value.isascii() and value != value.encode("utf-8", "replace").decode():
        return f"{name}: holds half a character"  # JSON can carry one, no request can
    try:
        PredictionInput.model_validate({"prompt": _STAND_IN, name: value})
    except ValidationError as error:
        return explain(error)
    return None


def shortened(name: str) -> str:
    """A stranger's name for something, short enough for a line."""
    plain = "".join(letter if letter.isprintable() else "�" for letter in name)
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"
