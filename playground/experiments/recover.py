"""From a picture back to its settings: reads what this playground, or a program that writes `parameters`, put into the file.

Everything in a file is a stranger's word: its size is limited, its values pass the contract, its pixels are never decoded.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal, cast

from PIL import Image
from PIL.ExifTags import IFD
from PIL.ExifTags import Base as Exif

from playground.contract.inputs import INPUTS, default
from playground.contract.partial import read_partial, shortened
from playground.errors import BadInputError
from playground.experiments.parameters import LONGEST_TEXT, read_parameters

LARGEST_FILE_BYTES = 32 * 1024 * 1024
_FORMATS = ("PNG", "JPEG", "WEBP")
_LONGEST_JSON = 4 * LONGEST_TEXT  # escaped characters take up to six
_COMMENT_CODES = {b"ASCII\0\0\0": "ascii", b"\0" * 8: "utf-8"}

Source = Literal["playground", "parameters", "history"]


@dataclass(frozen=True)
class Recovered:
    """The 12 inputs besides the image, at their defaults where the file is silent, and what people should know of them."""

    inputs: Mapping[str, Any]
    model: str
    source: Source
    from_image: bool | None = False
    """None where nobody knows."""
    remarks: tuple[str, ...] = ()

    @property
    def seed(self) -> int | None:
        """The seed that made the picture; None where the file does not say."""
        return self.inputs["seed"]


def recover(data: bytes) -> Recovered:
    """The settings in a png, jpg or webp file. Raises BadInputError, which says what was found instead."""
    if len(data) > LARGEST_FILE_BYTES:
        raise BadInputError(f"The file is larger than {LARGEST_FILE_BYTES // 2**20} MB.", advice="Choose a smaller one.")
    description, parameters = _texts(data)
    if (own := _from_json(description)) is not None:
        return own
    if parameters and (found := read_parameters(parameters)) is not None:
        return recovered(
            found.inputs, model=found.model, source="parameters", from_image=found.from_image, remarks=found.remarks
        )
    what = (
        "It holds text, but no settings in a form known here." if description or parameters else "No settings are in this file."
    )
    raise BadInputError(
        f"{what} Photos have none, and many sites and programs remove them.", advice="Use the file as it was downloaded."
    )


def recovered(
    given: Mapping[str, Any], *, model: str, source: Source, from_image: bool | None = False, remarks: list[str] | None = None
) -> Recovered:
    """Settings from any source, checked by the contract. Raises BadInputError where there is no prompt among them."""
    partial = read_partial(given)
    if "prompt" not in partial.inputs:
        raise BadInputError("The settings in this file hold no usable prompt.", advice="Choose another picture.")
    inputs = {name: partial.inputs.get(name, default(name)) for name in INPUTS if name != "image"}
    ignored = [f"Ignored: {'; '.join(partial.problems)}."] if partial.problems else []
    return Recovered(inputs, shortened(model), source, from_image, (*(remarks or ()), *ignored))


def _from_json(text: str) -> Recovered | None:
    """What `service.outputs.encode` wrote; None for any other text."""
    if not text.startswith("{") or len(text) > _LONGEST_JSON:
        return None
    try:
        written: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(written, dict):
        return None
    made_from = cast(dict[str, Any], written)
    model, given = made_from.get("model"), made_from.get("input")
    if not isinstance(model, str) or not isinstance(given, dict):
        return None
    remarks = (
        ["The prompt was too long for the file: only its beginning is there."] if made_from.get("prompt_is_cut") is True else []
    )
    return recovered(
        cast(dict[str, Any], given),
        model=model,
        source="playground",
        from_image=made_from.get("from_image") is True,
        remarks=remarks,
    )


def _texts(data: bytes) -> tuple[str, str]:
    """The file's EXIF description and its `parameters` text, empty where there is none. Raises BadInputError for no picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of a stranger's file
            with Image.open(BytesIO(data), formats=_FORMATS) as opened:
                info = dict(opened.info)
            description, comment = _from_exif(info.get("exif"))
    except Exception as error:  # on a damaged file Pillow raises whatever it stumbles over
        raise BadInputError("That is not a readable png, jpg or webp picture.", advice="Choose another file.") from error
    parameters = info.get("parameters")
    return description, (parameters if isinstance(parameters, str) else comment)


def _from_exif(block: Any) -> tuple[str, str]:
    if not isinstance(block, bytes):
        return "", ""
    exif = Image.Exif()
    exif.load(block)
    description = exif.get(Exif.ImageDescription)
    comment = exif.get_ifd(IFD.Exif).get(Exif.UserComment)
    return (
        description.strip("\0 ") if isinstance(description, str) else "",
        _comment_text(comment[:_LONGEST_JSON]) if isinstance(comment, bytes) else "",
    )


def _comment_text(comment: bytes) -> str:
    """EXIF's UserComment: eight bytes that name the code, then the text. Which UTF-16 it is, the place of its zeros tells."""
    code, body = comment[:8], comment[8:]
    if code != b"UNICODE\0":
        return body.decode(_COMMENT_CODES.get(code, "utf-8"), "replace").strip("\0 ")
    if b"\0" not in body:
        return body.decode("utf-8", "replace")
    order = "utf-16-be" if body[::2].count(0) >= body[1::2].count(0) else "utf-16-le"
    return body.decode(order, "replace").strip("\ufeff\0 ")
