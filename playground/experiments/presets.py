"""Presets: one look or one lesson a JSON file, its inputs in the contract's own names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from playground.contract.inputs import INPUTS, PredictionInput, default, explain
from playground.errors import PresetError

LARGEST_PRESET_BYTES = 64 * 1024
_MADE_FOR_ONE_PICTURE = ("image",)


class Preset(BaseModel):
    """A named set of inputs. Inputs that it does not name stand at their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=500)
    tags: tuple[str, ...] = Field(default=(), max_length=12)
    inputs: dict[str, Any]

    @field_validator("inputs")
    @classmethod
    def _valid_inputs(cls, inputs: dict[str, Any]) -> dict[str, Any]:
        for name in _MADE_FOR_ONE_PICTURE:
            if name in inputs:
                raise ValueError(f"inputs.{name}: a preset carries no picture")
        try:
            request = PredictionInput.model_validate(inputs)
        except ValidationError as error:
            raise ValueError(f"inputs.{explain(error)}") from error
        return request.model_dump(include=set(inputs))

    def value(self, name: str) -> Any:
        """The preset's value of an input, or the input's default."""
        return self.inputs.get(name, default(name))


@dataclass(frozen=True)
class Shelf:
    """The presets of a folder by file stem, and why some files are not among them."""

    presets: Mapping[str, Preset]
    broken: tuple[PresetError, ...] = ()


def read_shelf(folder: Path) -> Shelf:
    """All `*.json` of a folder in name order. A broken file is named with its error and skipped."""
    presets: dict[str, Preset] = {}
    broken: list[PresetError] = []
    for path in sorted(folder.glob("*.json")):
        try:
            presets[path.stem] = read_preset(path)
        except PresetError as error:
            broken.append(error)
    return Shelf(presets, tuple(broken))


def read_preset(path: Path) -> Preset:
    """One preset file. Raises PresetError, which names the file and what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_PRESET_BYTES + 1)
    except OSError as error:
        raise _broken(path, f"it cannot be read ({error.strerror})") from error
    if len(data) > LARGEST_PRESET_BYTES:
        raise _broken(path, f"it is larger than {LARGEST_PRESET_BYTES // 1024} kB")
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _broken(path, "it is not JSON") from error
    try:
        return Preset.model_validate(content)
    except ValidationError as error:
        raise _broken(path, "; ".join(_problem(cast(Mapping[str, Any], problem)) for problem in error.errors())) from error


def preset_json(title: str, description: str, inputs: Mapping[str, Any]) -> str:
    """A preset file's text from a form's inputs; those at their default are left out. Raises PresetError."""
    chosen = {
        name: inputs[name]
        for name in INPUTS
        if name in inputs and name not in _MADE_FOR_ONE_PICTURE and inputs[name] != default(name)
    }
    try:
        preset = Preset(title=title.strip() or "My preset", description=description, inputs=chosen)
    except ValidationError as error:
        reasons = "; ".join(_problem(cast(Mapping[str, Any], problem)) for problem in error.errors())
        raise PresetError(f"These settings are no preset yet: {reasons}.", advice="Correct them and save again.") from error
    text = json.dumps(preset.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    if len(text.encode()) > LARGEST_PRESET_BYTES:
        raise PresetError(
            f"These settings are no preset yet: larger than {LARGEST_PRESET_BYTES // 1024} kB.", advice="Shorten the prompt."
        )
    return text


def _problem(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if not problem["loc"]:
        return "expected an object with title and inputs"
    return ".".join(str(part) for part in problem["loc"]) + f": {str(problem['msg']).lower()}"


def _broken(path: Path, reason: str) -> PresetError:
    return PresetError(f"{path.name} is not a preset: {reason}.", advice="Correct the file and load it again.")
