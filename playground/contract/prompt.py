"""How a model with a list of words reads a prompt: into a style, a size, a place, a background colour and things.

Pure, so that the page can say before the click what a prompt will mean. `Lexicon` travels with the model's description.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict

MOST_THINGS = 2
BACKGROUND, TWO = "background", "two"

Wordings = dict[str, tuple[str, ...]]
Kind = Literal["style", "size", "place", "color", "thing", "background", "two", "silent"]

_PICTOGRAPH = "[⌀-⏿☀-➿⬀-⯿\U0001f000-\U0001f3fa\U0001f400-\U0001faff]"  # but no skin tone
_WORD = re.compile(rf"[^\W_]+(?:['’][^\W_]+)*|{_PICTOGRAPH}")
_WITHIN_PHRASE = re.compile(r"[\s_'’‐‑-]*")


@dataclass(frozen=True)
class Reading:
    """What a prompt says to the model, in its own words; "" where the prompt is silent."""

    style: str = ""
    size: str = ""
    place: str = ""
    color: str = ""
    things: tuple[str, ...] = ()
    """At most MOST_THINGS, in the prompt's order; the same one twice means two of it."""
    read_as: Mapping[str, str] = field(default_factory=dict[str, str])
    """Words of the prompt that were taken for something near them in meaning, with what that is."""
    unknown: tuple[str, ...] = ()
    """Words of the prompt that mean nothing to the model, each once, in order."""
    left_over: tuple[str, ...] = ()
    """Words that mean something, but for which there is no room, each once, in order."""

    @property
    def canonical(self) -> str:
        """A prompt that says the same in the model's own words."""
        color = f"{self.color} {BACKGROUND}" if self.color else ""
        return ", ".join(part for part in (self.style, self.size, *self.things, self.place, color) if part)


@dataclass(frozen=True)
class _Meaning:
    kind: Kind
    word: str = ""
    is_guess: bool = False
    thing: str = ""
    """The thing that a colour word names as well: an orange."""


@dataclass(frozen=True)
class _Mention:
    said: str
    meaning: _Meaning | None


class Lexicon(BaseModel):
    """The words that a model draws, other wordings for them, and words that change nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    styles: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    """Names of the things it was taught to draw."""
    groups: tuple[str, ...] = ()
    """Words for any one of several things: animal, fruit, tree."""
    phrases: Wordings = {}
    """Other names for a word above: they mean just that, and reading them needs no remark."""
    synonyms: Wordings = {}
    """Words near in meaning to a word above: reading them is a guess, which the reader of the prompt is told."""
    silent: tuple[str, ...] = ()
    """Words that ask for nothing by themselves."""
    categories: Wordings = {}
    """The things again, under headings for people."""

    def read(self, prompt: str) -> Reading:
        """The prompt in the model's words. Any text can be read; time grows with its length alone."""
        mentions = list(_mentions(prompt, self._meanings, self._reach))
        unknown = tuple(dict.fromkeys(mention.said for mention in mentions if mention.meaning is None))
        heard = [(mention.said, mention.meaning) for mention in mentions if mention.meaning is not None]
        return replace(_sorted_out([(said, meaning) for said, meaning in heard if meaning.kind != "silent"]), unknown=unknown)

    @cached_property
    def _meanings(self) -> dict[str, _Meaning]:
        """Every wording, folded, with what it means; where two collide the model's own words win, then exact wordings."""
        kinds: dict[Kind, tuple[str, ...]] = {
            "style": self.styles,
            "size": self.sizes,
            "place": self.places,
            "color": self.colors,
            "thing": self.things + self.groups,
            "background": (BACKGROUND,),
            "two": (TWO,),
        }
        own = {word: _Meaning(kind, word) for kind, words in reversed(kinds.items()) for word in words}
        found = {_folded(word): meaning for word, meaning in own.items()}
        colors = set(self.colors)
        for wordings, is_guess in ((self.phrases, False), (self.synonyms, True)):
            for word, others in wordings.items():
                if (meaning := own.get(word)) is None:
                    continue
                for other in others:
                    before = found.setdefault(_folded(other), replace(meaning, is_guess=is_guess))
                    if other in colors and meaning.kind == "thing":
                        found[_folded(other)] = replace(before, thing=word)
        return {_folded(word): _Meaning("silent") for word in self.silent} | found

    @cached_property
    def _reach(self) -> dict[str, int]:
        """The most words of any wording that begins with a word, where that is more than one."""
        reach: dict[str, int] = {}
        for wording in self._meanings:
            first, *rest = wording.split()
            if rest:
                reach[first] = max(reach.get(first, 0), 1 + len(rest))
        return reach


def _mentions(prompt: str, meanings: Mapping[str, _Meaning], reach: Mapping[str, int]) -> Iterator[_Mention]:
    """The prompt cut into the longest wordings that are known, and single words that are not."""
    text = unicodedata.normalize("NFC", prompt)
    words = list(_WORD.finditer(text))
    keys = [_folded_word(word[0]) for word in words]
    here = 0
    while here < len(words):
        end = here + 1
        while (
            end < min(len(words), here + reach.get(keys[here], 1))
            and _WITHIN_PHRASE.fullmatch(text, words[end - 1].end(), words[end].start())
        ):  # fmt: skip
            end += 1
        while (meaning := _meaning(keys[here:end], meanings)) is None and end > here + 1:
            end -= 1
        yield _Mention(text[words[here].start() : words[end - 1].end()].lower(), meaning)
        here = end


def _meaning(words: list[str], meanings: Mapping[str, _Meaning]) -> _Meaning | None:
    """What these words mean together, as they stand or with the last one in the singular."""
    *first, last = words
    for form in (last, *_singulars(last)):
        if (meaning := meanings.get(" ".join((*first, form)))) is not None:
            return meaning
    return None


def _sorted_out(heard: list[tuple[str, _Meaning]]) -> Reading:
    """What fits into the slots, and what is left over."""
    heard, ground = _without_double_meaning(heard)
    things, read = _things([meaning for _, meaning in heard])
    slots = {} if ground is None else {"color": heard[ground][1].word}
    # A size and a place are one thing's: two share the picture between them.
    open_slots = ("style", "color") if len(things) == MOST_THINGS else ("style", "size", "place", "color")
    for at, (_, meaning) in enumerate(heard):
        if meaning.kind in open_slots and slots.setdefault(meaning.kind, meaning.word) == meaning.word:
            read[at] = meaning.word
    if ground is not None and _colors_a_thing(heard, ground):
        read[ground] = f"{read[ground]} {BACKGROUND}"
    left_over = (said for at, (said, meaning) in enumerate(heard) if at not in read and meaning.kind != "background")
    return Reading(
        style=slots.get("style", ""),
        size=slots.get("size", ""),
        place=slots.get("place", ""),
        color=slots.get("color", ""),
        things=things,
        read_as={heard[at][0]: word for at, word in sorted(read.items()) if heard[at][1].is_guess or word != heard[at][1].word},
        left_over=tuple(dict.fromkeys(left_over)),
    )


def _things(meanings: list[_Meaning]) -> tuple[tuple[str, ...], dict[int, str]]:
    """The first things, and the places in the prompt that they and their "two" were read from."""
    things: list[str] = []
    read: dict[int, str] = {}
    two: int | None = None
    for at, meaning in enumerate(meanings):
        if meaning.kind == "two":
            two = at
        elif meaning.kind == "thing" and len(things) < MOST_THINGS:
            things.append(meaning.word)
            read[at] = meaning.word
            if two is not None and len(things) < MOST_THINGS:
                things.append(meaning.word)
                read[two] = TWO
            two = None
    return tuple(things), read


def _without_double_meaning(heard: list[tuple[str, _Meaning]]) -> tuple[list[tuple[str, _Meaning]], int | None]:
    """The same with every colour word that names a thing here read as that, and the place of the background's colour.

    "An orange" is a thing where the background has its colour already, or where nothing else would be drawn.
    """
    named = _named_color([meaning.kind for _, meaning in heard])
    if named is not None or all(meaning.kind != "thing" for _, meaning in heard):
        heard = [
            (said, _Meaning("thing", meaning.thing) if meaning.thing and at != named else meaning)
            for at, (said, meaning) in enumerate(heard)
        ]
    first = next((at for at, (_, meaning) in enumerate(heard) if meaning.kind == "color"), None)
    return heard, first if named is None else named


def _named_color(kinds: list[Kind]) -> int | None:
    """The colour that stands next to the word background: directly before it, or else directly after."""
    grounds = [at for at, kind in enumerate(kinds) if kind == "background"]
    beside = [at - 1 for at in grounds] + [at + 1 for at in grounds]
    return next((at for at in beside if 0 <= at < len(kinds) and kinds[at] == "color"), None)


def _colors_a_thing(heard: list[tuple[str, _Meaning]], at: int) -> bool:
    """Whether a colour was said of the thing after it, which the model cannot paint: it colours the background instead."""
    return at + 1 < len(heard) and heard[at + 1][1].kind == "thing"


def _folded(wording: str) -> str:
    """A wording as prompts are compared with it: its words in lower case without accents, apostrophes and hyphens."""
    return " ".join(_folded_word(word) for word in _WORD.findall(unicodedata.normalize("NFC", wording)))


def _folded_word(word: str) -> str:
    if not word.isascii():
        word = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return word.casefold().replace("'", "").replace("’", "")


def _singulars(word: str) -> Iterable[str]:
    """What an English plural may be the plural of, likeliest first."""
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith("ves"):
        yield word[:-3] + "f"
        yield word[:-3] + "fe"
    if word.endswith("es"):
        yield word[:-2]
    yield word[:-1]
