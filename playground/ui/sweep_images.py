"""The pictures that a sweep starts from: uploads, known by the digest of what will be sent of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from playground.client.api import ImageFile
from playground.errors import BadInputError
from playground.experiments.axis import MOST_IMAGES
from playground.ui.form import read_upload
from playground.ui.uploads import uploaded

_MOST_READY = 16  # of at most 6 MB each, for all visitors together
_MOST_DIGESTS = 5000


@dataclass(frozen=True)
class SweepImages:
    """Paths of uploads by digest, in their order. Their bytes are read again when they are sent."""

    paths: Mapping[str, str]

    @property
    def names(self) -> dict[str, str]:
        """What the files are called, by digest."""
        return {digest: Path(path).name for digest, path in self.paths.items()}

    def path(self, digest: str | None) -> str | None:
        """Where one of them lies; None for none, and where it is no longer kept."""
        path = self.paths.get(digest or "")
        return path if path and Path(path).is_file() else None

    def read(self, digest: str) -> ImageFile:
        """One of them as it will be sent. Blocks. Raises BadInputError, which names the file."""
        return _ready(_kept(self.paths[digest]))


def read_images(paths: Sequence[str]) -> SweepImages:
    """These uploads, each read once to see that it is a picture. Blocks. Raises BadInputError, which names the file."""
    if len(paths) > MOST_IMAGES:
        raise BadInputError(f"Image: {len(paths)} pictures.", advice=f"One sweep takes at most {MOST_IMAGES}.")
    found: dict[str, str] = {}
    for path in paths:
        if (known := found.setdefault(_digest(_kept(path)), path)) is not path:
            raise BadInputError(
                f"Image: {Path(path).name} is the same picture as {Path(known).name}.", advice="Take one of them out."
            )
    return SweepImages(found)


def _kept(path: str) -> str:
    try:
        return str(uploaded(path))
    except BadInputError as error:
        raise _named(path, error) from error


# Gradio keeps an upload in a folder named by its content, so that the same path is always the same picture.
@lru_cache(_MOST_READY)
def _ready(path: str) -> ImageFile:
    try:
        return read_upload(path)[0]
    except BadInputError as error:
        raise _named(path, error) from error


@lru_cache(_MOST_DIGESTS)
def _digest(path: str) -> str:
    return _ready(path).digest


def _named(path: str, error: BadInputError) -> BadInputError:
    return BadInputError(f"{Path(path).name}: {error.what.removeprefix('image: ')}", advice=error.advice)
