"""The 13 inputs of a prediction: type, default, bounds, choices, label and help, declared here and nowhere else.

Names and meaning follow the model's API page; defaults and ranges which that page leaves out follow the open-source
backend that serves the model. Controls, validation, API schema and presets are all derived from `PredictionInput`.
"""

from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

AspectRatio = Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"]
OutputFormat = Literal["webp", "jpg", "png"]
Megapixels = Literal["1", "0.25"]
Group = Literal["what", "shape", "how", "file"]

LARGEST_SEED = 2**53 - 1  # the largest integer that JSON and JavaScript carry exactly


def _input(default: Any, *, label: str, help: str, group: Group, step: float | None = None, **bounds: Any) -> Any:
    """A pydantic field whose JSON schema also carries the control's group and slider step."""
    extra: dict[str, Any] = {"x-group": group} | ({"x-step": step} if step is not None else {})
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


class PredictionInput(BaseModel):
    """One request's inputs; immutable, refuses unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = _input(..., label="Prompt", help="What the picture should show.", group="what")
    aspect_ratio: AspectRatio = _input(
        "1:1", label="Aspect ratio", help="Width to height. Ignored when there is an image.", group="shape"
    )
    image: str | None = _input(
        None,
        label="Image",
        help="Start from this picture instead of from noise (img2img). The result takes its shape.",
        group="what",
    )
    prompt_strength: float = _input(
        0.8,
        label="Prompt strength",
        help="Only with an image: 0 gives the image back, 1 keeps nothing of it.",
        group="what",
        ge=0,
        le=1,
        step=0.01,
    )
    num_outputs: int = _input(
        1, label="Number of outputs", help="Pictures per request; the price is the same.", group="shape", ge=1, le=4
    )
    num_inference_steps: int = _input(
        28,
        label="Steps",
        help="Steps from noise to picture. 28-50 recommended; fewer is faster and rougher.",
        group="how",
        ge=1,
        le=50,
    )
    guidance: float = _input(
        3.0,
        label="Guidance",
        help="How hard the prompt pulls. Lower looks more natural; try 2, 2.5, 3, 3.5.",
        group="how",
        ge=0,
        le=10,
        step=0.1,
    )
    seed: int | None = _input(
        None,
        label="Seed",
        help="Same seed, same settings, same picture (hosted: only with Go fast off). Empty or 0: random.",
        group="how",
        ge=0,
        le=LARGEST_SEED,
    )
    output_format: OutputFormat = _input(
        "webp", label="File format", help="webp is small, jpg opens everywhere, png keeps every pixel.", group="file"
    )
    output_quality: int = _input(
        80, label="File quality", help="0 smallest, 100 best. No effect on png.", group="file", ge=0, le=100
    )
    disable_safety_checker: bool = _input(
        False, label="Disable safety checker", help="Deliver pictures without checking them first.", group="file"
    )
    go_fast: bool = _input(
        True,
        label="Go fast",
        help="Saves time with the same model; pictures differ slightly. Ignored with an image.",
        group="how",
    )
    megapixels: Megapixels = _input("1", label="Megapixels", help="0.25 halves both sides.", group="shape")

    @field_validator("prompt")
    @classmethod
    def _prompt_says_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("the prompt is empty: describe a picture")
        return prompt


INPUTS: dict[str, FieldInfo] = dict(PredictionInput.model_fields)


def label(name: str) -> str:
    """The label people see for an input."""
    return INPUTS[name].title or name


def help_text(name: str) -> str:
    """One sentence on what an input does."""
    return INPUTS[name].description or ""


def group(name: str) -> Group:
    """The question an input answers: what, shape, how or file."""
    return _schema_extra(name)["x-group"]


def default(name: str) -> Any:
    """The default of an optional input; None for the prompt, which has none."""
    return INPUTS[name].get_default() if not INPUTS[name].is_required() else None


def bounds(name: str) -> tuple[float, float]:
    """(least, greatest) of a numeric input. Raises KeyError for an input without bounds."""
    found = {key: getattr(mark, key) for mark in INPUTS[name].metadata for key in ("ge", "le") if hasattr(mark, key)}
    return found["ge"], found["le"]


def slider_step(name: str) -> float:
    """The smallest change a slider of this input makes; 1 for integers."""
    return _schema_extra(name).get("x-step", 1)


def choices(name: str) -> tuple[str, ...]:
    """The allowed words of an enumerated input; empty for any other."""
    annotation = INPUTS[name].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def explain(error: ValidationError) -> str:
    """A ValidationError of `PredictionInput` in one line that names each input, what was expected and what came."""
    parts: list[str] = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else "input"
        if problem["type"] == "missing":
            parts.append(f"{name}: required, nothing was given")
        elif problem["type"] == "extra_forbidden":
            parts.append(f"{name}: no such input; the inputs are {', '.join(INPUTS)}")
        elif problem["type"] == "value_error":
            parts.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        else:
            shown = repr(problem["input"])
            shown = shown if len(shown) <= 60 else shown[:57] + "..."
            is_out_of_bounds = problem["type"] in ("greater_than_equal", "less_than_equal") and name in INPUTS
            wanted = "expected {:g} to {:g}".format(*bounds(name)) if is_out_of_bounds else problem["msg"].lower()
            parts.append(f"{name}: {wanted}, got {shown}")
    return "; ".join(parts)


def _schema_extra(name: str) -> dict[str, Any]:
    extra = INPUTS[name].json_schema_extra
    return cast(dict[str, Any], extra) if isinstance(extra, dict) else {}
