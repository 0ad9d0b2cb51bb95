"""Captions as the network reads them: the vocabulary of words and things, and what a caption says of a scene."""

import random
from dataclasses import dataclass

import torch

from playground.training.flow import Text
from playground.training.scenes import COLORS, PLACES, SIZES, Scene
from playground.training.world import STYLES, Thing, groups

WORDS = ("", *STYLES, *SIZES, *PLACES, *COLORS)


@dataclass(frozen=True)
class Vocabulary:
    """Names of the things in the order of their ids: silence, the concepts, then words that name several ("animal")."""

    things: list[Thing]

    @property
    def names(self) -> list[str]:
        """Every id's name."""
        return ["", *(thing.name for thing in self.things), *self.groups]

    @property
    def groups(self) -> dict[str, list[int]]:
        """Words for several concepts, with the concepts' numbers."""
        return groups(self.things)

    @property
    def groups_of(self) -> list[list[int]]:
        """For every concept the ids of the groups it belongs to."""
        found: list[list[int]] = [[] for _ in self.things]
        for place, members in enumerate(self.groups.values()):
            for member in members:
                found[member].append(1 + len(self.things) + place)
        return found


@dataclass(frozen=True)
class Captioner:
    """Says of a scene what a user might say, now and then less."""

    groups_of: list[list[int]]

    def caption(self, scene: Scene, rng: random.Random) -> tuple[list[int], list[int]]:
        """Ids of (style, size, place, colour) and of the one or two things; 0 where it is silent."""
        style = scene.style if rng.random() < 0.93 else ""
        color = scene.color if rng.random() < 0.88 else ""
        size = "small" if scene.small else ""
        words = [WORDS.index(word) for word in (style, size, scene.place or "", color)]
        things = [self._thing(thing, rng) for thing in scene.things]
        return words, things + [0] * (2 - len(things))

    def captions(self, scenes: list[Scene], rng: random.Random) -> Text:
        """(b, 4) and (b, 2) ids."""
        words, things = zip(*(self.caption(scene, rng) for scene in scenes), strict=True)
        return Text(torch.tensor(words), torch.tensor(things))

    def _thing(self, thing: int, rng: random.Random) -> int:
        groups_of = self.groups_of[thing]
        if groups_of and rng.random() < 0.1:
            return rng.choice(groups_of)
        return 1 + thing
