"""The pocket model's text side: words to token ids."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from playground.contract.model import content_words

TOKENS = 12
PAD, NULL = 0, 1


@dataclass(frozen=True)
class Vocabulary:
    """Words in the order of their ids; the first two are padding and "no prompt"."""

    words: tuple[str, ...]

    @property
    def known_words(self) -> frozenset[str]:
        """The words themselves, without the two marks."""
        return frozenset(self.words[2:])

    def encode(self, prompt: str) -> npt.NDArray[np.int64]:
        """(TOKENS,) ids; words outside the vocabulary are dropped, and a prompt without any known word is "no prompt"."""
        ids = {word: number for number, word in enumerate(self.words)}
        found = [ids[word] for word in content_words(prompt) if word in ids][:TOKENS] or [NULL]
        return np.array(found + [PAD] * (TOKENS - len(found)), np.int64)


def no_prompt() -> npt.NDArray[np.int64]:
    """(TOKENS,) ids of the empty prompt, which guidance steers away from."""
    return np.array([NULL] + [PAD] * (TOKENS - 1), np.int64)
