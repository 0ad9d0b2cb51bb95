"""A lesson as it stands in its TOML file: text, a question, the settings to run, and the claim they demonstrate."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from playground.contract.inputs import INPUTS, PredictionInput

_HERE = Path(__file__).parent
PICTURES = _HERE / "pictures"
UPLOAD_FILE, FIGURES_FILE = "upload.webp", "figures.json"

Figure = Literal["bytes", "count", "pixels", "from_first", "from_last", "from_image"]
Trend = Literal["rises", "falls", "stays", "differs", "below_luck"]


class Advice(BaseModel):
    """A recommended value or range, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    source: str


class Question(BaseModel):
    """What to predict before looking; `answer` is the place of the right option, from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    options: tuple[str, ...] = Field(min_length=2, max_length=4)
    answer: int = Field(ge=0)
    because: str

    @model_validator(mode="after")
    def _answers_with_an_option(self) -> "Question":
        if self.answer >= len(self.options):
            raise ValueError(f"answer {self.answer} is none of the {len(self.options)} options")
        return self


class Claim(BaseModel):
    """What the lesson's pictures show, as a figure of each and the way it goes from value to value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    figure: Figure
    trend: Trend


class Lesson(BaseModel):
    """One input's lesson. `values` are swept, all else stands in `settings`, or else at the contract's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str
    title: str = Field(max_length=60)
    plain: str
    precise: str
    no_effect: str
    cost: str
    advice: tuple[Advice, ...]
    question: Question
    settings: dict[str, Any]
    values: tuple[Any, ...] = Field(min_length=2, max_length=8)
    starts_from_picture: bool = False
    """Whether the sweep is img2img on the lesson's own picture."""
    claim: Claim

    @model_validator(mode="after")
    def _asks_for_what_the_contract_allows(self) -> "Lesson":
        if self.input not in INPUTS:
            raise ValueError(f"{self.input} is none of the inputs")
        _ = [self.request(place) for place in range(len(self.values))]
        return self

    def request(self, place: int, *, seed: int | None = None) -> PredictionInput:
        """The request of the value at `place`, without its image; with `seed` in place of the lesson's own."""
        swept = {} if self.input == "image" else {self.input: self.values[place]}
        seeded = {} if seed is None or self.input == "seed" else {"seed": seed}
        return PredictionInput.model_validate(self.settings | swept | seeded)

    def has_image(self, place: int) -> bool:
        """Whether the picture at `place` is made from the lesson's own picture."""
        return bool(self.values[place]) if self.input == "image" else self.starts_from_picture

    def value_label(self, place: int) -> str:
        """The value at `place` as a caption."""
        value = self.values[place]
        if self.input == "image":
            return "with an image" if value else "without"
        return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)

    def picture(self, place: int) -> Path:
        """The picture of the value at `place` that ships with the lesson."""
        return PICTURES / f"{self.input}-{place}.webp"


class Measurement(BaseModel):
    """Means over several seeds: the claim's figure for each value, and the difference between two seeds' pictures, of 255."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[float, ...]
    luck: float


@cache
def read_measurements(folder: Path = PICTURES) -> Mapping[str, Measurement]:
    """What was measured when the lessons' pictures were made, by input."""
    return TypeAdapter(dict[str, Measurement]).validate_json((folder / FIGURES_FILE).read_bytes())


@cache
def read_lessons(folder: Path = _HERE) -> Mapping[str, Lesson]:
    """All lessons by input, in the contract's order. Raises ValueError for a file that is no lesson."""
    found = {path.stem: Lesson.model_validate({"input": path.stem} | _table(path)) for path in folder.glob("*.toml")}
    return {name: found[name] for name in INPUTS if name in found}


def _table(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)
