"""The form's values as a request: validated, with a seed, and with the upload as a file that can be sent."""

import secrets
from io import BytesIO
from typing import Any

from pydantic import ValidationError

from playground.client.api import ImageFile
from playground.contract.effects import effective_seed, image_pixel_size, pixel_size
from playground.contract.inputs import PredictionInput, explain
from playground.errors import BadInputError
from playground.pictures import picture_size, read_picture
from playground.ui.uploads import uploaded

_LARGEST_DRAWN_SEED = 2**32 - 1


def read_form(given: dict[str, Any]) -> tuple[PredictionInput, ImageFile | None, tuple[int, int]]:
    """The form as a request, its image file, and the result's (width_px, height_px).

    A seed is drawn here where none is given, so that it is always known. Raises BadInputError. Blocks: use a thread.
    """
    request = validated(given)
    seed = effective_seed(request) or 1 + secrets.randbelow(_LARGEST_DRAWN_SEED)
    request = request.model_copy(update={"seed": seed})
    if given["image"] is None:
        return request, None, pixel_size(request.aspect_ratio, request.megapixels)
    image, size_px = read_upload(given["image"])
    return request, image, image_pixel_size(*size_px)


def read_upload(path: str) -> tuple[ImageFile, tuple[int, int]]:
    """An upload as it will be sent, upright, flattened and shrunk as the API would do it, and its (width_px, height_px).

    Raises BadInputError. Blocks.
    """
    picture, buffer = read_picture(uploaded(path)), BytesIO()
    picture.save(buffer, "PNG")
    return ImageFile("image.png", buffer.getvalue(), "image/png"), picture.size


def validated(given: dict[str, Any]) -> PredictionInput:
    """The inputs without the image. Raises BadInputError, which names each input that is wrong."""
    try:
        # None is an emptied box or an argument left out: the contract's default stands.
        return PredictionInput.model_validate(
            {name: value for name, value in given.items() if name != "image" and value is not None}
        )
    except ValidationError as error:
        raise BadInputError(f"{explain(error)}.", advice="Correct it, then generate.") from error


def result_size(request: PredictionInput, image: str | None) -> tuple[int, int]:
    """(width_px, height_px) of the pictures that will come. Raises BadInputError for an unreadable upload."""
    if image is None:
        return pixel_size(request.aspect_ratio, request.megapixels)
    return image_pixel_size(*picture_size(uploaded(image)))
