"""Reading the pictures that strangers give us: whatever they send, out comes a plain upright RGB picture or a clear refusal."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from playground.contract.effects import LARGEST_IMAGE_SIDE_PX, image_pixel_size, shrunk_size
from playground.errors import BadInputError

LARGEST_UPLOAD_BYTES = 32 * 1024 * 1024
LARGEST_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def read_picture(source: bytes | Path) -> Image.Image:
    """RGB, upright (EXIF), transparency laid on white, the first frame of an animation, shrunk to fit 1440×1440 px.

    Raises BadInputError for what is not a picture, is broken, or is larger than 32 MB or 40 megapixels.
    """
    if (len(source) if isinstance(source, bytes) else _file_size(source)) > LARGEST_UPLOAD_BYTES:
        raise BadInputError(f"image: the file is larger than {LARGEST_UPLOAD_BYTES // 2**20} MB.", advice=_SMALLER)
    with _opened(BytesIO(source) if isinstance(source, bytes) else source) as opened:
        size_px = shrunk_size(*_upright_size(opened))
        opened.draft("RGB", (2 * LARGEST_IMAGE_SIDE_PX, 2 * LARGEST_IMAGE_SIDE_PX))
        layers = _shrunk(_eight_bits(ImageOps.exif_transpose(opened)), size_px).convert("RGBA")
    flat = Image.new("RGB", layers.size, "white")
    flat.paste(layers, mask=layers.getchannel("A"))
    return flat


def picture_size(path: Path) -> tuple[int, int]:
    """(width_px, height_px) of a picture file as it will be seen, upright, without decoding it. Raises BadInputError."""
    with _opened(path) as opened:
        return _upright_size(opened)


def flaw(data: bytes) -> str:
    """What keeps a file that begins like a picture from being one, in a few words; empty if all of it can be decoded."""
    try:
        with _opened(BytesIO(data)) as opened:
            opened.load()
    except BadInputError as error:
        return (
            "its file is broken off or damaged" if error.__cause__ else f"it has more than {LARGEST_PIXELS // 10**6} megapixels"
        )
    return ""


def cut_to_result(picture: Image.Image) -> Image.Image:
    """The picture at the size of the img2img result: sides at multiples of 16 px."""
    return picture.resize(image_pixel_size(*picture.size), Image.Resampling.LANCZOS)


_EXIF_ORIENTATION = 274
_SMALLER = "Send a smaller one; the model sees at most 1440 px a side."


@contextmanager
def _opened(source: BytesIO | Path) -> Generator[Image.Image]:
    """The picture, not decoded yet; whatever goes wrong with it in the block becomes a BadInputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of a stranger's file; size has its own limit here, lower than Pillow's
            with Image.open(source, formats=FORMATS) as opened:
                _check_pixels(opened)
                yield opened
    except BadInputError:
        raise
    except Exception as error:  # on a damaged file Pillow raises whatever it stumbles over: struct.error, TypeError …
        raise BadInputError("image: not a readable picture.", advice="Send a png, jpg, webp, gif, bmp or tiff file.") from error


def _check_pixels(opened: Image.Image) -> None:
    if opened.width * opened.height > LARGEST_PIXELS:
        raise BadInputError(
            f"image: {opened.width}×{opened.height} px is more than {LARGEST_PIXELS // 10**6} megapixels.", advice=_SMALLER
        )


def _upright_size(opened: Image.Image) -> tuple[int, int]:
    # Pillow's tiff reader already gives the upright size.
    is_turned = opened.format != "TIFF" and opened.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (opened.height, opened.width) if is_turned else opened.size


def _shrunk(picture: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """Resized before it is converted where that is possible: a large upload then takes less memory."""
    plain = (
        picture
        if picture.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in picture.info
        else picture.convert("RGBA")
    )
    return plain.resize(size_px, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit greys scaled to 8; Pillow's own conversion would cut everything above 255 to white."""
    if not picture.mode.startswith("I;16"):
        return picture
    return picture.convert("I").point(lambda grey: grey * (1 / 257) + 0.5).convert("L")


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInputError("image: the file cannot be read.", advice="Upload it again.") from error
