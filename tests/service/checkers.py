"""A fake checker at the SafetyChecker protocol: it flags by size or colour, so that a test decides what is withheld."""

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from playground.errors import EngineError

Flags = Callable[[Image.Image], bool]


def nothing(_: Image.Image) -> bool:
    return False


def everything(_: Image.Image) -> bool:
    return True


def of_colour(*unsafe: tuple[int, int, int]) -> Flags:
    """Flags pictures that begin with one of these colours."""
    return lambda picture: picture.getpixel((0, 0)) in unsafe


@dataclass
class StrictChecker:
    """Flags what `flags` says, and remembers the size of each picture it was shown."""

    flags: Flags = nothing
    sizes_px: list[tuple[int, int]] = field(default_factory=list)
    prepared: int = 0

    def prepare(self) -> None:
        self.prepared += 1

    def is_flagged(self, picture: Image.Image) -> bool:
        self.sizes_px.append(picture.size)
        return self.flags(picture)


class BrokenChecker(StrictChecker):
    """Works until it is asked about a picture."""

    def is_flagged(self, picture: Image.Image) -> bool:
        raise EngineError("The safety checker stumbled.", advice="Try again.")
