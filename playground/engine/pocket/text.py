"""The pocket model's text side: what was read in a prompt, as the ids that the network takes."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from playground.contract.prompt import MOST_THINGS, Lexicon, Reading
from playground.errors import EngineError

FILE = "vocabulary.json"
Ids = npt.NDArray[np.int64]


class Vocabulary(BaseModel):
    """Everything the network has an id for, in the order of the ids; 0 is "", silence, in both lists."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    words: tuple[str, ...]
    """Styles, sizes, places and colours."""
    names: tuple[str, ...]
    """Things: first the concepts, then words for any of several."""
    concepts: int
    lexicon: Lexicon
    """How prompts are read into these words and names."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The vocabulary in `folder`. Raises EngineError where its file is missing, damaged or contradicts itself."""
        try:
            return cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise EngineError(
                f"The pocket model's file {FILE} is missing or damaged.", advice="Install the playground again."
            ) from error

    def ids(self, reading: Reading) -> tuple[Ids, Ids]:
        """(4,) ids of style, size, place and colour and (MOST_THINGS,) ids of things; 0 where the prompt is silent."""
        words = [self._word_ids[word] for word in (reading.style, reading.size, reading.place, reading.color)]
        things = [self._name_ids[thing] for thing in reading.things]
        return np.array(words, np.int64), np.array(things + [0] * (MOST_THINGS - len(things)), np.int64)

    @model_validator(mode="after")
    def _has_an_id_for_all_that_is_read(self) -> Self:
        lexicon = self.lexicon
        words = {"", *lexicon.styles, *lexicon.sizes, *lexicon.places, *lexicon.colors}
        if self._word_ids.get("") != 0 or self._name_ids.get("") != 0:
            raise ValueError("id 0 is not silence")
        if lost := (words - self._word_ids.keys()) | ({*lexicon.things, *lexicon.groups} - self._name_ids.keys()):
            raise ValueError(f"no id for {', '.join(sorted(lost))}")
        return self

    @cached_property
    def _word_ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def _name_ids(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}


TOKENS = 12
PAD, NULL = 0, 1
_STOP_WORDS = frozenset({"a", "an", "the", "of", "on", "with", "in", "and"})


@dataclass(frozen=True)
class WordList:
    """The text side of graphs that take a list of words; goes with the last of them. The first two are marks."""

    words: tuple[str, ...]

    def encode(self, prompt: str) -> Ids:
        """(TOKENS,) ids; words outside the list are dropped, and a prompt without any known word is "no prompt"."""
        ids = {word: number for number, word in enumerate(self.words)}
        content = (word for word in re.findall(r"[^\W_]+", prompt.lower()) if word not in _STOP_WORDS)
        found = [ids[word] for word in content if word in ids][:TOKENS] or [NULL]
        return np.array(found + [PAD] * (TOKENS - len(found)), np.int64)

    def lexicon(self, things: tuple[str, ...]) -> Lexicon:
        """The same words for the page: those that no thing's name holds by itself stand among the silent ones."""
        colors = tuple(word for word in _COLORS.split(", ") if word in self.words)
        silent = (*self.words[2:], *_STOP_WORDS)
        return Lexicon(styles=("3d", "flat"), sizes=("small",), places=_PLACES, colors=colors, things=things, silent=silent)


_PLACES = ("left", "right", "top", "bottom")
_COLORS = "white, black, red, blue, green, yellow, purple, orange, pink, teal, gray, cream, navy, brown"


def no_prompt() -> Ids:
    """(TOKENS,) ids of the empty prompt of a `WordList`, which guidance steers away from."""
    return np.array([NULL] + [PAD] * (TOKENS - 1), np.int64)
