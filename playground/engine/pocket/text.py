"""The pocket model's text side: what was read in a prompt, as the ids that the network takes."""

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
