"""The `parameters` text that many picture programs write into their files, read as settings of ours.

Its form: the prompt, lines that may begin with "Negative prompt:", then one line "Steps: 20, CFG scale: 7, Seed: 123, …".
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any

from playground.contract.effects import PIXEL_SIZES, pixel_size
from playground.contract.inputs import LARGEST_SEED, bounds, label
from playground.contract.partial import LONGEST_PROMPT, shortened

LONGEST_TEXT = 100_000
_LONGEST_SETTINGS = 8_000
_MOST_NAMED = 12
_NEGATIVE = "Negative prompt:"
_FIRST_SETTING = "Steps:"
_SETTING = re.compile(r'(?:^|,)\s*([^,:"]{1,60}):\s*("(?:[^"\\]|\\.)*"|[^,]*)')
_SIZE = re.compile(r"(\d{1,5})\s*x\s*(\d{1,5})")
_UNREAD = ("Model", "Size", "Steps", "Seed", "CFG scale", "Distilled CFG Scale", "Denoising strength")


@dataclass
class Parameters:
    """The text's settings in the contract's names, and remarks on what changed or could not be taken over."""

    inputs: dict[str, Any]
    model: str = ""
    from_image: bool = False
    remarks: list[str] = field(default_factory=list[str])


def read_parameters(text: str) -> Parameters | None:
    """The text's settings; None where it is no such text."""
    lines = text[:LONGEST_TEXT].splitlines()
    last = next((at for at in reversed(range(len(lines))) if lines[at].lstrip().startswith(_FIRST_SETTING)), None)
    if last is None:
        return None
    negative = next((at for at in range(last) if lines[at].startswith(_NEGATIVE)), last)
    said = {name.strip(): value.strip() for name, value in _SETTING.findall(lines[last][:_LONGEST_SETTINGS])}
    found = Parameters({"prompt": "\n".join(lines[:negative]).strip()[:LONGEST_PROMPT]}, model=said.get("Model", "").strip('"'))
    _take_numbers(said, found)
    _take_size(said.get("Size", ""), found)
    left = [shortened(name) for name in said if name not in _UNREAD]
    if negative < last:
        left.insert(0, "negative prompt")
    if left:
        more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
        found.remarks.append(f"Not taken over: {', '.join(left[:_MOST_NAMED])}{more}.")
    return found


def _take_numbers(said: dict[str, str], found: Parameters) -> None:
    _take(found, "num_inference_steps", said.get("Steps"), whole=True)
    _take(found, "guidance", said.get("Distilled CFG Scale", said.get("CFG scale")))
    seed = _number(said.get("Seed"))
    if seed is not None and seed == int(seed) and 0 <= seed <= LARGEST_SEED:
        found.inputs["seed"] = int(seed)
    elif "Seed" in said:
        found.remarks.append("Its seed is none that can be asked for here: a random one is drawn.")
    # The same words also stand there when a picture made from noise was enlarged in a second pass.
    if "Denoising strength" in said and not any(name.startswith("Hires") for name in said):
        _take(found, "prompt_strength", said["Denoising strength"])
        found.from_image = "prompt_strength" in found.inputs


def _take(found: Parameters, name: str, text: str | None, *, whole: bool = False) -> None:
    """One number, brought within the contract's bounds; a remark says so."""
    number = _number(text)
    if number is None:
        return
    least, most = bounds(name)
    near = min(max(number, least), most)
    found.inputs[name] = round(near) if whole else near
    if near != number:
        found.remarks.append(f"{label(name)}: {number:g} became {near:g}, the nearest that is possible here.")


def _take_size(text: str, found: Parameters) -> None:
    """The nearest shape by the ratio of its sides, and the nearer of the two areas."""
    if (size := _SIZE.fullmatch(text)) is None:
        return
    width_px, height_px = int(size[1]), int(size[2])
    if not width_px or not height_px:
        return
    ratio = math.log(width_px / height_px)
    shape = min(PIXEL_SIZES, key=lambda name: abs(math.log(PIXEL_SIZES[name][0] / PIXEL_SIZES[name][1]) - ratio))
    area = math.log(width_px * height_px)
    megapixels = min(("1", "0.25"), key=lambda name: abs(math.log(math.prod(pixel_size(shape, name))) - area))
    found.inputs |= {"aspect_ratio": shape, "megapixels": megapixels}
    nearest = pixel_size(shape, megapixels)
    if nearest != (width_px, height_px):
        found.remarks.append(f"Size: {width_px}×{height_px} became {nearest[0]}×{nearest[1]} ({shape}), the nearest there is.")


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip()[:40])
    except ValueError:
        return None
    return number if math.isfinite(number) else None
