"""What the safety checker's verdicts mean for a prediction: an upload refused, outputs withheld, a preview left out."""

from collections.abc import Sequence

from PIL.Image import Image

from playground.contract.model import ModelInfo
from playground.errors import FlaggedError
from playground.safety.base import SafetyChecker

ALL_FLAGGED = "All generated images contained NSFW content. Try running it again with a different prompt."
"""The hosted API's own words."""

_SWITCH = "disable_safety_checker"
_CHECKED = "While it is off, uploads, previews and outputs are checked here for nudity and pornography. The checker can err."
_UNCHECKED = "this service has no safety checker, and nothing is checked"


def described(model: ModelInfo, *, is_checked: bool) -> ModelInfo:
    """The model, with what the safety switch does in this service."""
    if is_checked:
        return model.model_copy(update={"local_effect": model.local_effect | {_SWITCH: _CHECKED}})
    return model.model_copy(update={"without_effect": model.without_effect | {_SWITCH: _UNCHECKED}})


def refuse_flagged(upload: Image, checker: SafetyChecker) -> None:
    """Raise FlaggedError if the image to start from is flagged."""
    if checker.is_flagged(upload):
        raise FlaggedError(
            "image: the safety checker takes it for nudity or pornography, so no picture was made and nothing was charged.",
            advice="Choose another image; the checker can be wrong about a harmless one.",
        )


def unflagged(pictures: Sequence[Image], checker: SafetyChecker) -> list[Image]:
    """The pictures that may be delivered. Raises FlaggedError, in the hosted API's words, if none may."""
    passed = [picture for picture in pictures if not checker.is_flagged(picture)]
    if not passed:
        raise FlaggedError(ALL_FLAGGED)
    return passed


def withheld_note(withheld: int, *, made: int) -> str:
    """The note on outputs that were dropped."""
    return f"{withheld} of {made} pictures {'was' if withheld == 1 else 'were'} withheld by the safety checker."
