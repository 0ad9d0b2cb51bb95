"""What sets two settings apart: the inputs that differ, in the contract's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.contract.effects import effective_seed
from playground.contract.inputs import INPUTS, PredictionInput, label, slider_step

_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Difference:
    """An input and its value on each side, as people read it."""

    name: str
    values: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """`guidance: 3.0 → 7.0`"""
        return f"{label(self.name).lower()}: {' → '.join(self.values)}"


def differences(settings: Sequence[PredictionInput], *, one_seed: bool) -> tuple[Difference, ...]:
    """The inputs that are not the same in all settings, in the contract's order; the seed is left out where one is shared."""
    found: list[Difference] = []
    for name in INPUTS:
        values: list[Any] = [getattr(setting, name) for setting in settings]
        if name == "seed":
            values = [effective_seed(setting) for setting in settings]
        if (name == "seed" and one_seed) or all(value == values[0] for value in values):
            continue
        shown = _changed_words(values) if name == "prompt" else [_shown(name, value) for value in values]
        found.append(Difference(name, tuple(shown)))
    return tuple(found)


def summary(found: Sequence[Difference]) -> str:
    """One line: `differs in guidance: 3.0 → 7.0; steps: 28 → 4`."""
    if not found:
        return "no difference"
    return "differs in " + "; ".join(difference.sentence for difference in found)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "random" if name == "seed" else "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        decimals = len(f"{slider_step(name):g}".partition(".")[2])
        return f"{value:.{decimals}f}"
    return str(value)


def _changed_words(prompts: Sequence[str]) -> list[str]:
    """Each prompt without the words that all begin and end with, in quotation marks."""
    split = [prompt.split() for prompt in prompts]
    shortest = min(map(len, split))
    start = next((place for place in range(shortest) if len({words[place] for words in split}) > 1), shortest)
    rest = [words[start:] for words in split]
    shortest = min(map(len, rest))
    end = next((place for place in range(shortest) if len({words[-1 - place] for words in rest}) > 1), shortest)
    changed = [" ".join(words[: len(words) - end]) for words in rest]
    return [_quoted(text) for text in (changed if any(changed) else prompts)]


def _quoted(text: str) -> str:
    return f"“{text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + '…'}”"
