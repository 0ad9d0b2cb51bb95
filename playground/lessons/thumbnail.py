"""One small picture for one value of a lesson."""

from collections.abc import Sequence

from PIL import Image

SIDE_PX = 256


def thumbnail(pictures: Sequence[Image.Image]) -> Image.Image:
    """All pictures of a value in a square of 256 px: alone, or two a row."""
    side_px = SIDE_PX if len(pictures) == 1 else SIDE_PX // 2
    small = [picture.copy() for picture in pictures]
    for picture in small:
        picture.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    if len(small) == 1:
        return small[0]
    sheet = Image.new("RGB", (2 * side_px, side_px * ((len(small) + 1) // 2)), "white")
    for number, picture in enumerate(small):
        sheet.paste(picture, ((number % 2) * side_px, (number // 2) * side_px))
    return sheet
