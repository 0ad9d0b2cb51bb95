"""What a request will really do, known before it runs: its pixel size, its steps, its seed, and what has no effect.

Pure functions that the service obeys, the engine computes with and the page shows before the click.
Sizes and rules are those of the open-source backend that serves FLUX.1 Krea [dev].
"""

from playground.contract.inputs import INPUTS, PredictionInput, default, label
from playground.contract.model import ModelInfo

PIXEL_SIZES: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
"""(width_px, height_px) at one megapixel."""

_ROOM = "one thing, small or at one side if you like, or two, in one style and on one colour"
LARGEST_IMAGE_SIDE_PX = 1440
SIDE_MULTIPLE_PX = 16


def pixel_size(aspect_ratio: str, megapixels: str) -> tuple[int, int]:
    """(width_px, height_px) of a picture made from noise."""
    width_px, height_px = PIXEL_SIZES[aspect_ratio]
    return (width_px, height_px) if megapixels == "1" else (width_px // 2, height_px // 2)


def shrunk_size(width_px: int, height_px: int) -> tuple[int, int]:
    """(width_px, height_px) of an upload shrunk to fit 1440×1440; smaller ones stay as they are."""
    scale = min(1.0, LARGEST_IMAGE_SIDE_PX / max(width_px, height_px))
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def image_pixel_size(width_px: int, height_px: int) -> tuple[int, int]:
    """(width_px, height_px) of an img2img result: the upload shrunk to fit 1440×1440, sides cut to multiples of 16."""
    width_px, height_px = shrunk_size(width_px, height_px)
    return _cut_side(width_px), _cut_side(height_px)


def start_step(num_inference_steps: int, prompt_strength: float) -> int:
    """The first step that img2img runs: int((1 − s)·N), in floating point just as the backend computes it."""
    return min(num_inference_steps, int((1 - prompt_strength) * num_inference_steps))


def steps_run(request: PredictionInput, *, has_image: bool) -> int:
    """How many denoising steps really run."""
    steps = request.num_inference_steps
    return steps - start_step(steps, request.prompt_strength) if has_image else steps


def effective_seed(request: PredictionInput) -> int | None:
    """The seed that counts; None means that one has to be drawn (the backend treats 0 as no seed)."""
    return request.seed or None


def remarks(request: PredictionInput, model: ModelInfo, *, has_image: bool) -> tuple[str, ...]:
    """Sentences on words that are not read as they stand, and one for each input that asks for something in vain."""
    return tuple(_ignored_inputs(request, has_image=has_image) + _ignored_by(request, model))


def _ignored_inputs(request: PredictionInput, *, has_image: bool) -> list[str]:
    found: list[str] = []
    if has_image:
        if request.aspect_ratio != default("aspect_ratio"):
            found.append(f"{label('aspect_ratio')}: no effect, the result follows the image.")
        if request.megapixels != default("megapixels"):
            found.append(f"{label('megapixels')}: no effect, the result follows the image.")
        if request.go_fast:
            found.append(f"{label('go_fast')}: no effect, a picture made from an image always runs in full.")
    elif request.prompt_strength != default("prompt_strength"):
        found.append(f"{label('prompt_strength')}: no effect without an image.")
    if request.output_format == "png" and request.output_quality != default("output_quality"):
        found.append(f"{label('output_quality')}: no effect on png, which is lossless.")
    if request.seed == 0:
        found.append(f"{label('seed')}: 0 means no seed, so a random one is drawn.")
    return found


def _ignored_by(request: PredictionInput, model: ModelInfo) -> list[str]:
    found = _misread_by(request.prompt, model)
    for name, reason in model.without_effect.items():
        if name in INPUTS and getattr(request, name) != default(name):
            found.append(f"{label(name)}: no effect, {reason}.")
    return found


def _misread_by(prompt: str, model: ModelInfo) -> list[str]:
    found: list[str] = []
    reading = model.read(prompt)
    if reading.unknown:
        found.append(f"The {model.label} doesn't know: {', '.join(reading.unknown)}.")
    if reading.read_as:
        found.append(f"The {model.label} reads {', '.join(f'{said} as {word}' for said, word in reading.read_as.items())}.")
    if reading.left_over:
        found.append(f"The {model.label} draws {_ROOM}; not read: {', '.join(reading.left_over)}.")
    return found


def _cut_side(side_px: int) -> int:
    return max(SIDE_MULTIPLE_PX, side_px // SIDE_MULTIPLE_PX * SIDE_MULTIPLE_PX)
