"""A prediction as the API reports it. Reads both dialects of the API and every known form of `result`.

Nothing here fails on what the API may add: extra fields are dropped, an unknown status is kept as it is and is not final.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

from playground.contract.inputs import LARGEST_SEED

_OTHER_WORDS = {"starting": "pending", "succeeded": "completed", "canceled": "cancelled"}
_LARGEST_FLOAT = sys.float_info.max  # JSON knows longer integers
_LARGEST_COUNT = 1_000_000  # nonsense beyond it is dropped, not shown
_LONGEST_ERROR = 2000
_RESULT_KEYS = ("output", "images", "image", "urls", "url", "data")


def _whole_characters(value: Any) -> Any:
    """JSON can carry half a character (`"\\ud83d"`, a message cut in an emoji); such text could be neither stored nor shown."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_whole_characters)]


class Status(StrEnum):
    """The five statuses of the API; any other word becomes a member of its own that is not final."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether a prediction in this status will never change again."""
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not value:
            return None
        word = value.strip().lower()
        word = _OTHER_WORDS.get(word, word)
        for member in cls:
            if member.value == word:
                return member
        unknown = str.__new__(cls, value)
        unknown._name_, unknown._value_ = "UNKNOWN", value
        return unknown


class Progress(BaseModel):
    """How far a prediction is. `preview` is a data URI of the picture as the model sees it now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int = Field(default=0, ge=0, le=_LARGEST_COUNT)
    total: int = Field(default=0, ge=0, le=_LARGEST_COUNT)
    queue_position: int | None = Field(default=None, ge=0, le=_LARGEST_COUNT)
    """1 is next to run; None once it runs, or where the API does not say."""
    preview: _Text | None = None


class Prediction(BaseModel):
    """One snapshot of a prediction, in the words of the API's own page."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    job_id: _Text
    status: Status
    provider: _Text | None = None
    model: _Text | None = None
    created_at: _Text | None = None
    result: tuple[_Text, ...] | None = None
    """URLs, data URIs or bare base64, one an output; None until completed."""
    error: _Text | None = None
    progress: Progress | None = None
    seed: int | None = None
    """The seed that was used; only where the API says so."""
    notes: tuple[_Text, ...] = ()
    """What had no effect, in sentences; from our own service."""
    metrics: dict[_Text, float] = {}
    """Seconds: `queue_time`, `run_time`, `total_time`, as far as the API measures them."""

    @property
    def run_time_s(self) -> float | None:
        """How long the model worked on it."""
        return next((self.metrics[key] for key in ("run_time", "predict_time") if key in self.metrics), None)

    @model_validator(mode="before")
    @classmethod
    def _read_either_dialect(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        raw = cast(Mapping[str, Any], data)
        known: dict[str, Any] = {
            "job_id": _text(_first(raw, "job_id", "id")),
            "status": raw.get("status"),
            "result": result_items(_first(raw, "result", "output")) or None,
            "error": _shortened(readable(raw.get("error"))),
            "progress": _tolerated(Progress, raw.get("progress")),
            "seed": _integer(raw.get("seed")),
            "notes": _strings(raw.get("notes")),
            "metrics": _numbers(raw.get("metrics")),
        }
        return known | {name: _text(raw.get(name)) for name in ("provider", "model", "created_at")}

    @field_serializer("result")
    def _result_as_list(self, result: tuple[str, ...] | None) -> list[str] | None:
        return None if result is None else list(result)


def result_items(result: Any) -> tuple[str, ...]:
    """Every output named by a `result`: a string, a list, an object holding either, or any of these as JSON text."""
    if isinstance(result, str):
        text = result.strip()
        if text.startswith(("[", "{", '"')):
            try:
                return result_items(json.loads(text))
            except (ValueError, RecursionError):
                return ()
        return (text,) if text else ()
    if isinstance(result, Mapping):
        inner = cast(Mapping[str, Any], result)
        for key in _RESULT_KEYS:
            if items := result_items(inner.get(key)):
                return items
        return ()
    if isinstance(result, Sequence):
        return tuple(item for part in cast(Sequence[Any], result) for item in result_items(part))
    return ()


def readable(error: Any) -> str | None:
    """An API's error value as one line: a string, an object with `detail`/`error`/`message`, or a list of such."""
    if not error:
        return None
    if isinstance(error, str):
        return error
    if isinstance(error, Mapping):
        inner = cast(Mapping[str, Any], error)
        for key in ("detail", "error", "message", "msg", "title", "reason"):
            if text := readable(inner.get(key)):
                where = inner.get("loc")
                named = ".".join(str(part) for part in cast(list[Any], where)) if isinstance(where, list) else ""
                return f"{named}: {text}" if named else text
        return json.dumps(dict(inner), ensure_ascii=False, default=str)
    if isinstance(error, Sequence):
        return "; ".join(filter(None, (readable(part) for part in cast(Sequence[Any], error)))) or None
    return str(error)


def _shortened(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 3] + "..."


def _first(raw: Mapping[str, Any], *names: str) -> Any:
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None


def _integer(value: Any) -> int | None:
    is_usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SEED
    return value if is_usable else None


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(item for item in cast(Sequence[Any], value) if isinstance(item, str))


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(key): float(number)
        for key, number in cast(Mapping[Any, Any], value).items()
        if isinstance(number, int | float) and not isinstance(number, bool) and -_LARGEST_FLOAT <= number <= _LARGEST_FLOAT
    }


def _tolerated(model: type[Progress], value: Any) -> Progress | None:
    if isinstance(value, model):
        return value
    try:
        return model.model_validate(value)
    except ValueError:
        return None
