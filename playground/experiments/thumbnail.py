"""Small copies of pictures: a grid of hundreds stays light."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from playground.errors import Credits, StorageError

THUMBNAIL_SIDE_PX = 224
_DAMAGED = "#808080"


def reread(path: Path, *, draft_side_px: int | None = None) -> Image.Image:
    """A kept picture as RGB; of a JPEG a smaller one where that will do. Raises StorageError if it cannot be read."""
    try:
        with Image.open(path) as picture:
            if draft_side_px is not None:
                picture.draft("RGB", (draft_side_px, draft_side_px))
            return picture.convert("RGB")
    except Exception as error:  # on a damaged file Pillow raises whatever it stumbles over, and refuses a bomb
        raise StorageError(f"The picture {path.name} cannot be read again.", credits=Credits.NOT_AT_STAKE) from error


def thumbnail(path: Path) -> bytes:
    """The picture as a webp of a few kB, its longer side 224 px; plain grey for a file that cannot be decoded."""
    try:
        small = reread(path, draft_side_px=2 * THUMBNAIL_SIDE_PX)
    except StorageError:  # damaged on its way here; it was paid for and stays in the grid
        small = Image.new("RGB", (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), _DAMAGED)
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=78)
    return buffer.getvalue()
