"""Small copies of pictures: a grid of hundreds stays light."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from playground.errors import Credits, StorageError

THUMBNAIL_SIDE_PX = 224


def thumbnail(path: Path) -> bytes:
    """The picture as a webp of a few kB, its longer side 224 px. Raises StorageError for a file that cannot be read."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * THUMBNAIL_SIDE_PX, 2 * THUMBNAIL_SIDE_PX))
            small = picture.convert("RGB")
    except (OSError, ValueError) as error:
        raise StorageError(f"The picture {path.name} cannot be read again.", credits=Credits.NOT_AT_STAKE) from error
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=78)
    return buffer.getvalue()
